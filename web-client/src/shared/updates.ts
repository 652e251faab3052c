// What a recipe has done to a value, as updates: the smallest that say it, each by its path.
//
// Immer's patches say where to look. What is there before and after says what was done: patches
// name every index behind an insertion, and what is the same object has only moved.

import type { Patch } from 'immer';
import { close } from '../bytes';
import type { Field, Inner, Lines, Named } from '../forms';
import { asFields, asList, asMap, asSet } from '../forms';
import type { Run } from '../items';
import type { Form } from '../ucore';
import { EncodeError, isCommuting, isDelta, putKey, putKeys, putList } from '../ucore';
import { script } from './script';

/** Which lane an update is in: what commutes never conflicts. */
export type Lane = 'delta' | 'ordered';

/** What changes a value into another one. */
export interface Updates {
  /** The bytes of a list of updates. */
  bytes: Uint8Array<ArrayBuffer>;
  /** How many there are. */
  len: number;
  /** Whether all of them are of the delta lane. */
  lane: Lane;
}

/** A change that no update can say, where nothing around it can be replaced as a whole. */
export class NoUpdate extends Error {}

interface Change {
  lane: Lane;
  put(run: Run, to: unknown[]): void;
}

/** Where a recipe has changed something: there as a whole, or in parts. */
type Touched = 'whole' | Map<unknown, Touched>;

/** What a recipe has done to a value, by Immer's patches of it. */
export function updatesOf<T>(
  form: Form<T>,
  before: T,
  after: T,
  patches: readonly Patch[],
): Updates {
  const all = changes(form, before, after, touched(patches));
  const items: unknown[] = [];
  for (const change of all) change.put('closed', items);
  const lane = all.every((change) => change.lane === 'delta') ? 'delta' : 'ordered';
  return { bytes: close(items), len: all.length, lane };
}

function touched(patches: readonly Patch[]): Touched {
  let all: Touched = new Map();
  for (const { path } of patches) {
    const last = path.at(-1);
    if (last === undefined) all = 'whole';
    let at = all;
    for (const [depth, key] of path.entries()) {
      if (at === 'whole') break;
      const isLast = depth === path.length - 1;
      const below: Touched = isLast ? 'whole' : (at.get(key) ?? new Map());
      at.set(key, below);
      at = below;
    }
  }
  return all;
}

function within(all: Touched, key: unknown): Touched {
  return all === 'whole' ? all : (all.get(key) ?? all.get(String(key)) ?? new Map());
}

/** Whether a recipe has put a new value with parts there. */
function isAnew(where: Touched, { shape }: Inner): boolean {
  if (where !== 'whole') return false;
  switch (shape.kind) {
    case 'counter':
    case 'max':
    case 'min':
    case 'leaf':
    case 'named':
    case 'codes':
    case 'list':
    case 'reg':
    case 'lines':
    case 'record':
    case 'option':
    case 'nested':
      return false;
    case 'gset':
    case 'gmap':
    case 'alone':
    case 'tuple':
    case 'umap':
    case 'uvec':
    case 'ustack':
    case 'struct':
      return true;
  }
}

const ordered = (put: Change['put']): Change => ({ lane: 'ordered', put });
const delta = (put: Change['put']): Change => ({ lane: 'delta', put });

/** Changes of a part become changes of what it is in. */
function inside(all: readonly Change[], put: (to: unknown[]) => void): Change[] {
  return all.map((change) => {
    return ordered((run, to) => {
      put(to);
      change.put(run, to);
    });
  });
}

/** A value that something changes in parts, or replaces where its parts can't say it. */
function partsOr(parts: () => Change[], whole: () => Change[]): Change[] {
  try {
    return parts();
  } catch (error) {
    if (!(error instanceof NoUpdate)) throw error;
    return whole();
  }
}

