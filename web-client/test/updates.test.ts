// What recipes do becomes updates that do the same in every program.

import { readFileSync } from 'node:fs';
import { decode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { freeze } from 'immer';
import { describe, expect, it } from 'vitest';
import { close } from '../src/bytes';
import { Copies, open } from '../src/items';
import { applyUpdates } from '../src/shared/apply';
import { run } from '../src/shared/recipe';
import { firstValue, schemaHash, schemaText } from '../src/shared/schema';
import { skipUpdate } from '../src/shared/skip';
import { updatesOf } from '../src/shared/updates';
import { xxh64 } from '../src/shared/xxh64';
import * as u from '../src/ucore';
import * as golden from './generated/ucore_golden';
import { type Any, change, dice, value } from './values';

const GOLDEN = new URL('../../ucore/golden/', import.meta.url);
const FORMS: Record<string, u.Form<Any>> = {
  leaves: golden.Leaves,
  registers: golden.Registers,
  maybes: golden.Maybes,
  pairs: golden.Pairs,
  sums: golden.Sums,
  maps: golden.Maps,
  lists: golden.Lists,
  world: golden.World,
};

/** What a recipe makes of a value, and its updates. */
function made<T>(form: u.Form<T>, before: T, recipe: (draft: Any) => unknown) {
  const ran = run(before, [recipe]);
  if (ran.kind === 'thrown') throw ran.reason;
  return { after: ran.after, ...updatesOf(form, before, ran.after, ran.patches) };
}

/** The updates of a recipe as what they say, after a check that they do what it did. */
function said<T>(form: u.Form<T>, before: T, recipe: (draft: Any) => unknown): unknown {
  const { after, bytes } = made(form, freeze(before, true), recipe);
  expect(applyUpdates(form, before, bytes)).toEqual(after);
  return decode(bytes);
}

/** An update in Rust's words, but for the parts that say nothing. */
function brief(update: string): string {
  const nothing =
    /\w+: (None|(Counter|Max)\(0\)|Min\(9007199254740991\)|\w+ \{ (members|lines): \{\} \})(, )?/g;
  return update
    .replaceAll(nothing, '')
    .replaceAll(/,? +\}$/g, ' }')
    .slice(0, 80);
}

