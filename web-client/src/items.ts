// MessagePack items one after the other, as ucore puts them: nothing but the one spelling that it
// writes. `ucore/src/wire/` is the same in Rust.

/** Bytes that are not the expected value, or an update that does not fit the value it meets. */
export class DecodeError extends Error {}

/** A value that has no bytes. */
export class EncodeError extends Error {}

/** Where a run of items ends: with the array it is in, or where it shows itself. */
export type Run = 'open' | 'closed';

/** The largest integer that travels. */
export const INT_MAX = Number.MAX_SAFE_INTEGER;

// Every browser has it, but of the types it comes only with those of a document.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

/** Up to this many bytes, calling the decoder costs more than it saves. */
const SHORT = 24;

// A byte order mark is part of the text.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes items off the bytes of a message, of which one array is open: first the message's own. */
export class Items {
  #bytes: Uint8Array;
  #at = 0;
  /** Where the bytes of the message end. */
  #end: number;
  /** Items of the open array: all, and those that were taken. */
  #count = 1;
  #taken = 0;
  /** The same of the arrays around it, one after the other. */
  #outer: number[] = [];
  readonly #copies: Copies | null;
  /** Whether the delta that was taken last changes nothing, wherever it is applied. */
  saidNothing = false;

  /** With copies: see `changing` and `isExact`. */
  constructor(bytes: Uint8Array, copies: Copies | null = null) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#copies = copies;
    this.#enter();
  }

  /** The same items from here on, to be taken once more. */
  fork(copies = this.#copies): Items {
    const twin = new Items(NONE, copies);
    twin.#bytes = this.#bytes;
    [twin.#at, twin.#end] = [this.#at, this.#end];
    [twin.#count, twin.#taken] = [this.#count, this.#taken];
    twin.#outer = [...this.#outer];
    return twin;
  }

  /** Whether both sides have the very same types: then nothing is of a newer program. */
  get isExact(): boolean {
    return this.#copies !== null;
  }

  /** What an update may change in place instead of a value: an Immer draft itself, else a copy. */
  changing<T extends object>(value: T): T {
    return this.#copies === null ? value : this.#copies.of(value);
  }

  hasMore(): boolean {
    return this.#taken < this.#count;
  }

  /** An integer from 0 to 2^53 - 1. */
  uint(): number {
    return this.#positive(this.#head());
  }

  /** An integer up to 2^53 - 1 in magnitude. */
  int(): number {
    const head = this.#head();
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xd0:
        return this.#below(-0x20, (this.#big(1) << 24) >> 24);
      case 0xd1:
        return this.#below(-0x80, (this.#big(2) << 16) >> 16);
      case 0xd2:
        return this.#below(-0x8000, this.#big(4) | 0);
      case 0xd3:
        return this.#below(-0x8000_0000, Number(this.#view(8).getBigInt64(0)));
    }
    return this.#positive(head);
  }

  /** A number of 32 bits, but no NaN and no negative zero. */
  f32(): number {
    if (this.#head() !== 0xca) throw this.error('is no number of 32 bits');
    return this.#number(this.#view(4).getFloat32(0));
  }

  /** A number of 64 bits, but no NaN and no negative zero. */
  f64(): number {
    if (this.#head() !== 0xcb) throw this.error('is no number of 64 bits');
    return this.#number(this.#view(8).getFloat64(0));
  }

  bool(): boolean {
    const head = this.#head();
    if (head !== 0xc2 && head !== 0xc3) throw this.error('is not true or false');
    return head === 0xc3;
  }

  nil(): null {
    if (this.#head() !== 0xc0) throw this.error('is not nil');
    return null;
  }

  /** Takes a nil if one is next. */
  takeNil(): boolean {
    const isNext = this.hasMore() && this.#bytes[this.#at] === 0xc0;
    if (isNext) this.nil();
    return isNext;
  }

  text(): string {
    const len = this.#textLen(this.#head());
    const short = len <= SHORT ? this.#ascii(len) : null;
    if (short !== null) return short;
    const bytes = this.#slice(len);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error('is not UTF-8');
    }
  }

  bin(): Uint8Array {
    return this.#slice(this.#binLen(this.#head()));
  }

  /** Takes a string of bytes and says where it is, so that it may be taken later by `from`. */
  place(): number {
    const at = this.#at;
    this.#skip(this.#binLen(this.#head()));
    return at;
  }

  /** What `read` takes at the place of a string of bytes, wherever the reader is. */
  from<T>(place: number, read: (items: Items) => T): T {
    [this.#at, this.#end] = [place, this.#bytes.length];
    [this.#count, this.#taken] = [1, 0];
    this.#outer.length = 0;
    return read(this);
  }

  /** A string of bytes that is a message of its own, all of whose items `read` takes. */
  message<T>(read: (items: Items) => T): T {
    const len = this.#binLen(this.#head());
    const [start, outer] = [this.#skip(len), this.#end];
    [this.#at, this.#end] = [start, start + len];
    // The message is one item of it.
    this.#outer.push(this.#count, this.#taken);
    [this.#count, this.#taken] = [1, 0];
    const value = this.array(read);
    if (this.#at < this.#end) throw this.error('ends before its bytes do');
    this.#leave();
    this.#end = outer;
    return value;
  }

  /** A list: an array of its own, unless the run is open. */
  list<T>(run: Run, read: (items: Items) => T): T {
    return run === 'open' ? read(this) : this.array(read);
  }

  /** An array, all of whose items `read` takes. */
  array<T>(read: (items: Items) => T): T {
    this.#enter();
    const value = read(this);
    this.#leave();
    return value;
  }

  /** Refuses what is left over of the message. */
  end(): void {
    this.#leave();
    if (this.#at < this.#end) throw this.error('ends before its bytes do');
  }

  /** What is wrong with the item that was taken last. */
  error(text: string): DecodeError {
    const path = [...this.#outer.filter((_, index) => index % 2 === 1), this.#taken].slice(1);
    const at = path.map((taken) => taken - 1).join('.');
    return new DecodeError(`${at === '' ? 'the message' : `item ${at}`} ${text}`);
  }

  #enter(): void {
    const len = this.#arrayLen(this.#head());
    // Each item takes a byte at least.
    if (len > this.#end - this.#at) throw this.error('is cut off');
    this.#outer.push(this.#count, this.#taken);
    this.#count = len;
    this.#taken = 0;
  }

  #leave(): void {
    if (this.hasMore()) {
      this.#taken += 1;
      throw this.error('is too much');
    }
    this.#taken = this.#outer.pop() ?? 0;
    this.#count = this.#outer.pop() ?? 0;
  }

  /** The byte that each item begins with. */
  #head(): number {
    this.#taken += 1;
    if (this.#taken > this.#count) throw this.error('is missing');
    return this.#big(1);
  }

  /** Where the next bytes are, so many of them. */
  #skip(len: number): number {
    const at = this.#at;
    if (len > this.#end - at) throw this.error('is cut off');
    this.#at += len;
    return at;
  }

  /** The integer of the next bytes. */
  #big(len: 1 | 2 | 4): number {
    const at = this.#skip(len);
    let value = 0;
    for (let index = at; index < at + len; index += 1) {
      value = value * 0x100 + (this.#bytes[index] ?? 0);
    }
    return value;
  }

  #view(len: 4 | 8): DataView {
    const at = this.#skip(len);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, len);
  }

  /** A short text of ASCII, which is quicker taken than decoded; null if it is none. */
  #ascii(len: number): string | null {
    const at = this.#at;
    let text = '';
    for (let index = at; index < at + len; index += 1) {
      const byte = this.#bytes[index] ?? 0x80;
      if (byte >= 0x80) return null;
      text += String.fromCharCode(byte);
    }
    this.#skip(len);
    return text;
  }

  #slice(len: number): Uint8Array {
    const at = this.#skip(len);
    return this.#bytes.subarray(at, at + len);
  }

  #positive(head: number): number {
    if (head < 0x80) return head;
    switch (head) {
      case 0xcc:
        return this.#from(0x80, this.#big(1));
      case 0xcd:
        return this.#from(0x100, this.#big(2));
      case 0xce:
        return this.#from(0x1_0000, this.#big(4));
      case 0xcf:
        return this.#from(0x1_0000_0000, Number(this.#view(8).getBigUint64(0)));
    }
    throw this.error('is no integer');
  }

  #textLen(head: number): number {
    if (head >= 0xa0 && head < 0xc0) return head - 0xa0;
    switch (head) {
      case 0xd9:
        return this.#from(0x20, this.#big(1));
      case 0xda:
        return this.#from(0x100, this.#big(2));
      case 0xdb:
        return this.#from(0x1_0000, this.#big(4));
    }
    throw this.error('is not a text');
  }

  #binLen(head: number): number {
    switch (head) {
      case 0xc4:
        return this.#big(1);
      case 0xc5:
        return this.#from(0x100, this.#big(2));
      case 0xc6:
        return this.#from(0x1_0000, this.#big(4));
    }
    throw this.error('is no string of bytes');
  }

  #arrayLen(head: number): number {
    if (head >= 0x90 && head < 0xa0) return head - 0x90;
    switch (head) {
      case 0xdc:
        return this.#from(0x10, this.#big(2));
      case 0xdd:
        return this.#from(0x1_0000, this.#big(4));
    }
    throw this.error('is not a list');
  }

  /** A number in a form that only begins at `least`. Numbers that JavaScript rounds are beyond. */
  #from(least: number, value: number): number {
    if (value < least) throw this.error('is not in its shortest form');
    if (value > INT_MAX) throw this.error('is beyond 2^53 - 1');
    return value;
  }

  /** The same downwards. */
  #below(least: number, value: number): number {
    if (value >= least) throw this.error('is not in its shortest form');
    if (value < -INT_MAX) throw this.error('is beyond 2^53 - 1');
    return value;
  }

  #number(value: number): number {
    if (Number.isNaN(value) || Object.is(value, -0)) throw this.error('is no number');
    return value;
  }
}

/** The bytes of an empty array. */
const NONE = Uint8Array.of(0x90);

/** Copies of what changes, so that all that does not change is shared. */
export class Copies {
  readonly #made = new Set<object>();
  #last: object | null = null;

  /** A copy, or the value itself if that is one. What has few parts is copied each time. */
  of<T extends object>(value: T): T {
    if (value === this.#last) return value;
    if (!isLarge(value)) return { ...value };
    const copy = this.#made.has(value) ? value : (shallow(value) as T);
    this.#made.add(copy);
    this.#last = copy;
    return copy;
  }
}

function isLarge(value: object): boolean {
  return Array.isArray(value) || value instanceof Map || value instanceof Set;
}

function shallow(value: object): object {
  if (Array.isArray(value)) return value.slice();
  return value instanceof Map ? new Map(value) : new Set(value as Set<unknown>);
}

/** The items of a message, which is one array. */
export function open(bytes: Uint8Array, copies: Copies | null = null): Items {
  return new Items(bytes, copies);
}
