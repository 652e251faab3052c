// Socket.IO as its documentation has it: events with plain objects, `io.emit` to everybody.

import { createServer } from "node:http";
import { Server } from "socket.io";

let hp = 2 ** 52;
let tick = 0;

const server = createServer();
const io = new Server(server);

io.on("connection", (socket) => {
  socket.on("hit", (damage) => {
    hp -= damage;
  });
});

setInterval(() => {
  tick += 1;
  io.emit("state", { tick, hp, players: io.engine.clientsCount });
}, 100);

server.listen(Number(process.argv[2]), "127.0.0.1");