describe('updates of a recipe', () => {
  for (const [name, form] of Object.entries(FORMS)) {
    it(`do to ${name} what the recipe did`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, steps) => {
          const roll = dice(seed);
          const before = freeze(value(roll, form), true);
          const { after, bytes } = made(form, before, (draft) => {
            const root = { draft };
            for (let step = 0; step < steps; step += 1) {
              change(
                roll,
                form,
                () => root.draft,
                () => expect.unreachable('a struct is never replaced'),
              );
            }
          });
          const applied = applyUpdates(form, before, bytes);
          expect(applied).toEqual(after);
          expect(u.encodeState(form, applied)).toEqual(u.encodeState(form, after));
          expect(u.decodeState(form, u.encodeState(form, after))).toEqual(after);
          const list = open(bytes, new Copies());
          while (list.hasMore()) skipUpdate(form, 'closed', list);
          list.end();
        }),
        { numRuns: 400 },
      );
    });
  }

  it('are the bytes that Rust writes', () => {
    const otherwise: string[] = [];
    let same = 0;
    for (const [name, form] of Object.entries(FORMS)) {
      const file = (ending: string) => readFileSync(new URL(`${name}${ending}`, GOLDEN));
      const [first, ...updates] = decode(file('.msgpack')) as Uint8Array[];
      const edits = decode(file('.edits.msgpack')) as Uint8Array[];
      const { steps } = JSON.parse(String(file('.json')));
      let state = u.decodeState(form, first as Uint8Array);
      for (const [index, { update, refused }] of steps.entries()) {
        if (refused !== undefined) continue;
        const edit = edits.shift() as Uint8Array;
        const one = updates[index] as Uint8Array;
        const { after, bytes } = made(form, state, (draft) => u.applyTo(form, draft, one));
        expect(applyUpdates(form, state, edit), update).toEqual(after);
        expect(applyUpdates(form, state, bytes), update).toEqual(after);
        if (Buffer.compare(bytes, edit) === 0) same += 1;
        else otherwise.push(brief(update));
        state = after;
      }
      expect(edits).toEqual([]);
    }
    // What changes nothing has no update; of updates that do the same, the page knows one.
    expect(otherwise).toMatchInlineSnapshot(`
      [
        "LeavesUpdate { n: Some(Set(())) }",
        "LeavesUpdate { a: Some(Set(1)), n: Some(Set(())) }",
        "LeavesUpdate { }",
        "MaybesUpdate { nothing: Some(Some(Set(()))) }",
        "PairsUpdate { mixed: Some(TupleUpdate((None, Some(At(1, Set(7)))))) }",
        "PairsUpdate { three: Some(TupleUpdate((Some(Set(None)), Some(Set(())), None))) }",
        "SumsDelta { best: Max(12) }",
        "SumsDelta { first: Min(450) }",
        "SumsDelta { numbers: GSet { members: {1, 7} } }",
        "MapsUpdate { bags: Some(At(Title("red"), At(0, Set(Item { name: "axe", price: -3",
        "ListsUpdate { numbers: Some(Insert(4, 5)) }",
        "ListsUpdate { numbers: Some(At(4, Set(50))) }",
        "ListsUpdate { numbers: Some(Swap(0, 4)) }",
        "ListsUpdate { numbers: Some(Swap(0, 0)) }",
        "ListsUpdate { numbers: Some(Truncate(9)) }",
        "ListsUpdate { numbers: Some(Clear) }",
        "ListsUpdate { grid: Some(At(1, At(1, Put(9)))) }",
        "ListsUpdate { grid: Some(Swap(0, 1)) }",
        "ListsUpdate { stack: Some(Clear) }",
      ]
    `);
    expect(same).toBe(112);
  });
});

interface Bag {
  names: Map<string, string[]>;
  list: { name: string; at: [number, number] }[];
  line: { hits: number; best: number } | null;
  sums: Map<string, number>;
  seen: Set<number>;
  stack: string[];
}
const Line = u.commuting<{ hits: number; best: number }>('Line', {
  hits: [0, u.counter],
  best: [1, u.max],
});
const Item: u.Form<Bag['list'][number]> = u.struct('Item', {
  name: [0, u.text],
  at: [1, u.tuple(u.i32, u.i32)],
});
const Bag: u.Form<Bag> = u.struct('Bag', {
  names: [0, u.umap(u.text, u.uvec(u.text))],
  list: [1, u.uvec(Item)],
  line: [2, u.option(Line)],
  sums: [3, u.gmap(u.text, u.counter)],
  seen: [4, u.gset(u.u32)],
  stack: [5, u.ustack(u.text)],
});

