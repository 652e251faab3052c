// Recipes: what a program does to a draft of a shared value.

import type { Patch } from 'immer';
import { enablePatches, produceWithPatches } from 'immer';

enablePatches();

/**
 * Changes a draft. It may run several times, each time on a newer value, and is done when it
 * returns. What it gives back counts where the value is no object, as with a number or `null`.
 */
export type Recipe<T> = (draft: T) => unknown;

/** What recipes made of a value, one after the other; or which one threw, and what. */
export type Run<T> =
  | { kind: 'done'; after: T; patches: Patch[] }
  | { kind: 'thrown'; index: number; reason: unknown };

/** Runs recipes on one draft. If one throws, none of them has done anything. */
export function run<T>(before: T, recipes: readonly Recipe<T>[]): Run<T> {
  let index = 0;
  const all = (draft: { value: T }) => {
    for (const recipe of recipes) {
      const given = recipe(draft.value);
      if (given instanceof Promise) throw new Error('a recipe has to be done when it returns');
      if (!isObject(draft.value) && given !== undefined) draft.value = given as T;
      index += 1;
    }
  };
  try {
    const wrapped: { value: T } = { value: before };
    const [{ value }, found] = produceWithPatches(wrapped, all as (draft: unknown) => void);
    const patches = found.map(({ path, ...patch }) => ({ ...patch, path: path.slice(1) }));
    return { kind: 'done', after: value, patches };
  } catch (reason) {
    return { kind: 'thrown', index, reason };
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** What recipes make of a value, but for those that throw. */
export function runFitting<T>(before: T, recipes: readonly Recipe<T>[]): T {
  const left = [...recipes];
  for (;;) {
    const ran = run(before, left);
    if (ran.kind === 'done') return ran.after;
    left.splice(ran.index, 1);
  }
}

/** Why something was given up, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
