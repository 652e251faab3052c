// Hop 2, prediction: shown at once, kept as pending.

import type { Gen, Hit, Skill } from './protocol';

/** A hit without its answer. */
export interface Pending {
  hit: Hit;
  /** The least damage that it does if it is accepted: what the bar may show before the answer. */
  damage: number;
}

/** Own accepted damage that the truth did not count yet. */
export interface Uncounted {
  generation: Gen;
  /** The synced tick at whose end it was accepted. */
  tick: number;
  damage: number;
}

/** Keeps a hit until it is answered. A critical hit does more, but never less than predicted. */
export function predict(pending: Pending[], hit: Hit, skill: Skill): Pending {
  const predicted = { hit, damage: skill.damage };
  pending.push(predicted);
  return predicted;
}

/** The damage of the hits that name this generation. */
export function pendingDamage(pending: readonly Pending[], generation: Gen): number {
  const own = pending.filter(({ hit }) => hit.generation === generation);
  return own.reduce((sum, { damage }) => sum + damage, 0);
}

/** Own accepted damage in this generation that the truth did not count yet. */
export function uncountedDamage(uncounted: readonly Uncounted[], generation: Gen): number {
  const own = uncounted.filter((some) => some.generation === generation);
  return own.reduce((sum, { damage }) => sum + damage, 0);
}

/** This truth's HP by now less every own hit that it lacks. No hit is in two of the three terms. */
export function predictedHp(
  hp: number,
  generation: Gen,
  uncounted: readonly Uncounted[],
  pending: readonly Pending[],
): number {
  const missing = uncountedDamage(uncounted, generation);
  return Math.max(0, hp - missing - pendingDamage(pending, generation));
}