describe('what a recipe says', () => {
  const item = (name: string) => ({ name, at: [0, 0] as [number, number] });
  const bag = (): Bag => ({
    names: new Map([
      ['a', ['x', 'y']],
      ['b', []],
    ]),
    list: ['p', 'q', 'r'].map(item),
    line: { hits: 5, best: 3 },
    sums: new Map([['a', 2]]),
    seen: new Set([1]),
    stack: ['u', 'v', 'w'],
  });
  const cases: [what: string, recipe: (bag: Bag) => void, says: unknown[]][] = [
    ['nothing', () => {}, []],
    ['a key', (it) => it.names.set('c', ['z']), [1, 0, 'c', ['z']]],
    ['two keys', (it) => void it.names.set('d', []).set('c', []), [1, 3, ['c', [], 'd', []]]],
    ['no key', (it) => it.names.delete('b'), [1, 1, 'b']],
    ['no keys', (it) => it.names.clear(), [1, 4]],
    ['a key anew', (it) => it.names.set('a', ['x']), [1, 0, 'a', ['x']]],
    ['inside of a key', (it) => it.names.get('a')?.push('z'), [1, 2, 'a', 0, 'z']],
    ['an insertion', (it) => it.list.unshift(item('n')), [2, 2, 0, ['n', 0, 0]]],
    ['the first gone', (it) => it.list.shift(), [2, 3, 0]],
    ['the last gone', (it) => it.list.pop(), [2, 1]],
    ['the rest gone', (it) => it.list.splice(1, 2), [2, 6, 1]],
    ['all gone', (it) => it.list.splice(0, 3), [2, 8]],
    ['one more', (it) => it.list.push(item('n')), [2, 0, ['n', 0, 0]]],
    [
      'more',
      (it) => it.list.push(item('n'), item('m')),
      [
        2,
        7,
        [
          ['n', 0, 0],
          ['m', 0, 0],
        ],
      ],
    ],
    [
      'a field of one',
      (it) => {
        if (it.list[1]) it.list[1].at[0] = 4;
      },
      [2, 4, 1, 2, 4, null],
    ],
    [
      'another one',
      (it) => {
        it.list[1] = item('n');
      },
      [2, 9, 1, ['n', 0, 0]],
    ],
    [
      'a queue that moves on',
      (it) => {
        it.list.shift();
        it.list.push(item('n'));
      },
      [2, 3, 0, 2, 0, ['n', 0, 0]],
    ],
    [
      'a sum',
      (it) => {
        if (it.line) it.line.hits += 2;
      },
      [4, 2, 1, 2],
    ],
    [
      'a best that falls, which only a new value can say',
      (it) => {
        if (it.line) it.line.best = 1;
      },
      [4, 0, [5, 1]],
    ],
    [
      'none',
      (it) => {
        it.line = null;
      },
      [4, 1],
    ],
    ['sums by key', (it) => void it.sums.set('b', 1).set('a', 1), [8, ['a', -1, 'b', 1]]],
    ['a member', (it) => it.seen.add(9), [16, [9]]],
    ['a push', (it) => it.stack.push('n'), [32, 0, 'n']],
    ['a pop', (it) => it.stack.pop(), [32, 1]],
    [
      'the top',
      (it) => {
        it.stack[2] = 'n';
      },
      [32, 2, 'n'],
    ],
    ['two levels down', (it) => it.stack.splice(1, 2, 'n'), [32, 1, 32, 2, 'n']],
    [
      'two fields, which is one update',
      (it) => {
        it.seen.add(2);
        it.stack.pop();
      },
      [48, [2], 1],
    ],
  ];
  for (const [what, recipe, says] of cases) {
    it(`about ${what} is ${JSON.stringify(says)}`, () => {
      expect(said(Bag, bag(), recipe)).toEqual(says);
    });
  }

  it('is in the delta lane if all of it commutes', () => {
    const lane = (recipe: (bag: Bag) => unknown) => {
      return made(Bag, freeze(bag(), true), (it) => void recipe(it)).lane;
    };
    expect(lane((it) => it.seen.add(2))).toBe('delta');
    expect(lane((it) => it.sums.set('z', 2))).toBe('delta');
    expect(lane((it) => it.stack.pop())).toBe('ordered');
    // The option around it is ordered, because it may go.
    expect(lane((it) => Object.assign(it.line ?? {}, { hits: 6 }))).toBe('ordered');
    expect(made(u.counter, 5, (n) => n + 2)).toMatchObject({ lane: 'delta', after: 7, len: 1 });
  });

  it('is small where a long list moves', () => {
    const long = Array.from({ length: 1_000 }, (_, index) => `name ${index}`);
    const form = u.uvec(u.text);
    expect(said(form, long, (list) => void list.unshift('new'))).toEqual([2, 0, 'new']);
    expect(said(form, long, (list) => void list.splice(500, 1))).toEqual([3, 500]);
    expect(said(form, long, (list) => void list.push(list.shift()))).toEqual([3, 0, 0, 'name 0']);
    const cut = said(form, long, (list) => void list.splice(0, 600));
    expect(cut).toEqual([8, 7, long.slice(600)]);
    expect((said(form, long, (list) => void list.reverse()) as []).length).toBeLessThan(4_000);
  });

  it('is refused with a sentence where no update says it', () => {
    const cases: [(bag: Any) => unknown, string][] = [
      [(it) => it.seen.delete(1), 'a gset only grows: 1 has to stay'],
      [(it) => it.sums.set('a', 'b'), 'no integer'],
      [(it) => it.names.set('a', 5), '5 is no array'],
      [(it) => it.names.set(7, []), '7 is none of type text'],
      [(it) => Object.assign(it, { list: 5 }), '5 is no array'],
      [(it) => it.list.push({ name: 'x', at: [1] }), 'undefined is none of type i32'],
      [(it) => it.list.push({ name: '\ud800', at: [1, 1] }), 'none of type text'],
      [(it) => Object.assign(it, { other: 1 }), 'other is no field there'],
    ];
    for (const [recipe, text] of cases) {
      expect(() => made(Bag, freeze(bag(), true), (it) => void recipe(it)), text).toThrow(text);
    }
    expect(() => made(u.max, 5, () => 4)).toThrow("a max only grows: 5 can't become 4");
  });
});

