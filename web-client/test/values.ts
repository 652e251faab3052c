// Random values of any form, and random changes of them, for property tests.

import type { Inner } from '../src/forms';

/** A number from 0 to one less than `below`. */
export type Dice = (below: number) => number;

/** Dice that fall the same for the same seed. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a value of any form
export type Any = any;

const TEXTS = [
  '',
  'a',
  'b',
  'a,"b',
  '\u{ffff}',
  '\u{10000}',
  'a longer text, of more than 32 bytes',
];

function leaf(roll: Dice, text: string): Any {
  const bits = Number(/^[uif](\d+)$/.exec(text)?.[1] ?? 0);
  if (text.startsWith('u')) return [0, 1, 127, roll(256), 2 ** Math.min(bits, 53) - 1][roll(5)];
  if (text.startsWith('i'))
    return [0, -1, -33, roll(128), -(2 ** (bits === 64 ? 52 : bits - 1))][roll(5)];
  if (text.startsWith('f')) return [0, 1, -2.5, 0.5, roll(99)][roll(5)];
  if (text === 'bool') return roll(2) === 1;
  if (text === 'nil') return null;
  if (text === 'text') return TEXTS[roll(TEXTS.length)];
  if (text === 'char') return ['x', '\u{1f409}'][roll(2)];
  if (text === 'blob') return new Uint8Array(roll(3));
  return (roll(256).toString(16).padStart(2, '0') + '7f'.repeat(32)).slice(
    0,
    2 * Number(text.slice(5)),
  );
}

/** A key as `Map` and `Set` hold it. */
function keyOf(roll: Dice, form: Inner): Any {
  const key = value(roll, form);
  return Array.isArray(key) ? JSON.stringify(key).slice(1, -1) : key;
}

const times = (roll: Dice) => Array.from({ length: roll(4) });

/** A value. */
export function value(roll: Dice, form: Inner): Any {
  const { shape } = form;
  switch (shape.kind) {
    case 'leaf':
      return leaf(roll, shape.text);
    case 'counter':
      return roll(200) - 100;
    case 'max':
    case 'min':
      return roll(1000);
    case 'named':
    case 'reg':
    case 'alone':
      return value(roll, shape.of);
    case 'codes': {
      const codes = Object.entries(shape.table).filter(([name]) => name !== 'Unknown');
      return codes[roll(codes.length)]?.[1];
    }
    case 'option':
      return roll(3) === 0 ? null : value(roll, shape.of);
    case 'nested':
      return roll(3) === 0 ? null : [value(roll, shape.of)];
    case 'list':
    case 'uvec':
    case 'ustack':
      return times(roll).map(() => value(roll, shape.of));
    case 'gset':
      return new Set(times(roll).map(() => keyOf(roll, shape.of)));
    case 'lines':
    case 'umap':
      return new Map(times(roll).map(() => [keyOf(roll, shape.key), value(roll, shape.of)]));
    case 'gmap': {
      const lines = times(roll).map(() => [keyOf(roll, shape.key), said(roll, shape.of)] as const);
      return new Map(lines);
    }
    case 'tuple':
      return shape.parts.map((part) => value(roll, part));
    case 'record':
      return fields(roll, Object.entries(shape.fields));
    case 'struct':
      return fields(
        roll,
        Object.entries(shape.fields).map(([name, [, inner]]) => [name, inner]),
      );
  }
}

const isFresh = (form: Inner, of: Any): boolean => (form as Any).isFresh(of);

/** A value of a line that says something. */
function said(roll: Dice, form: Inner): Any {
  for (;;) {
    const line = value(roll, form);
    if (!isFresh(form, line)) return line;
  }
}

function fields(roll: Dice, of: [string, Inner][]): Any {
  return Object.fromEntries(of.map(([name, form]) => [name, value(roll, form)]));
}

