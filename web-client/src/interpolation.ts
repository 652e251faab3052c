// Hop 17, interpolation: blended, never jumps.

import type { Gen } from './protocol';

/** What the health bar shows, in HP. */
export interface Bar {
  generation: Gen;
  hpMax: number;
  /** Where the bar goes. Within a generation it rises for two causes alone, see [`aim`]. */
  goal: number;
  /** What is drawn now. */
  shown: number;
}

/** What a bar has to follow. */
export interface Target {
  generation: Gen;
  hpMax: number;
  /** The truth's HP by now, less every own hit that it lacks. */
  hp: number;
  /** How far it falls in a second, as far as is known. */
  rate: number;
  /** Whether the truth lacks nothing of this player: then it is right, even if it is higher. */
  isSettled: boolean;
}

/** A truth that falls, and is above the goal by at most this part of the bar, is waited for. */
const WAIT_MAX = 0.001;
/** Beyond this part of the bar, it catches up. */
const CATCH_UP = 0.1;
/** The most that the bar moves in a frame while it does not catch up. */
export const STEP_MAX = 0.02;
/** The most of the distance that it moves in a frame while it does. */
export const CATCH_UP_MAX = 1 / 3;
/** The distance falls to a third in about this time. */
const BLEND_MS = 110;
const CATCH_UP_MS = 240;
/** A frame after a pause counts as no longer than this. */
const FRAME_MS_MAX = 100;
/** So that a bar arrives: at least this part of it in a millisecond. */
const CREEP = 0.00005;

/**
 * Sets where the bar goes. A target above the goal is a truth that lacks a hit of which the answer
 * is on its way, so the bar waits for it. It rises by hits that were taken back, and to a truth
 * that is settled; unless that was only reckoned a little too low, and comes down by itself.
 */
export function aim(bar: Bar | null, target: Target, takenBack: number): Bar {
  const { generation, hpMax, hp, rate } = target;
  if (bar === null) return { generation, hpMax, goal: hp, shown: hp };
  if (bar.generation !== generation || bar.hpMax !== hpMax) {
    return { generation, hpMax, goal: hp, shown: (bar.shown / bar.hpMax) * hpMax };
  }
  const told = bar.goal + takenBack;
  const comes = hp - told <= Math.min(rate, WAIT_MAX * hpMax);
  const highest = target.isSettled && !comes ? hpMax : told;
  return { ...bar, goal: Math.min(hp, highest) };
}

/** What is drawn `ms` milliseconds later. */
export function advance(bar: Bar, ms: number): number {
  const time = Math.min(Math.max(ms, 0), FRAME_MS_MAX);
  const distance = bar.goal - bar.shown;
  const isFar = Math.abs(distance) > CATCH_UP * bar.hpMax;
  const part = 1 - Math.exp(-time / (isFar ? CATCH_UP_MS : BLEND_MS));
  const eased = Math.abs(distance) * part;
  const most = isFar ? Math.abs(distance) * CATCH_UP_MAX : STEP_MAX * bar.hpMax;
  const step = Math.min(Math.max(eased, CREEP * bar.hpMax * time), most, Math.abs(distance));
  return Math.abs(distance) - step < 0.5 ? near(bar, most) : bar.shown + Math.sign(distance) * step;
}

/** The last half HP is not worth a frame, if a frame may move as far. */
function near(bar: Bar, most: number): number {
  const distance = bar.goal - bar.shown;
  return Math.abs(distance) <= most ? bar.goal : bar.shown + Math.sign(distance) * most;
}
