// The log's side of a shared structure: the state that its entries made, and whether that is right.

import type { Form } from '../ucore';
import { DecodeError, decodeExact, encodeState } from '../ucore';
import { Applier, applyUpdates } from './apply';
import type { Base, Entry, KeptMark, Page, Seen, Version } from './messages';
import { chainOf, GROUP_MARK_ENTRIES, updatesIn } from './messages';
import { sameParts } from './same';
import { xxh64 } from './xxh64';

/** States at marks that are remembered. They share what has not changed since. */
const MARKS_MAX = 16;

/** What a page was good for. */
export type Taken =
  /** The state is newer, or as new as can be. */
  | 'taken'
  /** It is about a position that is not the state's any more. */
  | 'stale'
  /** Its kept value is damaged. The state begins anew, at another one. */
  | 'damaged'
  /** So is that one. */
  | 'hopeless'
  /** The state is not the log's. It begins anew. */
  | 'wrong';

/** Who has entries of its own in the log. */
export interface Author<T> {
  /** An entry comes on a state: what it makes of that, if its author has made it already. */
  made(page: Page, entry: Entry, state: T): { after: T } | null;
  /** Entries are passed over: a later value is there to begin with. */
  passed(): void;
}

/** What a log has made. */
export class Log<T> {
  readonly #form: Form<T>;
  readonly #first: T;
  #state: T;
  #seen: Seen | null = null;
  #distrust: Version | null = null;
  /** The states at the newest marks, until the authority tells what is kept there. */
  readonly #marks = new Map<Version, { state: T }>();
  #resyncs = 0;

  constructor(form: Form<T>, first: T) {
    this.#form = form;
    this.#first = first;
    this.#state = first;
  }

  get state(): T {
    return this.#state;
  }

  /** Up to where the state has the log; null if it has to begin anew. */
  get seen(): Seen | null {
    return this.#seen;
  }

  /** A version whose kept value is damaged. */
  get distrust(): Version | null {
    return this.#distrust;
  }

  get version(): number {
    return this.#seen?.version ?? 0;
  }

  /** How often the state had to begin anew. */
  get resyncs(): number {
    return this.#resyncs;
  }

  /** Takes a page that was asked for from a position. */
  take(asked: Seen | null, page: Page, author: Author<T>): Taken {
    const isCurrent = asked?.version === this.#seen?.version && asked?.chain === this.#seen?.chain;
    if (page.base !== null) {
      // A base is where to begin for who asked from there, and this state has gone on since.
      if (!isCurrent) return 'stale';
      if (!this.#load(page.base, page.kept)) return this.#doubt(page.base.at.version);
      author.passed();
    }
    if (this.#seen === null) return 'stale';
    if (!this.#read(this.#seen, page, author)) return this.#restart('wrong');
    return page.kept === null || this.#agrees(page.kept) ? 'taken' : this.#restart('wrong');
  }

  /** Begins at a kept value, or at the first one. False if it can't. */
  #load({ at, value }: Base, kept: KeptMark | null): boolean {
    let state = this.#first;
    if (value !== null) {
      const found = decodeExact(this.#form, value);
      if (found === null || (kept?.version === at.version && kept.hash !== xxh64(value))) {
        return false;
      }
      state = sameParts(this.#state, found.value);
    }
    // The log was rolled back, if it does not have what this state has seen.
    if (this.#seen !== null && at.version <= this.#seen.version) this.#restart('wrong');
    this.#state = state;
    this.#seen = at;
    this.#distrust = null;
    return true;
  }

  /** A kept value is not what it should be: the one before it may be. */
  #doubt(version: Version): Taken {
    if (this.#distrust !== null && this.#distrust !== version) return 'hopeless';
    this.#distrust = version;
    return this.#restart('damaged');
  }

  /** The state stays until there is a better one. */
  #restart(why: Taken): Taken {
    this.#resyncs += 1;
    this.#marks.clear();
    this.#seen = null;
    return why;
  }

  /** Applies entries; false if they do not follow. Those that it has already are passed over. */
  #read(seen: Seen, page: Page, author: Author<T>): boolean {
    const same = page.entries.find(({ version }) => version === seen.version);
    if (same !== undefined && chainOf(page, same) !== seen.chain) return false;
    const fresh = page.entries.filter(({ version }) => version > seen.version);
    const last = fresh.at(-1);
    if (last === undefined) return true;
    if (fresh.some(({ version }, index) => version !== seen.version + 1 + index)) return false;
    this.#state = this.#folded(page, fresh, author);
    this.#seen = { version: last.version, chain: chainOf(page, last) };
    return true;
  }

  /** The state after entries, all of which fit in most pages. */
  #folded(page: Page, entries: readonly Entry[], author: Author<T>): T {
    try {
      return this.#fold(page, entries, author, true);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return this.#fold(page, entries, author, false);
    }
  }

  #fold(page: Page, entries: readonly Entry[], author: Author<T>, isFitting: boolean): T {
    let state = this.#state;
    let applier = new Applier(this.#form, state, page.bytes);
    // One in a page will do: what is noted there is not to be changed any more, which costs a copy.
    const marks = entries.filter(({ version }) => version % GROUP_MARK_ENTRIES === 0);
    const mark = marks.at(-1)?.version;
    for (const entry of entries) {
      const made = author.made(page, entry, state);
      if (made !== null) state = made.after;
      else if (isFitting) state = applier.apply(entry.updatesAt);
      else state = applyUpdates(this.#form, state, updatesIn(page, entry));
      const isMark = entry.version === mark;
      if (isMark) this.#mark(entry.version, state);
      // What follows begins with another value, or changes that of the mark no more.
      if (isMark || made !== null) applier = new Applier(this.#form, state, page.bytes);
    }
    return state;
  }

  #mark(version: Version, state: T): void {
    this.#marks.set(version, { state });
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > MARKS_MAX && oldest !== undefined) this.#marks.delete(oldest);
  }

  /** Whether the state was what is kept, as far as it is still known. */
  #agrees({ version, hash }: KeptMark): boolean {
    const own = this.#marks.get(version);
    this.#marks.delete(version);
    return own === undefined || xxh64(encodeState(this.#form, own.state)) === hash;
  }
}