describe('a list of updates', () => {
  const form = u.umap(u.text, u.counter);
  const before = freeze(new Map([['a', 1]]), true);

  it('leaves out what does not fit, and nothing else', () => {
    const list = close([2, 'a', 1, 2, 'z', 1, 1, 'y', 0, 'b', 2, 2, 'b', 1]);
    expect(applyUpdates(form, before, list)).toEqual(new Map(Object.entries({ a: 2, b: 3 })));
  });

  it('changes nothing if a part of it is none', () => {
    const sums = u.struct<Pick<Bag, 'sums' | 'seen'>>('S', {
      sums: [0, u.gmap(u.text, u.counter)],
      seen: [1, u.gset(u.u8)],
    });
    const first = freeze(firstValue(sums), true);
    const good = [1, ['a', 1]];
    expect(applyUpdates(sums, first, close(good)).sums.size).toBe(1);
    // A line that says nothing, a set that gains nothing, an unknown field, and half an update.
    for (const bad of [[1, ['a', 0]], [1, []], [2, []], [4, 1], [1], [1, ['b', 1, 'a', 1]]]) {
      expect(applyUpdates(sums, first, close([...good, ...bad])), JSON.stringify(bad)).toBe(first);
      expect(applyUpdates(sums, first, close([...bad, ...good]))).toBe(first);
    }
    const codes = u.umap(u.u8, u.codes('Mood', u.u8, { Unknown: 0, Calm: 1 }));
    const none = freeze(new Map(), true);
    expect(applyUpdates(codes, none, close([0, 1, 1])).size).toBe(1);
    for (const code of [0, 7]) expect(applyUpdates(codes, none, close([0, 1, code]))).toBe(none);
    expect(applyUpdates(form, before, Uint8Array.of(0xc1))).toBe(before);
  });
});

describe('a schema', () => {
  it('has the words and the hash that Rust gives it', () => {
    const lines = readFileSync(new URL('schemas.txt', GOLDEN), 'utf8').trimEnd().split('\n');
    const own = Object.values(FORMS).map((form) => `${schemaHash(form)} ${schemaText(form)}`);
    expect(own).toEqual(lines);
    expect(schemaText(u.umap(u.i32, u.uvec(u.text)))).toBe('map<i32, vec<text>>');
    expect(xxh64(new Uint8Array())).toBe('ef46db3751d8e999');
  });
});
