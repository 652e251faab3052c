// Forms of values that ucore replaces as a whole: numbers, texts, lists, structs of plain data.

import { Float } from './bytes';
import type { Items, Run } from './items';
import { EncodeError, INT_MAX } from './items';

/** A form of whatever. */
export type Inner = Form<unknown>;

/** A field of a struct: its tag, its form, and its lane where that is not the form's own. */
export type Field = readonly [tag: number, form: Inner, lane?: 'ordered'];

/** What a form is made of: `ucore::Schema` is the same in Rust. */
export type Shape =
  | { kind: 'leaf'; text: string }
  | { kind: 'counter' | 'max' | 'min' }
  | { kind: 'named'; name: string; of: Inner }
  | { kind: 'codes'; name: string; integers: Inner; table: Readonly<Record<string, number>> }
  | { kind: 'list' | 'reg' | 'option' | 'nested' | 'alone' | 'gset' | 'uvec' | 'ustack'; of: Inner }
  | { kind: 'lines' | 'gmap' | 'umap'; key: Inner; of: Inner }
  | { kind: 'tuple'; parts: readonly Inner[] }
  | { kind: 'record'; name: string; fields: Readonly<Record<string, Inner>> }
  | { kind: 'struct'; name: string; fields: Readonly<Record<string, Field>> };

/** How the values of one type travel, and how they change. */
export interface Form<T> {
  readonly shape: Shape;
  /** Takes a value. */
  read(run: Run, from: Items): T;
  /** Appends a value. */
  write(value: T, run: Run, to: unknown[]): void;
  /**
   * Takes an update and gives the value after it. What changes in place is `Items.changing`: the
   * value itself if it is an Immer draft, else a copy.
   */
  apply(draft: T, run: Run, from: Items): T;
  /** Takes the key behind another one, if it stands there otherwise than alone. */
  after?(previous: T, from: Items): T;
  /** Appends it. */
  writeAfter?(previous: T, value: T, to: unknown[]): void;
}

/** What a form reads. */
export type Value<F> = F extends Form<infer T> ? T : never;

/** A value that means one thing, never mixed with another one that looks alike. */
export type Branded<T, Name extends string> = T & { readonly __brand: Name };

/** A key as `Map` and `Set` hold it. A tuple would be equal to itself alone: see `tupleKey`. */
export type KeyOf<K> = K extends readonly unknown[] ? string : K;

/** Values that are replaced as a whole. */
export function whole<T>(
  shape: Shape,
  read: (from: Items, run: Run) => T,
  write: (value: T, to: unknown[], run: Run) => void,
): Form<T> {
  return {
    shape,
    read: (run, from) => read(from, run),
    write: (value, run, to) => write(value, to, run),
    apply: (_, run, from) => read(from, run),
  };
}

/** Any map. */
export type Lines = ReadonlyMap<unknown, unknown>;
/** Any fields. */
export type Named = Readonly<Record<string, unknown>>;

/** A value as what it should be. Throws an `EncodeError` if it is nothing like that. */
export function asSet(value: unknown): Set<unknown> {
  if (!(value instanceof Set)) throw new EncodeError(`${String(value)} is no Set`);
  return value;
}

export function asMap(value: unknown): Lines {
  if (!(value instanceof Map)) throw new EncodeError(`${String(value)} is no Map`);
  return value;
}

export function asList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new EncodeError(`${String(value)} is no array`);
  return value;
}

export function asFields(value: unknown): Named {
  if (typeof value === 'object' && value !== null) return value as Named;
  throw new EncodeError(`${String(value)} has no fields`);
}

/** Values without parts, of which only those that fit are sent. */
function leaf<T>(
  text: string,
  read: (from: Items) => T,
  fits: (value: T) => boolean,
  item: (value: T) => unknown = (value) => value,
): Form<T> {
  return whole({ kind: 'leaf', text }, read, (value, to) => {
    if (!fits(value)) throw new EncodeError(`${String(value)} is none of type ${text}`);
    to.push(item(value));
  });
}

/** An integer from 0. As a key it travels as the gap to the key before it. */
export function unsigned(max: number, text = `u${Math.floor(Math.log2(max)) + 1}`): Form<number> {
  const form = leaf(
    text,
    (from) => {
      const value = from.uint();
      if (value > max) throw from.error(`is beyond ${max}`);
      return value;
    },
    (value) => Number.isSafeInteger(value) && value >= 0 && value <= max,
  );
  return {
    ...form,
    after(previous, from) {
      const value = previous + 1 + form.read('closed', from);
      if (value > max) throw from.error(`leads beyond ${max}`);
      return value;
    },
    writeAfter(previous, value, to) {
      form.write(value, 'closed', to);
      to[to.length - 1] = value - previous - 1;
    },
  };
}

