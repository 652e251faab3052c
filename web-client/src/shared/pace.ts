// How often a page asks: less than its server bears, which would end the connection.

import { DOOR_RATE_MAX } from './messages';

/** Between two servers' clocks and a network that bunches what it carries, a fifth is left free. */
const PER_MS = (0.8 * DOOR_RATE_MAX) / 1_000;
const SAVED_MAX = Math.floor(0.8 * DOOR_RATE_MAX);

/** A bucket of requests that may be made, which fills with time. */
export class Pace {
  #saved = SAVED_MAX;
  #at = 0;

  /** Milliseconds until there is one more; 0: there is. */
  waitMs(now: number): number {
    this.#fill(now);
    return this.#saved >= 1 ? 0 : Math.ceil((1 - this.#saved) / PER_MS);
  }

  /** Makes one, whether there is or not. */
  take(now: number): void {
    this.#fill(now);
    this.#saved -= 1;
  }

  #fill(now: number): void {
    this.#saved = Math.min(SAVED_MAX, this.#saved + Math.max(0, now - this.#at) * PER_MS);
    this.#at = now;
  }
}
