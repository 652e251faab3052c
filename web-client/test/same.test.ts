// A value that comes anew is the same object where it is equal.

import fc from 'fast-check';
import { freeze } from 'immer';
import { expect, it } from 'vitest';
import { sameParts } from '../src/shared/same';
import * as u from '../src/ucore';
import * as golden from './generated/ucore_golden';
import { change, dice, value } from './values';

const copy = <T>(form: u.Form<T>, of: T): T => u.decodeState(form, u.encodeState(form, of));

it('an equal value is the value itself', () => {
  for (const form of [golden.World, golden.Maps, golden.Lists, golden.Sums, golden.Maybes]) {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const before = freeze(value(dice(seed), form), true);
        expect(sameParts(before, copy<typeof before>(form, before))).toBe(before);
      }),
      { numRuns: 50 },
    );
  }
});

it('another value is equal to itself still, and shares what is equal', () => {
  for (const form of [golden.World, golden.Maps, golden.Lists, golden.Sums, golden.Maybes]) {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const roll = dice(seed);
        const before = freeze(value(roll, form), true);
        const after = copy<typeof before>(form, before);
        change(
          roll,
          form,
          () => after,
          () => {},
        );
        const expected = copy<typeof before>(form, after);
        const shared = sameParts(before, after);
        expect(shared).toEqual(expected);
        for (const [name, part] of Object.entries(shared)) {
          const isEqual = u.encodeState(form, { ...before, [name]: part });
          const own = u.encodeState(form, before);
          expect(Object.is(part, before[name])).toBe(Buffer.compare(isEqual, own) === 0);
        }
      }),
      { numRuns: 50 },
    );
  }
});

it('what is of another kind is taken as it is', () => {
  for (const [before, after] of [
    [{}, []],
    [new Map(), new Set()],
    [null, {}],
    [1, 2],
    [[1, 2], [1]],
  ]) {
    expect(sameParts<unknown>(before, after)).toBe(after);
  }
});
