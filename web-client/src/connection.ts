// Hop 3, connection: leaves the browser, and comes back by itself when the link is lost.

import { backoffMs } from './backoff';
import { DecodeError, encodePlayer, ShardReader } from './codec';
import type { Pending } from './prediction';
import type { ShardMessage, Token, Welcome } from './protocol';
import { CloseCode, PlayerType, PROTOCOL, ShardType } from './protocol';

/** One socket, as far as this file needs it. Its events come by [`Events`]. */
export interface Wire {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** What a wire says. */
export interface Events {
  opened(): void;
  received(bytes: Uint8Array): void;
  closed(code: number, reason: string): void;
}

/** What surrounds a connection; tests bring their own. */
export interface Surroundings {
  open(events: Events): Wire;
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Runs something later; gives back what cancels it. */
  later(ms: number, run: () => void): () => void;
}

/** The state of the link, as the player may see it. */
export type Link =
  | { kind: 'idle' }
  | { kind: 'connecting'; attempt: number }
  | { kind: 'live' }
  | { kind: 'waiting'; attempt: number; retryAt: number; why: string }
  /** Nobody answered for a minute: only the player tries again. */
  | { kind: 'gone'; why: string }
  /** Another tab plays this session. */
  | { kind: 'replaced' }
  /** The shard does not understand this page: only a reload helps. */
  | { kind: 'outdated' }
  /** The shard does not take the name. */
  | { kind: 'unwelcome'; why: string };

/** Who plays. */
export interface Who {
  name: string;
  session: Token | null;
}

/** Who hears of the link and of what comes over it. */
export interface Listener {
  link(link: Link): void;
  message(message: ShardMessage): void;
}

/** After this time without a Welcome the shard counts as gone. */
export const GONE_MS = 60_000;
/** A link that lived shorter than this did not cure what ended the one before. */
const STEADY_MS = 5_000;
/** A shard says something each second. Five more, and the link is dead. */
const SILENCE_MS = 6_000;
/** Longest comeback time that a shard may ask for. */
const RETRY_MS_MAX = 60_000;
/** Hits sent between two messages of a tick: a shard closes for more than 64 in one tick. */
const HITS_PER_TICK_MAX = 20;
/** Mistakes of the client, which it would only repeat. */
const MISTAKES: readonly number[] = [
  CloseCode.Framing,
  CloseCode.Text,
  CloseCode.TooLarge,
  CloseCode.HelloExpected,
  CloseCode.Malformed,
  CloseCode.UnknownType,
  CloseCode.Protocol,
];

/** The link to a shard. */
export class Connection {
  private wire: Wire | null = null;
  private reader = new ShardReader();
  /** Counts the wires: what an older one still says is not heard. */
  private turn = 0;
  private failedSince: number | null = null;
  private cancelTimer: () => void = () => {};
  private sent = 0;
  private allowance = 0;
  private failures = 0;
  private liveAt = 0;
  private link: Link = { kind: 'idle' };
  private who: Who = { name: '', session: null };
  private readonly around: Surroundings;
  private readonly listener: Listener;
  private readonly every: number;

  /** `every`: ticks from one state to the next, or 0 for what can be seen. */
  constructor(around: Surroundings, listener: Listener, every: number) {
    this.around = around;
    this.listener = listener;
    this.every = every;
  }

  /** Connects now: at the start, when the player asks, and when the network is back. */
  connect(who: Who = this.who): void {
    this.who = who;
    if (this.link.kind === 'live' || this.link.kind === 'connecting') return;
    if (this.link.kind !== 'waiting') {
      this.failedSince = null;
      this.failures = 0;
    }
    this.open();
  }

  /** Sends the pending hits that this connection has not sent, in order, as many as it may. */
  flush(pending: readonly Pending[]): void {
    if (this.link.kind !== 'live') return;
    for (const { hit } of pending) {
      if (hit.seq <= this.sent) continue;
      if (this.allowance === 0) return;
      this.allowance -= 1;
      this.sent = hit.seq;
      this.wire?.send(encodePlayer([PlayerType.Hit, hit]));
    }
  }

  private open(): void {
    this.cancelTimer();
    this.turn += 1;
    const turn = this.turn;
    const heard = (run: () => void) => {
      if (turn === this.turn) run();
    };
    this.tell({ kind: 'connecting', attempt: this.failures + 1 });
    this.watch();
    this.reader = new ShardReader();
    this.wire = this.around.open({
      opened: () => heard(() => this.greet()),
      received: (bytes) => heard(() => this.receive(bytes)),
      closed: (code, reason) => heard(() => this.handleClosed(code, reason)),
    });
  }

  private greet(): void {
    const { name, session } = this.who;
    const { every } = this;
    this.wire?.send(encodePlayer([PlayerType.Hello, { protocol: PROTOCOL, name, session, every }]));
  }

  private receive(bytes: Uint8Array): void {
    this.watch();
    let message: ShardMessage | null;
    try {
      message = this.reader.read(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.drop(`the server sent something unreadable: ${error.message}`);
    }
    if (message === null) return;
    if (message[0] === ShardType.Welcome) this.handleWelcome(message[1]);
    // An Ack may come without a State, and then nothing but the disk was late.
    const isTick = message[0] === ShardType.State || message[0] === ShardType.Ack;
    if (isTick) this.allowance = HITS_PER_TICK_MAX;
    this.listener.message(message);
  }

  private handleWelcome({ seq, session }: Welcome): void {
    this.failedSince = null;
    this.liveAt = this.around.now();
    this.who = { ...this.who, session };
    this.sent = seq;
    this.allowance = HITS_PER_TICK_MAX;
    this.tell({ kind: 'live' });
  }

  private handleClosed(code: number, reason: string): void {
    this.cancelTimer();
    this.wire = null;
    if (MISTAKES.includes(code)) return this.tell({ kind: 'outdated' });
    if (code === CloseCode.Replaced) return this.tell({ kind: 'replaced' });
    if (code === CloseCode.Field) return this.tell({ kind: 'unwelcome', why: reason });
    const now = this.around.now();
    const wasSteady = this.link.kind === 'live' && now - this.liveAt >= STEADY_MS;
    this.failures = wasSteady ? 1 : this.failures + 1;
    this.failedSince ??= now;
    const why = reason.replace(/;?\s*retry_ms=\d+/, '') || 'the server does not answer';
    if (now - this.failedSince >= GONE_MS) return this.tell({ kind: 'gone', why });
    const wait = askedFor(code, reason) ?? this.around.random() * backoffMs(this.failures - 1);
    this.tell({ kind: 'waiting', attempt: this.failures, retryAt: now + wait, why });
    this.cancelTimer = this.around.later(wait, () => this.open());
  }

  /** A link without a word is dead, even if nobody closed it. */
  private watch(): void {
    this.cancelTimer();
    this.cancelTimer = this.around.later(SILENCE_MS, () => this.drop('the server is silent'));
  }

  private drop(why: string): void {
    this.turn += 1;
    this.wire?.close();
    this.handleClosed(0, why);
  }

  private tell(link: Link): void {
    this.link = link;
    this.listener.link(link);
  }
}

/** The wait that a stopping or full shard asks for. */
function askedFor(code: number, reason: string): number | null {
  if (code !== CloseCode.Restart && code !== CloseCode.TryLater) return null;
  const asked = /retry_ms=(\d{1,9})/.exec(reason)?.[1];
  return asked === undefined ? null : Math.min(Number(asked), RETRY_MS_MAX);
}
