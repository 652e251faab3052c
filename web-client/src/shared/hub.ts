// Shared structures on one connection: what comes and what is done is gathered until the frame.

import type { Surroundings } from '../connection';
import { Connection } from './connection';
import type { Held, Shared } from './member';
import { Member } from './member';
import type { GroupName } from './messages';
import { toSecret } from './messages';
import type { Spec } from './replica';

/** What surrounds a hub; tests bring their own. */
export interface Page extends Surroundings {
  /** Runs something with the next frame. */
  frame(run: () => void): void;
  /** So many random bytes that nobody guesses. */
  secret(len: number): Uint8Array;
}

/** Several structures on one connection. */
export class Hub {
  readonly #page: Page;
  readonly #connection: Connection;
  readonly #members = new Map<GroupName, Held>();
  /** The numbers of the last proposals to structures that were closed: the writer stays. */
  readonly #seqs = new Map<GroupName, number>();
  #isDue = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelTimer: () => void = () => {};

  constructor(page: Page) {
    this.#page = page;
    const secret = toSecret(page.secret(16));
    this.#connection = new Connection(page, secret, { link: () => this.#look() });
  }

  /** Connects now, if it waits: the network is back, or somebody looks. */
  hurry(): void {
    if (this.#connection.link.kind === 'waiting') this.#connection.connect();
  }

  /** Begins to share a structure. Throws if it is shared here already: then that one serves all. */
  open<T>(spec: Omit<Spec<T>, 'seq'>): Shared<T> {
    const { group } = spec;
    if (this.#members.has(group)) {
      throw new Error(`"${group}" is open in this page: share that one`);
    }
    const member: Member<T> = new Member(
      { ...spec, seq: this.#seqs.get(group) ?? 0 },
      {
        connection: this.#connection,
        random: () => this.#page.random(),
        look: () => this.#look(),
        close: () => this.#close(group, member),
      },
    );
    this.#members.set(group, member);
    this.#connection.connect();
    this.#look();
    return member;
  }

  /** Ends all structures: the page goes. */
  close(): void {
    for (const [group, member] of [...this.#members]) this.#close(group, member);
  }

  #close(group: GroupName, member: Held): void {
    if (this.#members.get(group) !== member) return;
    this.#members.delete(group);
    const request = member.leave();
    this.#seqs.set(group, member.seq);
    if (request !== null) this.#connection.ask(request, () => {});
    member.tell();
    if (this.#members.size > 0) return;
    this.#cancelTimer();
    this.#connection.disconnect();
  }

  /** Something has happened, which the next frame takes in. */
  #look(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#page.frame(() => this.#step());
  }

  #step(): void {
    this.#isDue = false;
    const now = this.#page.now();
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const member of [...this.#members.values()]) {
      const at = member.step(now);
      if (at > now) wakeAt = Math.min(wakeAt, at);
    }
    for (const member of [...this.#members.values()]) member.tell();
    if (wakeAt === this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    this.#cancelTimer();
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#page.later(wakeAt - now, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#look();
    });
  }
}
