// Node `ws`, broadcasting as its README does, with its default settings: no compression.

import WebSocket, { WebSocketServer } from "ws";

const FRAME_BYTES = 64;
let hp = 2 ** 52;
let tick = 0;

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });

server.on("connection", (socket) => {
  socket.on("error", console.error);
  socket.on("message", () => {
    hp -= 1;
  });
});

setInterval(() => {
  tick += 1;
  const state = Buffer.alloc(FRAME_BYTES);
  state.writeBigUInt64LE(BigInt(tick), 0);
  state.writeBigUInt64LE(BigInt(hp), 8);
  server.clients.forEach((client) => {
    if (client.readyState === WebSocket.OPEN) {
      client.send(state);
    }
  });
}, 100);
