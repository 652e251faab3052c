// Hop 15, replica: newer, or stale.

import type { State, Tick } from './protocol';

/** A copy of what a shard says about the boss. It is a level: a newer one replaces it whole. */
export interface Replica {
  truth: State | null;
  /** When it came. */
  at: number;
  /**
   * The newest tick of this connection. Another process, which may stand at an earlier tick, only
   * comes with another connection. The version is no measure: a truth may have been rolled back.
   */
  tick: Tick | null;
}

/** A connection begins: its first state is newer than all before. */
export function restart(replica: Replica): void {
  replica.tick = null;
}

/** Takes a state if it is newer. False means stale. */
export function learn(now: number, replica: Replica, state: State): boolean {
  if (replica.tick !== null && state.tick <= replica.tick) return false;
  replica.truth = state;
  replica.at = now;
  replica.tick = state.tick;
  return true;
}

/** How old the truth is: what the shard said, and the time since it was said here. */
export function ageMs(now: number, replica: Replica): number | null {
  return replica.truth && replica.truth.age_ms + Math.max(0, now - replica.at);
}