function changes(form: Inner, before: unknown, after: unknown, where: Touched): Change[] {
  if (Object.is(before, after)) return [];
  const { shape } = form;
  switch (shape.kind) {
    case 'leaf':
    case 'named':
    case 'codes':
    case 'list':
    case 'reg':
    case 'lines':
    case 'record':
      return [ordered((run, to) => form.write(after, run, to))];
    case 'counter':
      return [delta((_, to) => to.push((after as number) - (before as number)))];
    case 'max':
    case 'min':
      return extreme(form, shape.kind, before as number, after as number);
    case 'gset':
      return grown(shape.of, before as Set<unknown>, asSet(after));
    case 'gmap':
      return summed(shape, before as Lines, asMap(after), where);
    case 'option':
    case 'nested':
      return maybe(form, before, after, where);
    case 'alone':
      return changes(shape.of, before, after, where);
    case 'tuple':
      return parted(shape.parts, before as unknown[], asList(after), where);
    case 'umap':
      return mapped(shape, before as Lines, asMap(after), where);
    case 'uvec':
      return listed(shape.of, before as unknown[], asList(after), where);
    case 'ustack':
      return stacked(shape.of, before as unknown[], asList(after), where);
    case 'struct':
      return structured(shape.fields, before as Named, asFields(after), where);
  }
}

interface Keyed {
  key: Inner;
  of: Inner;
}

function extreme(form: Inner, kind: 'max' | 'min', before: number, after: number): Change[] {
  if (kind === 'max' ? after > before : after < before) {
    return [delta((run, to) => form.write(after, run, to))];
  }
  const way = kind === 'max' ? 'grows' : 'falls';
  throw new NoUpdate(`a ${kind} only ${way}: ${before} can't become ${after}`);
}

function grown(key: Inner, before: Set<unknown>, after: Set<unknown>): Change[] {
  for (const member of before) {
    if (!after.has(member)) throw new NoUpdate(`a gset only grows: ${String(member)} has to stay`);
  }
  const more = [...after].filter((member) => !before.has(member));
  if (more.length === 0) return [];
  return [delta((run, to) => putKeys(key, run, to, more))];
}

/** All lines of a map whose values only accumulate are one delta. */
function summed({ key, of }: Keyed, before: Lines, after: Lines, where: Touched): Change[] {
  if (!isCommuting(of)) throw new NoUpdate('a gmap holds what only accumulates');
  const lines = new Map<unknown, Change>();
  for (const at of keysOf(before, after, where)) {
    const values = [before, after].map((map) => map.get(at) ?? of.fresh());
    const [change] = changes(of, values[0], values[1], within(where, at));
    if (change !== undefined) lines.set(at, change);
  }
  if (lines.size === 0) return [];
  return [
    delta((run, to) => {
      putKeys(key, run, to, lines.keys(), (at, own) => lines.get(at)?.put('closed', own));
    }),
  ];
}

function keysOf(before: Lines, after: Lines, where: Touched): Iterable<unknown> {
  return where === 'whole' ? new Set([...before.keys(), ...after.keys()]) : where.keys();
}

function maybe(form: Inner, before: unknown, after: unknown, where: Touched): Change[] {
  const { shape } = form;
  if (shape.kind !== 'option' && shape.kind !== 'nested') return [];
  if (after === null) return [ordered((_, to) => to.push(1))];
  const isNested = shape.kind === 'nested';
  const inner = (of: unknown) => (isNested ? (of as [unknown])[0] : of);
  const put = () => {
    return [
      ordered((run, to) => {
        to.push(0);
        shape.of.write(inner(after), run, to);
      }),
    ];
  };
  const below = isNested && where !== 'whole' ? within(where, 0) : where;
  if (before === null || isAnew(below, shape.of)) return put();
  const parts = () => changes(shape.of, inner(before), inner(after), below);
  return partsOr(() => inside(parts(), (to) => to.push(2)), put);
}

