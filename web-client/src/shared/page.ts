// A hub in a browser's page: its socket, clock, dice and frames.

import type { Events } from '../connection';
import { Hub, type Page } from './hub';
import { GROUPS_PATH, GROUPS_SUBPROTOCOL } from './messages';

/** A hidden page draws nothing, and takes in what came this often. */
const HIDDEN_MS = 1_000;

let hub: Hub | null = null;

/** The hub of this page, on the server that the page is from. */
export function pageHub(): Hub {
  hub ??= newHub();
  return hub;
}

function newHub(): Hub {
  const made = new Hub({ open, now: () => performance.now(), random, later, frame, secret });
  addEventListener('online', () => made.hurry());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) made.hurry();
  });
  addEventListener('pagehide', ({ persisted }) => {
    // A page that may come back keeps its writer.
    if (!persisted) made.close();
  });
  return made;
}

function open(events: Events) {
  // The page works below any path.
  const url = new URL(`.${GROUPS_PATH}`, document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(url, GROUPS_SUBPROTOCOL);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => {
    // A text is no message: as empty bytes it is unreadable, too.
    events.received(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array());
  };
  socket.onclose = ({ code, reason }) => events.closed(code, reason);
  const send: ReturnType<Page['open']>['send'] = (bytes) => socket.send(bytes);
  return { send, close: () => socket.close() };
}

function random(): number {
  return Math.random();
}

function secret(len: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(len));
}

function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** The next frame, or the time when a hidden page looks. */
function frame(run: () => void): void {
  const once = () => {
    clearTimeout(timer);
    cancelAnimationFrame(drawn);
    run();
  };
  const timer = setTimeout(once, HIDDEN_MS);
  const drawn = requestAnimationFrame(once);
}
