// ucore's values and updates in TypeScript: forms, of which `ucore::typescript` builds modules.
//
// A replica is a plain value: numbers, texts, arrays, objects, Map and Set. Its updates are applied
// to an Immer draft, so an update that does not fit leaves nothing behind: its draft is dropped.

import { enableMapSet, produce } from 'immer';
import type { Form, KeyOf } from './forms';
import { eachKey, i64, lines, list, putList, record, takeKey, u8, u32, u64, unsent } from './forms';
import type { Items, Run } from './items';
import { close, INT_MAX, open } from './items';

export * from './forms';
export { DecodeError, type Items, type Run } from './items';

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
  // Immer drafts objects only, and the state may be a number.
  return produce({ state }, (draft: { state: T }) => {
    draft.state = applyTo(form, draft.state, bytes);
  }).state;
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
    read: (_, from) => {
      return from.takeNil() ? null : from.array((items) => [inner.read('open', items)]);
    },
    write: (value, _, to) => {
      if (value === null) to.push(null);
      else putList('closed', to, (own) => inner.write(value[0], 'open', own));
    },
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0:
          return [inner.read(run, from)];
        case 1:
          return null;
        case 2:
          if (draft === null) throw missing(from);
          draft[0] = inner.apply(draft[0], run, from);
          return draft;
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
    read: (_, from) => parts.map((part) => part.read('closed', from)) as T,
    write: (value, _, to) => {
      for (const [index, part] of parts.entries()) part.write(value[index], 'closed', to);
    },
    apply(draft, _, from) {
      for (const [index, part] of parts.entries()) {
        if (!from.takeNil()) draft[index] = part.apply(draft[index], 'closed', from);
      }
      return draft;
    },
  };
}

/** A part of a tuple whose updates may begin with nil, so they stand in arrays of their own. */
export function alone<T>(part: Form<T>): Form<T> {
  return {
    ...part,
    apply: (draft, _, from) => from.array((items) => part.apply(draft, 'open', items)),
  };
}

function folded(form: Form<number>, first: number, fold: (a: number, b: number) => number) {
  const commuting: Commuting<number> = {
    ...form,
    apply(value, run, from) {
      const sum = fold(value, form.read(run, from));
      if (!Number.isSafeInteger(sum)) throw from.error('leads beyond 2^53 - 1');
      return sum;
    },
    fresh: () => first,
    isFresh: (value) => value === first,
  };
  return commuting;
}

/** A sum. */
export const counter = folded(i64, 0, (sum, more) => sum + more);
/** The largest value ever seen. */
export const max = folded(u64, 0, Math.max);
/** The smallest value ever seen. */
export const min = folded(u64, INT_MAX, Math.min);

/** A set that only grows. */
export function gset<K>(key: Form<K>): Commuting<Set<KeyOf<K>>> {
  const grow = (set: Set<KeyOf<K>>, run: Run, from: Items) => {
    eachKey(key, run, from, (member) => set.add(member));
    return set;
  };
  return {
    read: (run, from) => grow(new Set(), run, from),
    write: unsent,
    apply: grow,
    fresh: () => new Set(),
    isFresh: (set) => set.size === 0,
  };
}

