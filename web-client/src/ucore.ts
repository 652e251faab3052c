// ucore's values and updates in TypeScript: forms, of which `ucore::typescript` builds modules.
//
// A replica is a plain value: numbers, texts, arrays, objects, Map and Set. Its updates change an
// Immer draft or copies, so an update that does not fit leaves nothing behind: these are dropped.

import { enableMapSet } from 'immer';
import { close } from './bytes';
import type { Field, Form, Inner, KeyOf } from './forms';
import {
  asList,
  asMap,
  asSet,
  eachKey,
  i64,
  lines,
  list,
  putKeys,
  putList,
  record,
  takeKey,
  u8,
  u32,
  u64,
} from './forms';
import type { Items, Run } from './items';
import { Copies, DecodeError, INT_MAX, open } from './items';

export * from './forms';
export { DecodeError, EncodeError, type Items, type Run } from './items';

enableMapSet();

/** A form of values that only accumulate, and may be those of a `gmap`. */
export interface Commuting<T> extends Form<T> {
  /** What a value begins with. */
  fresh(): T;
  /** Whether a value is what it began with. */
  isFresh(value: T): boolean;
}

/** A whole value from its bytes. */
export function decodeState<T>(form: Form<T>, bytes: Uint8Array): T {
  const from = open(bytes);
  const value = form.read('open', from);
  from.end();
  return value;
}

/** The same from a program that has the very same types; null if the bytes are no such value. */
export function decodeExact<T>(form: Form<T>, bytes: Uint8Array): { value: T } | null {
  try {
    const from = open(bytes, new Copies());
    const value = form.read('open', from);
    from.end();
    return { value };
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** The bytes of a whole value. */
export function encodeState<T>(form: Form<T>, value: T): Uint8Array<ArrayBuffer> {
  const to: unknown[] = [];
  form.write(value, 'open', to);
  return close(to);
}

/** Applies an update inside of a `produce`, which has to be given up if this throws. */
export function applyTo<T>(form: Form<T>, draft: T, bytes: Uint8Array): T {
  const from = open(bytes);
  const value = form.apply(draft, 'open', from);
  from.end();
  return value;
}

/** The state after an update. One that does not fit throws, and the state is as it was. */
export function applyUpdate<T>(form: Form<T>, state: T, bytes: Uint8Array): T {
  const from = open(bytes, new Copies());
  const after = form.apply(state, 'open', from);
  from.end();
  return after;
}

function missing(from: Items): Error {
  return from.error('changes what is not there');
}

function notAnOperation(from: Items): Error {
  return from.error('is no operation');
}

/** Maybe a value. */
export function option<T>(inner: Form<T>): Form<T | null> {
  return {
    shape: { kind: 'option', of: inner },
    read: (_, from) => (from.takeNil() ? null : inner.read('closed', from)),
    write: (value, _, to) => {
      if (value === null) to.push(null);
      else inner.write(value, 'closed', to);
    },
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0:
          return inner.read(run, from);
        case 1:
          return null;
        case 2:
          if (draft === null) throw missing(from);
          return inner.apply(draft, run, from);
      }
      throw notAnOperation(from);
    },
  };
}

/** Maybe a value that may itself begin with nil, so it stands in an array of its own. */
export function nested<T>(inner: Form<T>): Form<[T] | null> {
  return {
    shape: { kind: 'nested', of: inner },
    read: (_, from) => {
      return from.takeNil() ? null : from.array((items) => [inner.read('open', items)]);
    },
    write: (value, _, to) => {
      if (value === null) return void to.push(null);
      asList(value);
      putList('closed', to, (own) => inner.write(value[0], 'open', own));
    },
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0:
          return [inner.read(run, from)];
        case 1:
          return null;
        case 2: {
          if (draft === null) throw missing(from);
          const value = inner.apply(draft[0], run, from);
          if (Object.is(value, draft[0])) return draft;
          const own = from.changing(draft);
          own[0] = value;
          return own;
        }
      }
      throw notAnOperation(from);
    },
  };
}

/** Several values. */
export function tuple<T extends unknown[]>(
  ...parts: { readonly [K in keyof T]: Form<T[K]> }
): Form<T> {
  return {
    shape: { kind: 'tuple', parts },
    read: (_, from) => parts.map((part) => part.read('closed', from)) as T,
    write: (value, _, to) => {
      asList(value);
      for (const [index, part] of parts.entries()) part.write(value[index], 'closed', to);
    },
    apply(draft, _, from) {
      let own = draft;
      for (const [index, part] of parts.entries()) {
        if (from.takeNil()) continue;
        const value = part.apply(own[index], 'closed', from);
        if (Object.is(value, own[index])) continue;
        own = from.changing(own);
        own[index] = value;
      }
      return own;
    },
  };
}

/** A part of a tuple whose updates may begin with nil, so they stand in arrays of their own. */
export function alone<T>(part: Form<T>): Form<T> {
  return {
    ...part,
    shape: { kind: 'alone', of: part },
    apply: (draft, _, from) => from.array((items) => part.apply(draft, 'open', items)),
  };
}

