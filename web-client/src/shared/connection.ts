// The link to the groups of the page's server: many requests under way on one socket, which comes
// back by itself, and says each time first who it is.

import { backoffMs } from '../backoff';
import type { Events, Surroundings, Wire } from '../connection';
import { DecodeError } from '../ucore';
import type {
  Asked,
  DoorAnswer,
  DoorRequest,
  GroupAnswer,
  GroupRequest,
  Secret,
  WriterId,
} from './messages';
import { AnswerType, decodeAnswer, encodeRequest, RequestType } from './messages';
import { Pace } from './pace';

/** The state of the link. */
export type Link =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  /** Whatever is proposed comes from this writer. */
  | { kind: 'live'; writer: WriterId }
  | { kind: 'waiting'; retryAt: number; why: string };

/** Who hears of the link. */
export interface Listener {
  link(link: Link): void;
}

/**
 * No answer will come, so nobody knows what became of the request: the link is cut, or the server
 * says that it has none.
 */
export type Silence = 'cut' | 'no answer';

export type Done = (answer: GroupAnswer | Silence) => void;

interface Open {
  done(answer: DoorAnswer | Silence): void;
  cancel(): void;
}

/** An answer that takes longer, beyond what it may wait for news, does not come any more. */
export const ANSWER_MS_MAX = 10_000;
/** A link that lived shorter than this did not cure what ended the one before. */
const STEADY_MS = 5_000;

/** The link to the groups of a server. */
export class Connection {
  readonly #around: Surroundings;
  /** What the writer is made of, over there. */
  readonly #secret: Secret;
  readonly #listener: Listener;
  #link: Link = { kind: 'idle' };
  #wire: Wire | null = null;
  /** Counts the wires: what an older one still says is not heard. */
  #turn = 0;
  #cancelTimer: () => void = () => {};
  #failures = 0;
  #liveAt = 0;
  /** Numbers are never used again, not even on another wire. */
  #asked: Asked = 0;
  readonly #open = new Map<Asked, Open>();
  #pace = new Pace();

  constructor(around: Surroundings, secret: Secret, listener: Listener) {
    this.#around = around;
    this.#secret = secret;
    this.#listener = listener;
  }

  get link(): Link {
    return this.#link;
  }

  /** Connects now: at the start, and when the network is back. */
  connect(): void {
    if (this.#link.kind === 'live' || this.#link.kind === 'connecting') return;
    this.#cancelTimer();
    this.#turn += 1;
    const turn = this.#turn;
    const heard = (run: () => void) => {
      if (turn === this.#turn) run();
    };
    this.#tell({ kind: 'connecting' });
    this.#cancelTimer = this.#around.later(ANSWER_MS_MAX, () => {
      this.#drop('the server does not answer');
    });
    const events: Events = {
      opened: () => heard(() => this.#handleOpened()),
      received: (bytes) => heard(() => this.#handleReceived(bytes)),
      closed: (_, reason) => heard(() => this.#handleClosed(reason)),
    };
    this.#wire = this.#around.open(events);
  }

  /** Ends the link until somebody connects again. */
  disconnect(): void {
    this.#turn += 1;
    this.#cancelTimer();
    this.#wire?.close();
    this.#wire = null;
    this.#tell({ kind: 'idle' });
    this.#loseAll();
  }

  /** Milliseconds until it may ask the next thing; 0: now. */
  get waitMs(): number {
    return this.#pace.waitMs(this.#around.now());
  }

  /** Asks, if the link is live. */
  ask(request: GroupRequest, done: Done): boolean {
    if (this.#link.kind !== 'live') return false;
    return this.#send(request, (answer) => {
      if (answer[0] !== AnswerType.Introduced) return done(answer);
      this.#drop('the server answers something that was not asked');
    });
  }

  #send(request: DoorRequest, done: Open['done']): boolean {
    if (this.#wire === null) return false;
    this.#pace.take(this.#around.now());
    this.#asked += 1;
    const number = this.#asked;
    const wait = request[0] === RequestType.Follow ? request[1].wait_ms : 0;
    const cancel = this.#around.later(ANSWER_MS_MAX + wait, () => {
      this.#drop('the server does not answer');
    });
    this.#open.set(number, { done, cancel });
    this.#wire.send(encodeRequest(number, request));
    return true;
  }

  #handleOpened(): void {
    this.#cancelTimer();
    this.#pace = new Pace();
    this.#send([RequestType.Introduce, { secret: this.#secret }], (answer) => {
      if (answer === 'cut') return;
      if (answer[0] !== AnswerType.Introduced) return this.#drop('the server knows no pages');
      this.#liveAt = this.#around.now();
      this.#tell({ kind: 'live', writer: answer[1].writer });
    });
  }

  #handleReceived(bytes: Uint8Array): void {
    let number: Asked;
    let answer: DoorAnswer | null;
    try {
      [number, answer] = decodeAnswer(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#drop(`the server sent something unreadable: ${error.message}`);
    }
    const open = this.#open.get(number);
    if (open === undefined) return;
    this.#open.delete(number);
    open.cancel();
    open.done(answer ?? 'no answer');
  }

  #handleClosed(reason: string): void {
    this.#cancelTimer();
    this.#wire = null;
    const now = this.#around.now();
    const wasSteady = this.#link.kind === 'live' && now - this.#liveAt >= STEADY_MS;
    this.#failures = wasSteady ? 0 : this.#failures;
    const wait = this.#around.random() * backoffMs(this.#failures);
    this.#failures += 1;
    const why = reason || 'the server does not answer';
    this.#tell({ kind: 'waiting', retryAt: now + wait, why });
    this.#cancelTimer = this.#around.later(wait, () => this.connect());
    this.#loseAll();
  }

  #loseAll(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { cancel, done } of open) {
      cancel();
      done('cut');
    }
  }

  #drop(why: string): void {
    this.#turn += 1;
    this.#wire?.close();
    this.#handleClosed(why);
  }

  #tell(link: Link): void {
    this.#link = link;
    this.#listener.link(link);
  }
}