/** The first changes of all parts become one, then the second ones, and so on. */
function zipped<T>(all: readonly (readonly [T, Change[]])[]): (readonly [T, Change])[][] {
  const len = Math.max(0, ...all.map(([, changes]) => changes.length));
  return Array.from({ length: len }, (_, index) => {
    return all.flatMap(([of, changes]) => {
      const change = changes[index];
      return change === undefined ? [] : [[of, change] as const];
    });
  });
}

function laneOf(all: readonly (readonly [unknown, Change])[]): Lane {
  return all.every(([, { lane }]) => lane === 'delta') ? 'delta' : 'ordered';
}

function parted(
  parts: readonly Inner[],
  before: readonly unknown[],
  after: readonly unknown[],
  where: Touched,
): Change[] {
  const all = parts.map((part, index) => {
    return [index, changes(part, before[index], after[index], within(where, index))] as const;
  });
  return zipped(all).map((round) => {
    const by = new Map(round);
    const put = (_: Run, to: unknown[]) => {
      for (const [index, part] of parts.entries()) {
        const change = by.get(index);
        if (change === undefined) to.push(null);
        else if (part.shape.kind === 'alone') {
          const own: unknown[] = [];
          change.put('open', own);
          to.push(own);
        } else change.put('closed', to);
      }
    };
    return { lane: laneOf(round), put };
  });
}

function structured(
  fields: Readonly<Record<string, Field>>,
  before: Named,
  after: Named,
  where: Touched,
): Change[] {
  for (const name of where === 'whole' ? Object.keys(after) : where.keys()) {
    if (!Object.hasOwn(fields, String(name))) throw new EncodeError(`${name} is no field there`);
  }
  const all = Object.entries(fields).map(([name, field]) => {
    const found = changes(field[1], before[name], after[name], within(where, name));
    const lane = isDelta(field) ? 'delta' : 'ordered';
    return [field[0], found.map((change) => ({ ...change, lane }) satisfies Change)] as const;
  });
  return zipped(all).map((round) => {
    const put = (run: Run, to: unknown[]) => {
      to.push(round.reduce((mask, [tag]) => mask + 2 ** tag, 0));
      for (const [index, [, change]] of round.entries()) {
        change.put(index === round.length - 1 ? run : 'closed', to);
      }
    };
    return { lane: laneOf(round), put };
  });
}

function mapped({ key, of }: Keyed, before: Lines, after: Lines, where: Touched): Change[] {
  if (after.size === 0 && before.size > 1) return [operation(4, null)];
  const [gone, put]: [unknown[], unknown[]] = [[], []];
  const parts: Change[] = [];
  for (const at of keysOf(before, after, where)) {
    const [old, now] = [before.get(at), after.get(at)];
    const below = within(where, at);
    if (!after.has(at)) {
      if (before.has(at)) gone.push(at);
    } else if (!before.has(at) || isAnew(below, of)) {
      if (!before.has(at) || !Object.is(old, now)) put.push(at);
    } else {
      const path = (to: unknown[]) => {
        to.push(2);
        putKey(key, at, to);
      };
      const whole = () => {
        put.push(at);
        return [];
      };
      parts.push(...partsOr(() => inside(changes(of, old, now, below), path), whole));
    }
  }
  const all = [
    ...gone.map((at) => without(key, at)),
    ...inserted({ key, of }, put, after),
    ...parts,
  ];
  if (!isMuch(all, after.size)) return all;
  return [operation(4, null), ...inserted({ key, of }, [...after.keys()], after)];
}

function without(key: Inner, at: unknown): Change {
  return ordered((_, to) => {
    to.push(1);
    putKey(key, at, to);
  });
}

function inserted({ key, of }: Keyed, keys: unknown[], after: Lines): Change[] {
  const [only, ...others] = keys;
  if (keys.length === 0) return [];
  if (others.length > 0) {
    return [
      ordered((run, to) => {
        to.push(3);
        putKeys(key, run, to, keys, (at, own) => of.write(after.get(at), 'closed', own));
      }),
    ];
  }
  return [
    ordered((run, to) => {
      to.push(0);
      putKey(key, only, to);
      of.write(after.get(only), run, to);
    }),
  ];
}