function folded(
  kind: 'counter' | 'max' | 'min',
  form: Form<number>,
  first: number,
  fold: (a: number, b: number) => number,
) {
  const commuting: Commuting<number> = {
    ...form,
    shape: { kind },
    apply(value, run, from) {
      const more = form.read(run, from);
      from.saidNothing = more === first;
      const sum = fold(value, more);
      if (!Number.isSafeInteger(sum)) throw from.error('leads beyond 2^53 - 1');
      return sum;
    },
    fresh: () => first,
    isFresh: (value) => value === first,
  };
  return commuting;
}

/** A sum. */
export const counter = folded('counter', i64, 0, (sum, more) => sum + more);
/** The largest value ever seen. */
export const max = folded('max', u64, 0, Math.max);
/** The smallest value ever seen. */
export const min = folded('min', u64, INT_MAX, Math.min);

/** A set that only grows. */
export function gset<K>(key: Form<K>): Commuting<Set<KeyOf<K>>> {
  const grow = (set: Set<KeyOf<K>>, run: Run, from: Items) => {
    let own = set;
    from.saidNothing = true;
    eachKey(key, run, from, (member) => {
      from.saidNothing = false;
      if (own.has(member)) return;
      own = from.changing(own);
      own.add(member);
    });
    return own;
  };
  return {
    shape: { kind: 'gset', of: key },
    read(run, from) {
      const set = new Set<KeyOf<K>>();
      eachKey(key, run, from, (member) => set.add(member));
      return set;
    },
    write: (set, run, to) => {
      asSet(set);
      putKeys(key, run, to, set);
    },
    apply: grow,
    fresh: () => new Set(),
    isFresh: (set) => set.size === 0,
  };
}

/** A map whose values only accumulate. One that is what it would begin with has no line. */
export function gmap<K, V>(key: Form<K>, value: Commuting<V>): Commuting<Map<KeyOf<K>, V>> {
  const all = lines(key, value);
  return {
    shape: { kind: 'gmap', key, of: value },
    read(run, from) {
      const map = new Map<KeyOf<K>, V>();
      eachKey(key, run, from, (at, items) => {
        const line = value.read('closed', items);
        if (value.isFresh(line)) throw items.error('ends a line that says nothing');
        map.set(at, line);
      });
      return map;
    },
    write(map, run, to) {
      asMap(map);
      const said = [...map].filter(([, line]) => !value.isFresh(line));
      all.write(new Map(said), run, to);
    },
    apply(draft, run, from) {
      let [own, isEmpty] = [draft, true];
      eachKey(key, run, from, (at, items) => {
        const before = own.get(at);
        const line = value.apply(before ?? value.fresh(), 'closed', items);
        if (items.saidNothing) throw items.error('changes nothing');
        isEmpty = false;
        if (value.isFresh(line) ? before === undefined : Object.is(line, before)) return;
        own = from.changing(own);
        if (value.isFresh(line)) own.delete(at);
        else own.set(at, line);
      });
      from.saidNothing = isEmpty;
      return own;
    },
    fresh: () => new Map(),
    isFresh: (map) => map.size === 0,
  };
}

/** A map of values that change. */
export function umap<K, V>(key: Form<K>, value: Form<V>): Form<Map<KeyOf<K>, V>> {
  const present = (draft: Map<KeyOf<K>, V>, from: Items): KeyOf<K> => {
    const at = takeKey(key, from);
    if (!draft.has(at)) throw missing(from);
    return at;
  };
  return {
    ...lines(key, value),
    shape: { kind: 'umap', key, of: value },
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0: {
          const at = takeKey(key, from);
          const line = value.read(run, from);
          // What was read just now is another object than what is there.
          const isSame = typeof line !== 'object' && Object.is(draft.get(at), line);
          return isSame ? draft : from.changing(draft).set(at, line);
        }
        case 1: {
          const at = present(draft, from);
          const own = from.changing(draft);
          own.delete(at);
          return own;
        }
        case 2: {
          const at = present(draft, from);
          const before = draft.get(at) as V;
          const line = value.apply(before, run, from);
          return Object.is(line, before) ? draft : from.changing(draft).set(at, line);
        }
        case 3: {
          const all = lines(key, value).read(run, from);
          const own = from.changing(draft);
          for (const [at, line] of all) own.set(at, line);
          return own;
        }
        case 4: {
          const own = from.changing(draft);
          own.clear();
          return own;
        }
      }
      throw notAnOperation(from);
    },
  };
}

