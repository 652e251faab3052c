// Composes the page: storage, socket, clock, and one new state per animation frame.

import { parseGen, parseToken } from './codec';
import type { Events, Wire } from './connection';
import { Connection } from './connection';
import type { SkillId } from './protocol';
import { SUBPROTOCOL } from './protocol';
import type { Event, Game } from './store';
import { newGame, nextFrame } from './store';
import { prefersLessMotion } from './view/dom';
import { askName } from './view/join';
import { draw, flinch, listen } from './view/view';

const NAME = 'worldboss.name';
const SESSION = 'worldboss.session';
/** The life whose victory was put away, so that a reload does not bring it back. */
const DISMISSED = 'worldboss.dismissed';
/** A hidden page draws nothing, and takes in what came this often. */
const HIDDEN_MS = 1_000;

let game: Game = { ...newGame(), dismissed: parseGen(stored(() => sessionStorage, DISMISSED)) };
let events: Event[] = [];
let drawnAt = performance.now();

const now = () => performance.now();

const connection = new Connection(
  { open, now, random: Math.random, later },
  {
    link(link) {
      events.push({ kind: 'link', link });
      if (link.kind === 'unwelcome') ask(link.why);
    },
    message: (message) => events.push({ kind: 'message', at: now(), message }),
  },
  every(),
);

const hands = {
  press(skill: SkillId) {
    events.push({ kind: 'press', at: now(), skill });
    flinch(!prefersLessMotion.matches);
  },
  retry() {
    if (game.link.kind === 'outdated') location.reload();
    else connection.connect();
  },
  dismiss() {
    events.push({ kind: 'dismiss' });
    store(() => sessionStorage, DISMISSED, String(game.victory?.generation ?? ''));
  },
};

/** Everything since the last frame becomes one new state, and what is unsent leaves. */
function step(): void {
  const at = now();
  const happened = events;
  events = [];
  const before = game.session?.token;
  game = nextFrame(game, happened, at, at - drawnAt);
  drawnAt = at;
  if (game.session && game.session.token !== before)
    store(() => sessionStorage, SESSION, game.session.token);
  connection.flush(game.pending);
}

function frame(): void {
  // First, so that one bad frame is not the last one.
  requestAnimationFrame(frame);
  step();
  draw(game, now(), hands);
}

/** `?every=1` in the address asks for every state, without it for those that can be seen. */
function every(): number {
  return new URLSearchParams(location.search).get('every') === '1' ? 1 : 0;
}

function open(wire: Events): Wire {
  const url = new URL('ws', document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => wire.opened();
  socket.onmessage = ({ data }) => {
    // A text is no message: as empty bytes it is unreadable, too.
    wire.received(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array());
  };
  socket.onclose = ({ code, reason }) => wire.closed(code, reason);
  return { send: (bytes) => socket.send(bytes), close: () => socket.close() };
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** A browser may forbid storage, even to name it: then the page remembers nothing. */
function store(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(key, value);
  } catch {
    // Nothing depends on it but the next visit.
  }
}

function stored(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function ask(why: string): void {
  const last = stored(() => localStorage, NAME) ?? '';
  askName(last, why, (name) => {
    store(() => localStorage, NAME, name);
    join(name);
  });
}

function join(name: string): void {
  events.push({ kind: 'join', name });
  // A second tab has a storage of its own, so it is a second player.
  connection.connect({ name, session: parseToken(stored(() => sessionStorage, SESSION)) });
}

listen(() => game, hands);
addEventListener('online', () => {
  if (game.link.kind === 'waiting') connection.connect();
});
setInterval(() => {
  if (document.hidden) step();
}, HIDDEN_MS);

const name = stored(() => localStorage, NAME);
if (name !== null && stored(() => sessionStorage, SESSION) !== null) join(name);
else ask('');
requestAnimationFrame(frame);