/** Whether it is less to begin a map or a list anew than to say its changes. */
function isMuch(all: readonly Change[], len: number): boolean {
  return all.length > CHANGES_MIN && all.length > len;
}

/** So many changes are never too many. */
const CHANGES_MIN = 256;

/** An operation of a list: its number, its index if it has one, and its value if it has one. */
function operation(number: number, index: number | null, value?: readonly [Inner, unknown]) {
  return ordered((run, to) => {
    to.push(number);
    if (index !== null) to.push(index);
    if (value !== undefined) value[0].write(value[1], run, to);
  });
}

function listed(
  of: Inner,
  before: readonly unknown[],
  after: readonly unknown[],
  where: Touched,
): Change[] {
  if (after.length === 0) return [before.length === 1 ? operation(1, null) : operation(8, null)];
  const all: Change[] = [];
  // How long the list is after the changes so far.
  let len = before.length;
  for (const { at, from, gone, come } of script(before, after)) {
    const paired = Math.min(gone, come);
    for (let index = at; index < at + paired; index += 1) {
      const old = before[from + index - at];
      // Only what has not moved is what the patches of this index are about.
      const below = from === at ? within(where, index) : 'whole';
      all.push(...replaced(of, index, old, after[index], below));
    }
    const [start, fresh] = [at + paired, after.slice(at + paired, at + come)];
    const rest = len - start - (gone - paired);
    if (fresh.length > 0 && rest === 0) all.push(...appended(of, fresh));
    else if (fresh.length > 0) {
      for (const [index, value] of fresh.entries()) {
        all.push(operation(2, start + index, [of, value]));
      }
    } else if (gone > paired) all.push(...taken(start, gone - paired, rest));
    len += come - gone;
  }
  if (!isMuch(all, after.length)) return all;
  return [operation(8, null), ...appended(of, after)];
}

function replaced(of: Inner, at: number, old: unknown, now: unknown, where: Touched): Change[] {
  if (Object.is(old, now)) return [];
  const whole = () => [operation(9, at, [of, now])];
  const isNumber = ['counter', 'max', 'min'].includes(of.shape.kind);
  if (where === 'whole' && !isNumber) return whole();
  return partsOr(() => inside(changes(of, old, now, where), (to) => to.push(4, at)), whole);
}

function appended(of: Inner, values: readonly unknown[]): Change[] {
  if (values.length === 1) return [operation(0, null, [of, values[0]])];
  return [
    ordered((run, to) => {
      to.push(7);
      putList(run, to, (own) => {
        for (const value of values) of.write(value, 'closed', own);
      });
    }),
  ];
}

function taken(at: number, len: number, rest: number): Change[] {
  if (rest > 0) return Array.from({ length: len }, () => operation(3, at));
  return [len === 1 ? operation(1, null) : operation(6, at)];
}

/** Only the top of a stack changes: what is below comes to light first. */
function stacked(
  of: Inner,
  before: readonly unknown[],
  after: readonly unknown[],
  where: Touched,
): Change[] {
  if (after.length === 0 && before.length > 1) return [operation(3, null)];
  let same = 0;
  const shorter = Math.min(before.length, after.length);
  while (same < shorter && Object.is(before[same], after[same])) same += 1;
  const below = within(where, same);
  const pops = (to: number) => {
    return Array.from({ length: before.length - to }, () => operation(1, null));
  };
  const pushes = (from: number) => after.slice(from).map((it) => operation(0, null, [of, it]));
  const anew = () => [...pops(same), ...pushes(same)];
  if (same === shorter || isAnew(below, of)) return anew();
  const top = () => {
    const all = changes(of, before[same], after[same], below);
    return inside(all, (to) => to.push(2));
  };
  return partsOr(() => [...pops(same + 1), ...top(), ...pushes(same + 1)], anew);
}