/** A vector of values that change. */
export function uvec<T>(inner: Form<T>): Form<T[]> {
  const index = (from: Items, len: number): number => {
    const at = u32.read('closed', from);
    if (at >= len) throw missing(from);
    return at;
  };
  const put = (draft: T[], at: number, value: T, from: Items): T[] => {
    if (Object.is(draft[at], value)) return draft;
    const own = from.changing(draft);
    own[at] = value;
    return own;
  };
  const cut = (draft: T[], len: number, from: Items): T[] => {
    if (len >= draft.length) return draft;
    const own = from.changing(draft);
    own.length = len;
    return own;
  };
  const more = (draft: T[], values: T[], from: Items): T[] => {
    const own = from.changing(draft);
    for (const value of values) own.push(value);
    return own;
  };
  return {
    ...list(inner),
    shape: { kind: 'uvec', of: inner },
    apply(draft, run, from) {
      const len = draft.length;
      switch (u8.read('closed', from)) {
        case 0:
          return more(draft, [inner.read(run, from)], from);
        case 1:
          if (len === 0) throw missing(from);
          return cut(draft, len - 1, from);
        case 2: {
          const [at, value] = [index(from, len + 1), inner.read(run, from)];
          const own = from.changing(draft);
          own.splice(at, 0, value);
          return own;
        }
        case 3: {
          const at = index(from, len);
          const own = from.changing(draft);
          own.splice(at, 1);
          return own;
        }
        case 4: {
          const at = index(from, len);
          return put(draft, at, inner.apply(draft[at] as T, run, from), from);
        }
        case 5: {
          const [a, b] = [index(from, len), index(from, len)];
          const [first, second] = [draft[a] as T, draft[b] as T];
          return put(put(draft, a, second, from), b, first, from);
        }
        case 6:
          return cut(draft, u32.read('closed', from), from);
        case 7:
          return more(draft, list(inner).read(run, from), from);
        case 8:
          return cut(draft, 0, from);
        case 9: {
          const at = index(from, len);
          return put(draft, at, inner.read(run, from), from);
        }
      }
      throw notAnOperation(from);
    },
  };
}

/** A stack of values, of which the last one is the top and may change. */
export function ustack<T>(inner: Form<T>): Form<T[]> {
  return {
    ...list(inner),
    shape: { kind: 'ustack', of: inner },
    apply(draft, run, from) {
      const top = draft.length - 1;
      const operation = u8.read('closed', from);
      if ((operation === 1 || operation === 2) && top < 0) throw missing(from);
      switch (operation) {
        case 0: {
          const value = inner.read(run, from);
          const own = from.changing(draft);
          own.push(value);
          return own;
        }
        case 1: {
          const own = from.changing(draft);
          own.pop();
          return own;
        }
        case 2: {
          const value = inner.apply(draft[top] as T, run, from);
          if (Object.is(value, draft[top])) return draft;
          const own = from.changing(draft);
          own[top] = value;
          return own;
        }
        case 3: {
          const own = from.changing(draft);
          own.length = 0;
          return own;
        }
      }
      throw notAnOperation(from);
    },
  };
}

type Tagged<T> = {
  readonly [K in keyof T]-?: readonly [tag: number, form: Form<T[K]>, lane?: 'ordered'];
};
type Summed<T> = { readonly [K in keyof T]-?: readonly [tag: number, form: Commuting<T[K]>] };

/** Whether values of this form only accumulate. */
export function isCommuting(form: Inner): form is Commuting<unknown> {
  return 'fresh' in form;
}

/** Whether a field is in the delta lane. */
export function isDelta([, form, lane]: Field): boolean {
  return isCommuting(form) && lane !== 'ordered';
}

/** The fields of a struct with their tags, in the order of these. */
export function struct<T extends object>(name: string, fields: Tagged<T>): Form<T> {
  const table = fields as Readonly<Record<string, Field>>;
  const all = Object.entries(table).map(([name, field]) => {
    return [name as keyof T & string, field[1], 2 ** field[0], isDelta(field)] as const;
  });
  const forms = Object.fromEntries(all.map(([field, form]) => [field, form]));
  return {
    ...record<T>(name, forms as { readonly [K in keyof T]-?: Form<T[K]> }),
    shape: { kind: 'struct', name, fields: table },
    apply(draft, run, from) {
      const mask = u64.read('closed', from);
      let left = mask;
      let own = draft;
      for (const [field, form, bit, isDelta] of all) {
        if (left === 0) break;
        // Bitwise operators end at 32 bits, and a mask has up to 53.
        if (Math.floor(mask / bit) % 2 === 0) continue;
        left -= bit;
        const before = own[field];
        const value = form.apply(before, left === 0 ? run : 'closed', from) as typeof before;
        if (isDelta && from.saidNothing) throw from.error('changes nothing');
        if (Object.is(value, before)) continue;
        own = from.changing(own);
        own[field] = value;
      }
      if (left > 0) throw from.error('names an unknown field');
      from.saidNothing = mask === 0;
      return own;
    },
  };
}

/** The same for a struct all of whose fields only accumulate. */
export function commuting<T extends object>(name: string, fields: Summed<T>): Commuting<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return {
    ...struct<T>(name, fields),
    fresh: () => Object.fromEntries(names.map((of) => [of, fields[of][1].fresh()])) as T,
    isFresh: (value) => names.every((of) => fields[of][1].isFresh(value[of])),
  };
}
