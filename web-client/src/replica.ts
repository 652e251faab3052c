// Hop 15, replica: newer, or stale; between two states the HP is reckoned.

import type { State, Tick } from './protocol';
import { RECKON_MS_MAX, Status } from './protocol';

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

/** The HP of a state so many milliseconds after it was made, if damage goes on as it did. */
export function hpAfter({ hp, rate, status }: State, ms: number): number {
  if (status !== Status.Alive) return hp;
  const damage = Math.floor((rate * Math.min(Math.max(ms, 0), RECKON_MS_MAX)) / 1_000);
  // Only a state lets a boss fall.
  return Math.max(hp - damage, Math.min(hp, 1));
}

/** The truth's HP by now: a state counts as made when it came. */
export function hpAt(now: number, { truth, at }: Replica): number | null {
  return truth && hpAfter(truth, now - at);
}

/** How old the truth is: what the shard said, and the time since it was said here. */
export function ageMs(now: number, replica: Replica): number | null {
  return replica.truth && replica.truth.age_ms + Math.max(0, now - replica.at);
}
