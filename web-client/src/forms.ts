// Forms of values that ucore replaces as a whole: numbers, texts, lists, structs of plain data.

import type { Items, Run } from './items';
import { INT_MAX } from './items';

/** How the values of one type travel, and how they change. */
export interface Form<T> {
  /** Takes a value. */
  read(run: Run, from: Items): T;
  /** Appends a value. */
  write(value: T, run: Run, to: unknown[]): void;
  /** Takes an update and applies it: changes the draft and gives it back, or gives a new value. */
  apply(draft: T, run: Run, from: Items): T;
  /** Takes the key behind another one, if it stands there otherwise than alone. */
  after?(previous: T, from: Items): T;
}

/** What a form reads. */
export type Value<F> = F extends Form<infer T> ? T : never;

/** A value that means one thing, never mixed with another one that looks alike. */
export type Branded<T, Name extends string> = T & { readonly __brand: Name };

/** A key as `Map` and `Set` hold it. A tuple would be equal to itself alone: see `tupleKey`. */
export type KeyOf<K> = K extends readonly unknown[] ? string : K;

/** Values that are replaced as a whole. */
export function whole<T>(
  read: (from: Items, run: Run) => T,
  write: (value: T, to: unknown[], run: Run) => void = (value, to) => to.push(value),
): Form<T> {
  return {
    read: (run, from) => read(from, run),
    write: (value, run, to) => write(value, to, run),
    apply: (_, run, from) => read(from, run),
  };
}

/** What can't be sent. */
export function unsent(): never {
  throw new Error('values of this type come from a server, and are not sent to one');
}

/** An integer from 0. As a key it travels as the gap to the key before it. */
export function unsigned(max: number): Form<number> {
  const form = whole((from) => {
    const value = from.uint();
    if (value > max) throw from.error(`is beyond ${max}`);
    return value;
  });
  return {
    ...form,
    after(previous, from) {
      const value = previous + 1 + form.read('closed', from);
      if (value > max) throw from.error(`leads beyond ${max}`);
      return value;
    },
  };
}

/** An integer from the negative `min` to the number before `-min`. */
function signed(min: number): Form<number> {
  return whole((from) => {
    const value = from.int();
    if (value < min || value >= -min) throw from.error(`is beyond ${min} or ${-min - 1}`);
    return value;
  });
}

export const u8 = unsigned(0xff);
export const u16 = unsigned(0xffff);
export const u32 = unsigned(0xffff_ffff);
export const u64 = unsigned(INT_MAX);
export const i8 = signed(-0x80);
export const i16 = signed(-0x8000);
export const i32 = signed(-0x8000_0000);
export const i64: Form<number> = whole((from) => from.int());

// Floating-point numbers are not sent: MessagePack's JavaScript writer makes an integer of 1.0.
export const f32: Form<number> = whole((from) => from.f32(), unsent);
export const f64: Form<number> = whole((from) => from.f64(), unsent);

export const bool: Form<boolean> = whole((from) => from.bool());
export const nil: Form<null> = whole((from) => from.nil());
export const text: Form<string> = whole((from) => from.text());

export const char: Form<string> = whole((from) => {
  const item = from.text();
  if ([...item].length !== 1) throw from.error('is not one character');
  return item;
});

/** That many bytes: a text of two hexadecimal digits for each. */
export function bytes(len: number): Form<string> {
  return whole(
    (from) => {
      const item = from.bin();
      if (item.length !== len) throw from.error(`is not ${len} bytes`);
      return Array.from(item, (byte) => byte.toString(16).padStart(2, '0')).join('');
    },
    (value, to) => {
      const pairs = value.match(/../g) ?? [];
      to.push(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
    },
  );
}

/** A type of its own that looks like another one. */
export function named<T extends U, U>(inner: Form<U>): Form<T> {
  return inner as Form<T>;
}

/** Names for some integers, and their form. A newer one is `Unknown`, if that is among them. */
export function codes<const T extends Record<string, number>>(
  integers: Form<number>,
  table: T,
): Form<T[keyof T]> & T {
  const known = new Set(Object.values(table));
  const form: Form<T[keyof T]> = whole((from) => {
    const code = integers.read('closed', from);
    const found = known.has(code) ? code : table.Unknown;
    if (found === undefined) throw from.error('is an unknown code');
    return found as T[keyof T];
  });
  return { ...table, ...form };
}

export function list<T>(inner: Form<T>): Form<T[]> {
  return whole(
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
  return whole((from, run) => {
    const map = new Map<KeyOf<K>, V>();
    eachKey(key, run, from, (at, items) => map.set(at, value.read('closed', items)));
    return map;
  }, unsent);
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
export function record<T extends object>(fields: Fields<T>): Form<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return whole(
    (from, run) => {
      return from.list(run, (items) => {
        const entries = names.map((name) => [name, fields[name].read('closed', items)]);
        return Object.fromEntries(entries) as T;
      });
    },
    (value, to, run) => {
      putList(run, to, (own) => {
        for (const name of names) fields[name].write(value[name], 'closed', own);
      });
    },
  );
}

/** A value that may have parts, but is replaced as a whole. */
export function reg<T>(inner: Form<T>): Form<T> {
  return whole(
    (from, run) => inner.read(run, from),
    (value, to, run) => inner.write(value, run, to),
  );
}