/** Changes a part of what is in `at[key]`, or all of it, as a recipe might. */
export function change(roll: Dice, form: Inner, get: () => Any, set: (of: Any) => void): void {
  const { shape } = form;
  const now = get();
  switch (shape.kind) {
    case 'leaf':
    case 'codes':
    case 'list':
    case 'lines':
    case 'record':
    case 'reg':
    case 'named':
      return set(value(roll, form));
    case 'alone':
      return change(roll, shape.of, get, set);
    case 'counter':
      return set(now + roll(9) - 4);
    case 'max':
      return set(now + roll(5));
    case 'min':
      return set(Math.max(0, now - roll(5)));
    case 'option':
    case 'nested': {
      if (now === null || roll(3) === 0) return set(value(roll, form));
      if (shape.kind === 'option') return change(roll, shape.of, get, set);
      return change(
        roll,
        shape.of,
        () => now[0],
        (of) => {
          now[0] = of;
        },
      );
    }
    case 'tuple': {
      const index = roll(shape.parts.length);
      return inside(roll, shape.parts[index] as Inner, now, index);
    }
    case 'struct': {
      const all = Object.entries(shape.fields);
      const [name, [, inner]] = all[roll(all.length)] as [string, [number, Inner]];
      return inside(roll, inner, now, name);
    }
    case 'gset':
      now.add(keyOf(roll, shape.of));
      return;
    case 'gmap':
      return changeSums(roll, shape, now);
    case 'umap':
      return changeMap(roll, shape, now, set);
    case 'uvec':
      return changeList(roll, shape.of, now, set);
    case 'ustack':
      return changeStack(roll, shape.of, now);
  }
}

function inside(roll: Dice, form: Inner, of: Any, key: string | number): void {
  change(
    roll,
    form,
    () => of[key],
    (now) => {
      of[key] = now;
    },
  );
}

interface Keyed {
  key: Inner;
  of: Inner;
}

function someKey(roll: Dice, map: Any): Any {
  return [...map.keys()][roll(map.size)];
}

function changeSums(roll: Dice, { key, of }: Keyed, now: Any): void {
  const at = roll(2) === 0 || now.size === 0 ? keyOf(roll, key) : someKey(roll, now);
  if (!now.has(at)) return void now.set(at, said(roll, of));
  change(
    roll,
    of,
    () => now.get(at),
    (line) => now.set(at, line),
  );
  if (isFresh(of, now.get(at))) now.delete(at);
}

function changeMap(roll: Dice, { key, of }: Keyed, now: Any, set: (of: Any) => void): void {
  const what = roll(12);
  if (what === 0) return void now.clear();
  if (what === 1) return set(new Map(times(roll).map(() => [keyOf(roll, key), value(roll, of)])));
  if (what < 5 || now.size === 0) return void now.set(keyOf(roll, key), value(roll, of));
  const at = someKey(roll, now);
  if (what < 7) return void now.delete(at);
  change(
    roll,
    of,
    () => now.get(at),
    (line) => now.set(at, line),
  );
}

function changeList(roll: Dice, of: Inner, now: Any, set: (of: Any) => void): void {
  const fresh = () => value(roll, of);
  const at = roll(now.length + 1);
  switch (roll(14)) {
    case 0:
      return void now.splice(0, now.length);
    case 1:
      return void now.shift();
    case 2:
      return void now.pop();
    case 3:
    case 4:
      return void now.push(fresh());
    case 5:
      return void now.unshift(fresh(), fresh());
    case 6:
      return void now.splice(at, 0, fresh());
    case 7:
      return void now.splice(at, 1 + roll(2));
    case 8:
      return void now.splice(at, roll(3), fresh(), fresh());
    case 9:
      return void now.reverse();
    case 10:
      return set([fresh(), ...now.slice(1)]);
    case 11:
      if (at < now.length) now[at] = fresh();
      return;
  }
  if (at < now.length) inside(roll, of, now, at);
}

function changeStack(roll: Dice, of: Inner, now: Any): void {
  const what = roll(6);
  if (what === 0) return void now.splice(0, now.length);
  if (what === 1) return void now.pop();
  if (what < 4 || now.length === 0) return void now.push(value(roll, of));
  inside(roll, of, now, what === 4 ? roll(now.length) : now.length - 1);
}
