// What comes to a page and what it draws, and when: noted in the page, by its own clock.

import { ShardReader } from '../src/codec';
import type { Ack, State } from '../src/protocol';
import { ShardType } from '../src/protocol';
import type { Player } from './player';

/** Times are milliseconds since 1970, by the clock that all pages of a machine share. */
interface Trace {
  /** Presses of skills. */
  presses: number[];
  /** Messages, when they come out of the socket. */
  messages: { at: number; bytes: number[] }[];
  /**
   * Changes of the number on the health bar, in the animation frame that makes them. The bar's ARIA
   * value is its percentage, written every two seconds.
   */
  drawn: number[];
}

interface At<T> {
  at: number;
  body: T;
}

declare global {
  interface Window {
    trace?: Trace;
  }
}

/** How a hit came from one page to another. */
export interface Sight {
  /** From the press to the state frame that first shows it. */
  receivedMs: number;
  /** From the press to the first change of the bar once that state frame has come. */
  drawnMs: number;
  /** State frames that came to the other page from the press on, with the one that shows it. */
  frames: number;
  /**
   * Ticks of its own shard from the press until it was accepted, and of the other shard from then
   * until it was shown. Unlike `frames`, it does not depend on how the shards' ticks lie.
   */
  ticks: number;
  damage: number;
}

/** Notes it all in a page that was not joined yet. */
export async function note({ page }: Player): Promise<void> {
  await page.addInitScript(noteInPage);
  await page.reload();
}

/** Runs in the page, before its own scripts. */
function noteInPage(): void {
  const trace: Trace = { presses: [], messages: [], drawn: [] };
  window.trace = trace;
  const now = () => performance.timeOrigin + performance.now();

  const Plain = WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        trace.messages.push({ at: now(), bytes: Array.from(new Uint8Array(data)) });
      });
    }
  };

  const notePress = ({ target, timeStamp }: MouseEvent) => {
    const isSkill = target instanceof Element && target.closest('#skills') !== null;
    // The moment at which the browser had the input, before any script.
    if (isSkill) trace.presses.push(performance.timeOrigin + timeStamp);
  };
  addEventListener('click', notePress, { capture: true });

  addEventListener('DOMContentLoaded', () => {
    const hp = document.querySelector('#hp');
    if (hp === null) throw new Error('the page has no #hp');
    // It runs right behind the script that draws, in the same animation frame.
    new MutationObserver(() => trace.drawn.push(now())).observe(hp, { childList: true });
  });
}

export async function traceOf({ page }: Player): Promise<Trace> {
  const trace = await page.evaluate(() => window.trace);
  if (trace === undefined) throw new Error('nothing was noted in this page');
  return trace;
}

/** The acknowledgements and state frames of a trace, as the page itself reads them. */
function read({ messages }: Trace): { acks: At<Ack>[]; states: At<State>[] } {
  const reader = new ShardReader();
  const acks: At<Ack>[] = [];
  const states: At<State>[] = [];
  for (const { at, bytes } of messages) {
    const message = reader.read(Uint8Array.from(bytes));
    if (message?.[0] === ShardType.Ack) acks.push({ at, body: message[1] });
    if (message?.[0] === ShardType.State) states.push({ at, body: message[1] });
  }
  return { acks, states };
}

/** The HP of the newest state that came to a page. */
export async function truthOf(player: Player): Promise<number> {
  return found(read(await traceOf(player)).states.at(-1)).body.hp;
}

/**
 * How one page saw every press on another one since a moment at which both showed the same HP, if
 * each press was made after the one before had come in a state, and nobody else hit.
 */
export function sights(since: number, from: Trace, to: Trace): Sight[] {
  const [own, other] = [read(from), read(to)];
  const presses = from.presses.filter((at) => at > since);
  return presses.map((pressed) => {
    const before = found(other.states.findLast(({ at }) => at <= pressed)).body;
    const shows = found(other.states.find(({ at, body }) => at > pressed && body.hp < before.hp));
    // The bar is drawn by interpolation, but a way as short as this is made in one frame.
    const drawn = found(to.drawn.find((at) => at >= shows.at));
    const ack = found(own.acks.find((later) => later.at > pressed));
    const toAccept = ack.body.tick - tickAt(own.states, pressed);
    const toShow = shows.body.tick - tickAt(other.states, ack.at);
    return {
      receivedMs: shows.at - pressed,
      drawnMs: drawn - pressed,
      frames: shows.body.tick - tickAt(other.states, pressed),
      ticks: toAccept + toShow,
      damage: before.hp - shows.body.hp,
    };
  });
}

/** The newest tick that a page knew at a moment. */
function tickAt(states: At<State>[], moment: number): number {
  return found(states.findLast(({ at }) => at <= moment)).body.tick;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the trace has a gap');
  return value;
}

/**
 * How far a page's clock is ahead of this process's, in milliseconds. The true value is at most
 * `error` away.
 */
export async function clockOf({ page }: Player): Promise<{ ahead: number; error: number }> {
  const now = () => performance.timeOrigin + performance.now();
  let best = { ahead: 0, error: Number.POSITIVE_INFINITY };
  for (let look = 0; look < 20; look += 1) {
    const asked = now();
    const there = await page.evaluate(() => performance.timeOrigin + performance.now());
    const error = (now() - asked) / 2;
    if (error < best.error) best = { ahead: there - asked - error, error };
  }
  return best;
}
