// Colyseus as its documentation has it: a room with a Schema state, patched ten times a second.

import { Room, defineRoom, defineServer } from "@colyseus/core";
import { schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

const Boss = schema({ tick: t.uint32(), hp: t.number(), players: t.uint32() }, "Boss");

class Raid extends Room {
  onCreate() {
    this.state = new Boss();
    this.state.tick = 0;
    this.state.hp = 2 ** 52;
    this.state.players = 0;
    this.setPatchRate(100);
    this.onMessage("hit", (_client, damage) => {
      this.state.hp -= damage;
    });
  }

  onJoin() {
    this.state.players += 1;
  }

  onLeave() {
    this.state.players -= 1;
  }

  // The same as everywhere: each frame has a new tick, also when nobody has hit.
  onBeforePatch() {
    this.state.tick += 1;
  }
}

const server = defineServer({
  transport: new WebSocketTransport(),
  rooms: { raid: defineRoom(Raid) },
  greet: false,
});
await server.listen(Number(process.argv[2]), "127.0.0.1");
