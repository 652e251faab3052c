// Calls to be shown large for a moment: others' as they come, own ones at once and not again.

import type { CallOut } from '../generated/room';

/** Own calls whose answer may be long in coming. More: the oldest is forgotten, and shown again. */
const OWN_MAX = 32;

/** Watches the calls that the server has. */
export class Calls {
  #known: readonly CallOut[] | null = null;
  /** Calls of this page that were shown already, the oldest first. */
  #own: CallOut[] = [];

  /** A call of this page, which it shows itself. */
  made(call: CallOut): void {
    this.#own.push(call);
    if (this.#own.length > OWN_MAX) this.#own.shift();
  }

  /** It never came to be. */
  failed(call: CallOut): void {
    this.#own = this.#own.filter((other) => other !== call);
  }

  /**
   * Takes in the calls that the server has, and gives those that are news, the oldest first. What
   * was called while nobody listened is none: nobody knows how long ago that was.
   */
  take(calls: readonly CallOut[], isListening: boolean): CallOut[] {
    const before = this.#known;
    this.#known = calls;
    if (before === null || before === calls) return [];
    const fresh = calls.slice(calls.length - added(before, calls));
    const others = fresh.filter((call) => !this.#isOwn(call));
    return isListening ? others : [];
  }

  #isOwn(call: CallOut): boolean {
    const index = this.#own.findIndex((own) => isSame(own, call));
    if (index >= 0) this.#own.splice(index, 1);
    return index >= 0;
  }
}

/** How many calls came at the end. Those that stayed are the same objects. */
function added(before: readonly CallOut[], after: readonly CallOut[]): number {
  const known = new Set(before);
  const fresh = after.length - (after.findLastIndex((call) => known.has(call)) + 1);
  // After a new start all are other objects, and few of them are news.
  return fresh < after.length ? fresh : addedByWords(before, after);
}

/** The fewest calls that may have come, if others may have gone at either end before. */
function addedByWords(before: readonly CallOut[], after: readonly CallOut[]): number {
  for (let fresh = 0; fresh < after.length; fresh += 1) {
    const kept = after.slice(0, after.length - fresh);
    const from = before.length - kept.length;
    if (from >= 0 && kept.every((call, index) => isSame(call, before[from + index]))) return fresh;
  }
  return after.length;
}

function isSame(one: CallOut, other: CallOut | undefined): boolean {
  return one.kind === other?.kind && one.by === other.by;
}