/** An integer from the negative `min` to the number before `-min`. */
function signed(bits: number): Form<number> {
  const min = -(2 ** (bits - 1));
  return leaf(
    `i${bits}`,
    (from) => {
      const value = from.int();
      if (value < min || value >= -min) throw from.error(`is beyond ${min} or ${-min - 1}`);
      return value;
    },
    (value) => Number.isSafeInteger(value) && value >= min && value < -min,
  );
}

export const u8 = unsigned(0xff);
export const u16 = unsigned(0xffff);
export const u32 = unsigned(0xffff_ffff);
export const u64 = unsigned(INT_MAX, 'u64');
export const i8 = signed(8);
export const i16 = signed(16);
export const i32 = signed(32);
export const i64: Form<number> = leaf('i64', (from) => from.int(), Number.isSafeInteger);

const isNumber = (value: number) => typeof value === 'number' && !Number.isNaN(value);

/** A number of 32 bits: a whole one of more is rounded when it is sent, so round it before. */
export const f32: Form<number> = leaf(
  'f32',
  (from) => from.f32(),
  (value) => isNumber(value) && Math.fround(value) === value,
  (value) => new Float(32, value),
);
export const f64: Form<number> = leaf(
  'f64',
  (from) => from.f64(),
  isNumber,
  (value) => new Float(64, value),
);

// What half a pair of surrogates says, no UTF-8 does.
const isText = (value: string) => typeof value === 'string' && !/\p{Cs}/u.test(value);

export const bool: Form<boolean> = leaf(
  'bool',
  (from) => from.bool(),
  (value) => typeof value === 'boolean',
);
export const nil: Form<null> = leaf(
  'nil',
  (from) => from.nil(),
  (value) => value === null,
);
export const text: Form<string> = leaf('text', (from) => from.text(), isText);

export const char: Form<string> = leaf(
  'char',
  (from) => {
    const item = from.text();
    if ([...item].length !== 1) throw from.error('is not one character');
    return item;
  },
  (value) => isText(value) && [...value].length === 1,
);

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** That many bytes: a text of two hexadecimal digits for each. */
export function bytes(len: number): Form<string> {
  return leaf(
    `bytes${len}`,
    (from) => {
      const item = from.bin();
      if (item.length !== len) throw from.error(`is not ${len} bytes`);
      let digits = '';
      for (const byte of item) digits += HEX[byte];
      return digits;
    },
    (value) => /^([0-9a-f]{2})*$/.test(value) && value.length === 2 * len,
    (value) => Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  );
}

/** Any number of bytes. What was read shares the memory of its message. */
export const blob: Form<Uint8Array> = leaf(
  'blob',
  (from) => from.bin(),
  (value) => value instanceof Uint8Array,
);

/** A type of its own that looks like another one, and is replaced as a whole. */
export function named<T extends U, U>(name: string, inner: Form<U>): Form<T> {
  const form: Form<U> = {
    ...inner,
    shape: { kind: 'named', name, of: inner },
    apply: (_, run, from) => inner.read(run, from),
  };
  return form as Form<T>;
}

/** Names for some integers, and their form. A newer one is `Unknown`, if that is among them. */
export function codes<const T extends Record<string, number>>(
  name: string,
  integers: Form<number>,
  table: T,
): Form<T[keyof T]> & T {
  const known = new Set(Object.values(table));
  // A code 0 is never called Unknown where it is not one of a newer program.
  if (table.Unknown === 0) known.delete(0);
  const form: Form<T[keyof T]> = whole(
    { kind: 'codes', name, integers, table },
    (from) => {
      const code = integers.read('closed', from);
      const found = known.has(code) ? code : from.isExact ? undefined : table.Unknown;
      if (found === undefined) throw from.error('is an unknown code');
      return found as T[keyof T];
    },
    (value, to) => {
      if (!known.has(value)) throw new EncodeError(`${value} is none of the codes of ${name}`);
      to.push(value);
    },
  );
  return { ...table, ...form };
}

export function list<T>(inner: Form<T>): Form<T[]> {
  return whole(
    { kind: 'list', of: inner },
    (from, run) => from.list(run, (items) => takeAll(inner, items)),
    (value, to, run) => putList(run, to, (own) => putAll(inner, value, own)),
  );
}

function takeAll<T>(inner: Form<T>, items: Items): T[] {
  const values: T[] = [];
  while (items.hasMore()) values.push(inner.read('closed', items));
  return values;
}

function putAll<T>(inner: Form<T>, values: readonly T[], to: unknown[]): void {
  asList(values);
  for (const value of values) inner.write(value, 'closed', to);
}

/** Appends a list: an array of its own, unless the run is open. */
export function putList(run: Run, to: unknown[], put: (own: unknown[]) => void): void {
  if (run === 'open') return put(to);
  const own: unknown[] = [];
  put(own);
  to.push(own);
}