/** A map whose values only accumulate. One that is what it would begin with has no line. */
export function gmap<K, V>(key: Form<K>, value: Commuting<V>): Commuting<Map<KeyOf<K>, V>> {
  return {
    read(run, from) {
      const map = new Map<KeyOf<K>, V>();
      eachKey(key, run, from, (at, items) => {
        const line = value.read('closed', items);
        if (value.isFresh(line)) throw items.error('ends a line that says nothing');
        map.set(at, line);
      });
      return map;
    },
    write: unsent,
    apply(draft, run, from) {
      eachKey(key, run, from, (at, items) => {
        const line = value.apply(draft.get(at) ?? value.fresh(), 'closed', items);
        if (value.isFresh(line)) draft.delete(at);
        else draft.set(at, line);
      });
      return draft;
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
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0:
          return draft.set(takeKey(key, from), value.read(run, from));
        case 1:
          draft.delete(present(draft, from));
          return draft;
        case 2: {
          const at = present(draft, from);
          return draft.set(at, value.apply(draft.get(at) as V, run, from));
        }
        case 3:
          eachKey(key, run, from, (at, items) => draft.set(at, value.read('closed', items)));
          return draft;
        case 4:
          draft.clear();
          return draft;
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
  return {
    ...list(inner),
    apply(draft, run, from) {
      switch (u8.read('closed', from)) {
        case 0:
          draft.push(inner.read(run, from));
          return draft;
        case 1:
          if (draft.length === 0) throw missing(from);
          draft.pop();
          return draft;
        case 2:
          draft.splice(index(from, draft.length + 1), 0, inner.read(run, from));
          return draft;
        case 3:
          draft.splice(index(from, draft.length), 1);
          return draft;
        case 4: {
          const at = index(from, draft.length);
          draft[at] = inner.apply(draft[at] as T, run, from);
          return draft;
        }
        case 5: {
          const [a, b] = [index(from, draft.length), index(from, draft.length)];
          [draft[a], draft[b]] = [draft[b] as T, draft[a] as T];
          return draft;
        }
        case 6:
          draft.length = Math.min(draft.length, u32.read('closed', from));
          return draft;
        case 7:
          for (const value of list(inner).read(run, from)) draft.push(value);
          return draft;
        case 8:
          draft.length = 0;
          return draft;
        case 9:
          draft[index(from, draft.length)] = inner.read(run, from);
          return draft;
      }
      throw notAnOperation(from);
    },
  };
}

/** A stack of values, of which the last one is the top and may change. */
export function ustack<T>(inner: Form<T>): Form<T[]> {
  return {
    ...list(inner),
    apply(draft, run, from) {
      const top = draft.length - 1;
      switch (u8.read('closed', from)) {
        case 0:
          draft.push(inner.read(run, from));
          return draft;
        case 1:
          if (top < 0) throw missing(from);
          draft.pop();
          return draft;
        case 2:
          if (top < 0) throw missing(from);
          draft[top] = inner.apply(draft[top] as T, run, from);
          return draft;
        case 3:
          draft.length = 0;
          return draft;
      }
      throw notAnOperation(from);
    },
  };
}

type Tagged<T> = { readonly [K in keyof T]-?: readonly [tag: number, form: Form<T[K]>] };
type Summed<T> = { readonly [K in keyof T]-?: readonly [tag: number, form: Commuting<T[K]>] };

/** The fields of a struct with their tags, in the order of these. */
export function struct<T extends object>(fields: Tagged<T>): Form<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  const forms = names.map((name) => [name, fields[name][1]]);
  return {
    ...record<T>(Object.fromEntries(forms)),
    apply(draft, run, from) {
      const mask = u64.read('closed', from);
      // Bitwise operators end at 32 bits, and a mask has up to 53.
      const changed = names.filter((name) => Math.floor(mask / 2 ** fields[name][0]) % 2 === 1);
      const known = changed.reduce((sum, name) => sum + 2 ** fields[name][0], 0);
      if (known !== mask) throw from.error('names an unknown field');
      for (const name of changed) {
        const [tag, form] = fields[name];
        const isLast = mask < 2 ** (tag + 1);
        draft[name] = form.apply(draft[name], isLast ? run : 'closed', from);
      }
      return draft;
    },
  };
}

/** The same for a struct all of whose fields only accumulate. */
export function commuting<T extends object>(fields: Summed<T>): Commuting<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return {
    ...struct<T>(fields),
    fresh: () => Object.fromEntries(names.map((name) => [name, fields[name][1].fresh()])) as T,
    isFresh: (value) => names.every((name) => fields[name][1].isFresh(value[name])),
  };
}
