// Rust and TypeScript agree on every state, update and refusal: the golden vectors bind both.

import { readdirSync, readFileSync } from 'node:fs';
import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { freeze, produce } from 'immer';
import { describe, expect, it } from 'vitest';
import * as u from '../src/ucore';
import * as golden from './generated/ucore_golden';

interface History<T> {
  form: u.Form<T>;
  /** The state, then each update. */
  vectors: Uint8Array[];
  twin: { state: unknown; steps: { update: string; value?: unknown; refused?: string }[] };
}

const GOLDEN = new URL('../../ucore/golden/', import.meta.url);

function history<T>(name: string, form: u.Form<T>): History<T> {
  const file = (ending: string) => new Uint8Array(readFileSync(new URL(name + ending, GOLDEN)));
  return {
    form,
    vectors: decode(file('.msgpack')) as Uint8Array[],
    twin: JSON.parse(new TextDecoder().decode(file('.json'))),
  };
}

const HISTORIES: Record<string, History<unknown>> = {
  leaves: history<unknown>('leaves', golden.Leaves),
  registers: history<unknown>('registers', golden.Registers),
  maybes: history<unknown>('maybes', golden.Maybes),
  pairs: history<unknown>('pairs', golden.Pairs),
  sums: history<unknown>('sums', golden.Sums),
  maps: history<unknown>('maps', golden.Maps),
  lists: history<unknown>('lists', golden.Lists),
  world: history<unknown>('world', golden.World),
};

/** A value as its twin: maps are lists of pairs there, in Rust's order. */
function expectTwin(value: unknown, twin: unknown): void {
  if (value instanceof Map) {
    const pairs = twin as [unknown, unknown][];
    expect(keys(value), 'keys').toEqual(sorted(pairs.map(([key]) => toKey(key))));
    for (const [key, of] of pairs) expectTwin(value.get(toKey(key)), of);
  } else if (value instanceof Set) {
    expect(keys(value), 'members').toEqual(sorted((twin as unknown[]).map(toKey)));
  } else if (typeof value === 'object' && value !== null) {
    const fields = twin as Record<string, unknown>;
    expect(Object.keys(value).sort()).toEqual(Object.keys(fields).sort());
    for (const [name, of] of Object.entries(value)) expectTwin(of, fields[name]);
  } else {
    expect(value).toBe(twin);
  }
}

const keys = (of: Map<unknown, unknown> | Set<unknown>): unknown[] => sorted([...of.keys()]);
const sorted = (of: unknown[]): unknown[] => of.sort((a, b) => (String(a) < String(b) ? -1 : 1));
const toKey = (twin: unknown): unknown => (Array.isArray(twin) ? u.tupleKey(twin) : twin);

/** What an update makes of a state, or null if it was refused as it should be. */
function applied<T>(form: u.Form<T>, state: T, update: Uint8Array): T | null {
  try {
    return u.applyUpdate(form, state, update);
  } catch (error) {
    expect(error).toBeInstanceOf(u.DecodeError);
    return null;
  }
}

/** All states of a history. */
function states<T>({ form, vectors, twin }: History<T>): T[] {
  const [first, ...updates] = vectors;
  let state = u.decodeState(form, first as Uint8Array);
  const all = [state];
  for (const [index, update] of updates.entries()) {
    if (twin.steps[index]?.refused === undefined) state = u.applyUpdate(form, state, update);
    all.push(state);
  }
  return all;
}