/** Values by key, in ascending order of the keys. */
export function lines<K, V>(key: Form<K>, value: Form<V>): Form<Map<KeyOf<K>, V>> {
  return whole(
    { kind: 'lines', key, of: value },
    (from, run) => {
      const map = new Map<KeyOf<K>, V>();
      eachKey(key, run, from, (at, items) => map.set(at, value.read('closed', items)));
      return map;
    },
    (map, to, run) => {
      asMap(map);
      putKeys(key, run, to, map.keys(), (at, own) => value.write(map.get(at) as V, 'closed', own));
    },
  );
}

/** Takes keys, each of which is before the next, and lets `visit` take what stands behind it. */
export function eachKey<K>(
  key: Form<K>,
  run: Run,
  from: Items,
  visit: (key: KeyOf<K>, items: Items) => void,
): void {
  from.list(run, (items) => {
    for (let previous: K | undefined; items.hasMore(); ) {
      const next: K =
        previous !== undefined && key.after !== undefined
          ? key.after(previous, items)
          : key.read('closed', items);
      if (previous !== undefined && !isBefore(previous, next)) throw items.error('is out of order');
      visit(toKey(next), items);
      previous = next;
    }
  });
}

/** Appends keys in their order, and lets `put` append what stands behind each. */
export function putKeys<K>(
  key: Form<K>,
  run: Run,
  to: unknown[],
  keys: Iterable<KeyOf<K>>,
  put: (key: KeyOf<K>, own: unknown[]) => void = () => {},
): void {
  const sorted = Array.from(keys, (at) => [fromKey(key, at), at] as const);
  sorted.sort(([a], [b]) => (isBefore(a, b) ? -1 : 1));
  putList(run, to, (own) => {
    let previous: K | undefined;
    for (const [next, at] of sorted) {
      if (previous !== undefined && key.writeAfter !== undefined) {
        key.writeAfter(previous, next, own);
      } else key.write(next, 'closed', own);
      put(at, own);
      previous = next;
    }
  });
}

/** Appends a key that stands alone. */
export function putKey<K>(key: Form<K>, at: KeyOf<K>, to: unknown[]): void {
  key.write(fromKey(key, at), 'closed', to);
}

/** Takes a key that stands alone. */
export function takeKey<K>(key: Form<K>, from: Items): KeyOf<K> {
  return toKey(key.read('closed', from));
}

/** A tuple as a key: its parts joined by commas, texts among them in quotation marks. */
export function tupleKey(parts: readonly unknown[]): string {
  return JSON.stringify(parts).slice(1, -1);
}

function toKey<K>(key: K): KeyOf<K> {
  return (Array.isArray(key) ? tupleKey(key) : key) as KeyOf<K>;
}

/** What `toKey` was given. */
function fromKey<K>(key: Form<K>, at: KeyOf<K>): K {
  if (look(key).shape.kind !== 'tuple') return at as K;
  try {
    return JSON.parse(`[${String(at)}]`) as K;
  } catch {
    throw new EncodeError(`${String(at)} is no key made of parts: make it by tupleKey`);
  }
}

/** What a named form looks like. */
function look(form: Inner): Inner {
  return form.shape.kind === 'named' ? look(form.shape.of) : form;
}

/** Whether one key stands before another one in Rust's order. */
function isBefore(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const at = a.findIndex((part, index) => isBefore(part, b[index]) || isBefore(b[index], part));
    return at >= 0 && isBefore(a[at], b[at]);
  }
  if (typeof a === 'string' && typeof b === 'string') {
    // `<` would order UTF-16, where the characters above U+FFFF do not come last.
    let at = 0;
    while (at < a.length && a[at] === b[at]) at += 1;
    return (a.codePointAt(at) ?? -1) < (b.codePointAt(at) ?? -1);
  }
  return Number(a) < Number(b);
}

type Fields<T> = { readonly [K in keyof T]-?: Form<T[K]> };

/** The fields of a struct of plain data, in the order in which they travel. */
export function record<T extends object>(name: string, fields: Fields<T>): Form<T> {
  const parts = Object.entries(fields) as [keyof T & string, Inner][];
  const take = (items: Items): T => {
    const value: { [K in keyof T & string]?: unknown } = {};
    for (const [field, form] of parts) value[field] = form.read('closed', items);
    return value as T;
  };
  return whole(
    { kind: 'record', name, fields: fields as Record<string, Inner> },
    (from, run) => from.list(run, take),
    (value, to, run) => {
      const named = asFields(value);
      putList(run, to, (own) => {
        for (const [field, form] of parts) form.write(named[field], 'closed', own);
      });
    },
  );
}

/** A value that may have parts, but is replaced as a whole. */
export function reg<T>(inner: Form<T>): Form<T> {
  return whole(
    { kind: 'reg', of: inner },
    (from, run) => inner.read(run, from),
    (value, to, run) => inner.write(value, run, to),
  );
}
