// One shared structure on a hub: its replica, what came for it, and who listens.

import type { Connection, Link, Silence } from './connection';
import type { GroupAnswer, GroupRequest } from './messages';
import type { Recipe } from './recipe';
import type { Spec } from './replica';
import { Replica } from './replica';

/** How it stands with a shared structure. The same object while nothing changes. */
export interface Status {
  /** Ended: it will not change any more, and takes no changes. */
  kind: 'loading' | 'live' | 'offline' | 'ended';
  /** Offline, ended, and loading if it is held up: why. Else empty. */
  why: string;
  /** Changes made here that the server does not have yet. */
  pending: number;
  /** How often the state was not the server's, and was taken anew. */
  resyncs: number;
  /** How often changes made here ran again, because others had been first. */
  reruns: number;
  /** How many times the server has changed it. */
  version: number;
}

/**
 * A structure that many programs share. Its values are not to be changed but by recipes; what is
 * the same object has not changed.
 */
export interface Shared<T> {
  /** What the server has. */
  readonly state: T;
  /** The same with the changes made here that it does not have yet. */
  readonly view: T;
  readonly status: Status;
  /**
   * Changes it: the view at once, and the server's state as soon as may be. If others were first,
   * the recipe runs again on what they made. Resolves once the server's state here has it, and
   * rejects if it never will, with the reason: an error of the recipe, or of the structure.
   */
  mutate(recipe: Recipe<T>): Promise<void>;
  /** Calls after each frame in which the view or the status changed; gives back what ends that. */
  subscribe(listener: () => void): () => void;
  /** Ends it here. What the server does not have yet is given up. */
  close(): void;
}

/** What a structure has of its hub. */
export interface Desk {
  connection: Connection;
  /** A random number from 0 up to 1. */
  random(): number;
  /** Something has happened, which the next frame takes in. */
  look(): void;
  /** Nobody wants the structure any more. */
  close(): void;
}

/** A structure on the hub, whatever it holds. */
export interface Held {
  /** The number of its last proposal. */
  readonly seq: number;
  /** Takes in what came, asks what is due, and says when it wants to be looked at again. */
  step(now: number): number;
  tell(): void;
  leave(): GroupRequest | null;
}

export class Member<T> implements Held, Shared<T> {
  readonly #replica: Replica<T>;
  readonly #desk: Desk;
  readonly #listeners = new Set<() => void>();
  #came: { request: GroupRequest; answer: GroupAnswer | Silence }[] = [];
  #status: Status;
  #told: { view: T; status: Status };

  constructor(spec: Spec<T>, desk: Desk) {
    this.#replica = new Replica(spec);
    this.#desk = desk;
    this.#status = statusOf(this.#replica, desk.connection.link);
    this.#told = { view: this.#replica.view, status: this.#status };
  }

  get state(): T {
    return this.#replica.state;
  }

  get view(): T {
    return this.#replica.view;
  }

  get status(): Status {
    return this.#status;
  }

  get seq(): number {
    return this.#replica.seq;
  }

  // These work alone, too: other code takes them along without the structure.

  readonly mutate = (recipe: Recipe<T>): Promise<void> => {
    return new Promise((resolve, reject) => {
      this.#replica.mutate(recipe, (error) => (error === null ? resolve() : reject(error)));
      this.#desk.look();
    });
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    // The same function may listen twice.
    const own = () => listener();
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  };

  readonly close = (): void => this.#desk.close();

  step(now: number): number {
    const arrived = this.#came;
    this.#came = [];
    for (const { request, answer } of arrived) this.#take(now, request, answer);
    const { connection } = this.#desk;
    const replica = this.#replica;
    if (connection.link.kind !== 'live') return replica.wakeAt;
    replica.introduce(connection.link.writer);
    while (connection.waitMs === 0) {
      const request = replica.poll(now);
      if (request === null) return replica.wakeAt;
      if (!this.#ask(request)) replica.handleLost(request);
    }
    return now + connection.waitMs;
  }

  tell(): void {
    const before = this.#told;
    this.#status = renewed(this.#status, statusOf(this.#replica, this.#desk.connection.link));
    this.#told = { view: this.view, status: this.#status };
    if (Object.is(before.view, this.#told.view) && before.status === this.#status) return;
    for (const listener of [...this.#listeners]) listener();
  }

  leave(): GroupRequest | null {
    return this.#replica.close();
  }

  #ask(request: GroupRequest): boolean {
    return this.#desk.connection.ask(request, (answer) => {
      this.#came.push({ request, answer });
      this.#desk.look();
    });
  }

  #take(now: number, request: GroupRequest, answer: GroupAnswer | Silence): void {
    const at = { now, luck: this.#desk.random() };
    if (answer === 'cut') this.#replica.handleLost(request);
    else if (answer === 'no answer') this.#replica.handleSilence(at, request);
    else this.#replica.handleAnswer(at, request, answer);
  }
}

function statusOf<T>(replica: Replica<T>, link: Link): Status {
  const { phase, pending, resyncs, reruns, version } = replica;
  const numbers = { pending, resyncs, reruns, version };
  if (phase.kind === 'ended') return { kind: 'ended', why: phase.why, ...numbers };
  if (link.kind === 'waiting') return { kind: 'offline', why: link.why, ...numbers };
  if (link.kind !== 'live' || phase.kind !== 'loading') {
    return { kind: link.kind === 'live' ? phase.kind : 'loading', why: '', ...numbers };
  }
  return { kind: 'loading', why: phase.why, ...numbers };
}

function renewed(before: Status, now: Status): Status {
  const isSame =
    before.kind === now.kind &&
    before.why === now.why &&
    before.pending === now.pending &&
    before.resyncs === now.resyncs &&
    before.reruns === now.reruns &&
    before.version === now.version;
  return isSame ? before : now;
}