describe('golden histories', () => {
  it('are all known here', () => {
    const names = readdirSync(GOLDEN).filter((name) => name.endsWith('.json'));
    expect(names.sort()).toEqual(
      Object.keys(HISTORIES)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  for (const [name, { form, vectors, twin }] of Object.entries(HISTORIES)) {
    it(`${name} have the same values here after each update, and refuse the same`, () => {
      const [first, ...updates] = vectors;
      // Whatever changes in place what is frozen throws something that is no DecodeError.
      let state = freeze(u.decodeState(form, first as Uint8Array), true);
      expectTwin(state, twin.state);
      expect(updates.length).toBe(twin.steps.length);
      let before = twin.state;
      for (const [index, { update, value, refused }] of twin.steps.entries()) {
        const next = applied(form, state, updates[index] as Uint8Array);
        expect(next === null, update).toBe(refused !== undefined);
        expectTwin(state, before);
        if (next === null) continue;
        expectTwin(next, value);
        state = freeze(next, true);
        before = value;
      }
    });
  }

  it('are written back to the same bytes, where they are plain', () => {
    const registers = history('registers', golden.Registers);
    const all = states(registers);
    const write = <T>(
      tag: number,
      form: u.Form<T>,
      pick: (from: golden.Registers) => T,
    ): number => {
      const updates = [...registers.vectors.entries()].slice(1);
      const of = updates.filter(([, bytes]) => (decode(bytes) as unknown[])[0] === 2 ** tag);
      const taken = of.filter(([index]) => registers.twin.steps[index - 1]?.refused === undefined);
      for (const [index, bytes] of taken) {
        const to: unknown[] = [2 ** tag];
        form.write(pick(all[index] as golden.Registers), 'open', to);
        expect(encode(to)).toEqual(bytes);
      }
      return taken.length;
    };
    const counts = [
      write(0, u.option(golden.Item), ({ item }) => item),
      write(1, u.list(u.option(u.u8)), ({ bits }) => bits),
      write(2, u.reg(u.option(u.list(u.option(u.u8)))), ({ maybe_bits }) => maybe_bits),
      write(3, u.nested(u.option(u.u8)), ({ twice }) => twice),
      write(4, u.tuple(u.u8, u.text), ({ pair }) => pair),
      write(6, golden.Shop, ({ shop }) => shop),
    ];
    expect(counts).toEqual([1, 1, 3, 3, 1, 1]);
    expect(u.encodeState(golden.Token, '00abff01' as golden.Token)).toEqual(
      encode([Uint8Array.of(0, 0xab, 0xff, 1)]),
    );
  });
});

describe('states', () => {
  it('of all histories have the bytes that Rust gave them', () => {
    for (const [name, { form, vectors }] of Object.entries(HISTORIES)) {
      const bytes = vectors[0] as Uint8Array;
      expect(u.encodeState(form, u.decodeState(form, bytes)), name).toEqual(bytes);
    }
  });

  const world = u.decodeState(
    golden.World,
    history('world', golden.World).vectors[0] as Uint8Array,
  );
  const line = golden.Line;

  it('are the same object where nothing changes, and share what does not change', () => {
    expect(u.applyUpdate(golden.World, world, encode([0]))).toBe(world);
    const next = u.applyUpdate(golden.World, world, encode([8, 5]));
    expect(next).toEqual({ ...world, phase: 5 });
    expect(next.heroes).toBe(world.heroes);
  });

  it('take several updates in one frame, or none of them', () => {
    const before = { line: u.decodeState(line, encode([0, 0, []])), frames: 1 };
    const frame = (updates: unknown[]) => {
      return produce(before, (draft) => {
        draft.frames += 1;
        for (const update of updates) u.applyTo(line, draft.line, encode(update));
      });
    };
    const after = { line: { damage: 5, best: 4, seen: new Set([7, 9]) }, frames: 2 };
    expect(
      frame([
        [1, 5],
        [2, 4],
        [4, 7, 1],
      ]),
    ).toEqual(after);
    expect(() =>
      frame([
        [1, 5],
        [8, 4],
      ]),
    ).toThrow(u.DecodeError);
    expect(before).toEqual({ line: { damage: 0, best: 0, seen: new Set() }, frames: 1 });
  });

  it('may be mere numbers', () => {
    expect(u.applyUpdate(u.u8, 1, encode([2]))).toBe(2);
    expect(u.applyUpdate(u.option(u.u8), 1, encode([1]))).toBeNull();
    expect(u.applyUpdate(u.counter, 5, encode([-7]))).toBe(-2);
  });

  it('are refused with what is left over, out of order, repeated or without content', () => {
    const lines = u.gmap(u.text, u.counter);
    expect(u.decodeState(lines, encode(['a', 1, 'b', 2]))).toEqual(
      new Map(Object.entries({ a: 1, b: 2 })),
    );
    for (const bad of [
      ['a', 1, 'a', 2],
      ['b', 1, 'a', 2],
      ['a', 0],
      ['a'],
      ['a', 1, 'b'],
      [1, 1],
    ]) {
      expect(() => u.decodeState(lines, encode(bad)), JSON.stringify(bad)).toThrow(u.DecodeError);
    }
    expect(() => u.decodeState(line, encode([1, 2, [], 3]))).toThrow('item 3 is too much');
    const list = u.list(line);
    expect(() => u.decodeState(list, encode([[1, 2, [], 3]]))).toThrow('item 0.3 is too much');
    expect(() => u.decodeState(line, encode([1, 2, [0, [0]]]))).toThrow('item 2.1 is no integer');
    expect(() => u.decodeState(line, encode([1, 2]))).toThrow('item 2 is missing');
    expect(() => u.decodeState(line, encode({}))).toThrow(u.DecodeError);
    expect(() => u.decodeState(u.u8, Uint8Array.of(0x91, 1, 1))).toThrow(u.DecodeError);
  });

  it('hold integers up to 2^53 - 1, and no larger ones', () => {
    const max = BigInt(Number.MAX_SAFE_INTEGER);
    const wire = (value: bigint) => encode([value], { useBigInt64: true });
    expect(u.decodeState(u.u64, wire(max))).toBe(Number.MAX_SAFE_INTEGER);
    expect(u.decodeState(u.i64, wire(-max))).toBe(-Number.MAX_SAFE_INTEGER);
    for (const bad of [max + 1n, max + 2n, 2n ** 64n - 1n, -max - 1n]) {
      expect(() => u.decodeState(u.i64, wire(bad)), String(bad)).toThrow(u.DecodeError);
    }
  });

  it('have texts for keys that are tuples, and another one for each', () => {
    expect(u.tupleKey([1, 2])).toBe('1,2');
    expect(u.tupleKey([1, 'a'])).toBe('1,"a"');
    expect(u.tupleKey(['a,b', 'c'])).not.toBe(u.tupleKey(['a', 'b,c']));
    const form = u.gset(golden.Cell);
    expect(u.decodeState(form, encode([0, 9, 1, 2]))).toEqual(new Set(['0,9', '1,2']));
  });

  it('keep codes of a newer program as unknown ones, if there is a place for these', () => {
    expect(u.decodeState(golden.Mood, encode([200]))).toBe(golden.Mood.Angry);
    expect(u.decodeState(golden.Mood, encode([7]))).toBe(golden.Mood.Unknown);
    expect(() => u.decodeState(golden.Mood, encode([256]))).toThrow('item 0 is beyond 255');
    expect(() => u.decodeState(golden.Side, encode([7]))).toThrow('item 0 is an unknown code');
  });
});

/** Bytes that were once good, then a few of them changed, lost or doubled. */
function mutated(vectors: Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.record({
    at: fc.nat(),
    what: fc.constantFrom('set', 'drop', 'double'),
    to: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x90, 0xc0, 0xcf, 0xdc)),
  });
  return fc
    .tuple(fc.constantFrom(...vectors), fc.array(change, { maxLength: 4 }))
    .map(([of, all]) => {
      const bytes = [...of];
      for (const { at, what, to } of all) {
        const index = at % Math.max(bytes.length, 1);
        if (what === 'set') bytes[index] = to;
        else bytes.splice(index, 1, ...(what === 'drop' ? [] : [to, to]));
      }
      return Uint8Array.from(bytes);
    });
}

describe('any bytes', () => {
  for (const [name, one] of Object.entries(HISTORIES)) {
    it(`are a state or an update of ${name}, or refused by an error of its own`, () => {
      const all = states(one).map((state) => freeze(state, true));
      const some = fc.oneof(mutated(one.vectors), fc.uint8Array({ maxLength: 64 }));
      fc.assert(
        fc.property(some, fc.constantFrom(...all), (bytes, state) => {
          const next = applied(one.form, state, bytes);
          try {
            const read = u.decodeState(one.form, bytes);
            expect(applied(one.form, read, bytes)).toBeDefined();
          } catch (error) {
            expect(error).toBeInstanceOf(u.DecodeError);
          }
          // What an update leaves behind is a state that the next one can meet.
          if (next !== null) applied(one.form, next, bytes);
        }),
        { numRuns: 2000 },
      );
    });

    it(`that are refused leave nothing behind of what they began in ${name}`, () => {
      const [first, ...updates] = one.vectors;
      const frozen = u.decodeState(one.form, first as Uint8Array);
      const loose = u.decodeState(one.form, first as Uint8Array);
      fc.assert(
        fc.property(mutated(updates), (bytes) => {
          applied(one.form, loose, bytes);
          expect(loose).toEqual(frozen);
        }),
        { numRuns: 500 },
      );
    });
  }
});
