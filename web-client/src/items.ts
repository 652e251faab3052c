// MessagePack items one after the other, as ucore puts them: nothing but the one spelling that it
// writes. `ucore/src/wire/reader.rs` is the same in Rust.

import { Encoder } from '@msgpack/msgpack';

/** Bytes that are not the expected value, or an update that does not fit the value it meets. */
export class DecodeError extends Error {}

/** Where a run of items ends: with the array it is in, or where it shows itself. */
export type Run = 'open' | 'closed';

/** The largest integer that travels. */
export const INT_MAX = Number.MAX_SAFE_INTEGER;

// Every browser has it, but of the types it comes only with those of a document.
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

// A byte order mark is part of the text.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes items off the bytes of a message, of which one array is open: first the message's own. */
export class Items {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Items of the open array: all, and those that were taken. */
  #count = 1;
  #taken = 0;
  /** The same of the arrays around it. */
  readonly #outer: [count: number, taken: number][] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#enter();
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
        return this.#below(-0x20, this.#view.getInt8(this.#skip(1)));
      case 0xd1:
        return this.#below(-0x80, this.#view.getInt16(this.#skip(2)));
      case 0xd2:
        return this.#below(-0x8000, this.#view.getInt32(this.#skip(4)));
      case 0xd3:
        return this.#below(-0x8000_0000, Number(this.#view.getBigInt64(this.#skip(8))));
    }
    return this.#positive(head);
  }

  /** A number of 32 bits, but no NaN and no negative zero. */
  f32(): number {
    if (this.#head() !== 0xca) throw this.error('is no number of 32 bits');
    return this.#number(this.#view.getFloat32(this.#skip(4)));
  }

  /** A number of 64 bits, but no NaN and no negative zero. */
  f64(): number {
    if (this.#head() !== 0xcb) throw this.error('is no number of 64 bits');
    return this.#number(this.#view.getFloat64(this.#skip(8)));
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
    const bytes = this.#slice(this.#textLen(this.#head()));
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error('is not UTF-8');
    }
  }

  bin(): Uint8Array {
    return this.#slice(this.#binLen(this.#head()));
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
    if (this.#at < this.#bytes.length) throw this.error('ends before its bytes do');
  }

  /** What is wrong with the item that was taken last. */
  error(text: string): DecodeError {
    const [, ...path] = [...this.#outer.map(([, taken]) => taken), this.#taken];
    const at = path.map((taken) => taken - 1).join('.');
    return new DecodeError(`${at === '' ? 'the message' : `item ${at}`} ${text}`);
  }

  #enter(): void {
    const len = this.#arrayLen(this.#head());
    // Each item takes a byte at least.
    if (len > this.#bytes.length - this.#at) throw this.error('is cut off');
    this.#outer.push([this.#count, this.#taken]);
    [this.#count, this.#taken] = [len, 0];
  }

  #leave(): void {
    if (this.hasMore()) {
      this.#taken += 1;
      throw this.error('is too much');
    }
    [this.#count, this.#taken] = this.#outer.pop() ?? [0, 0];
  }

  /** The byte that each item begins with. */
  #head(): number {
    this.#taken += 1;
    if (this.#taken > this.#count) throw this.error('is missing');
    return this.#view.getUint8(this.#skip(1));
  }

  /** Where the next bytes are, so many of them. */
  #skip(len: number): number {
    const at = this.#at;
    if (len > this.#bytes.length - at) throw this.error('is cut off');
    this.#at += len;
    return at;
  }

  #slice(len: number): Uint8Array {
    const at = this.#skip(len);
    return this.#bytes.subarray(at, at + len);
  }

  #positive(head: number): number {
    if (head < 0x80) return head;
    switch (head) {
      case 0xcc:
        return this.#from(0x80, this.#view.getUint8(this.#skip(1)));
      case 0xcd:
        return this.#from(0x100, this.#view.getUint16(this.#skip(2)));
      case 0xce:
        return this.#from(0x1_0000, this.#view.getUint32(this.#skip(4)));
      case 0xcf:
        return this.#from(0x1_0000_0000, Number(this.#view.getBigUint64(this.#skip(8))));
    }
    throw this.error('is no integer');
  }

  #textLen(head: number): number {
    if (head >= 0xa0 && head < 0xc0) return head - 0xa0;
    switch (head) {
      case 0xd9:
        return this.#from(0x20, this.#view.getUint8(this.#skip(1)));
      case 0xda:
        return this.#from(0x100, this.#view.getUint16(this.#skip(2)));
      case 0xdb:
        return this.#from(0x1_0000, this.#view.getUint32(this.#skip(4)));
    }
    throw this.error('is not a text');
  }

  #binLen(head: number): number {
    switch (head) {
      case 0xc4:
        return this.#view.getUint8(this.#skip(1));
      case 0xc5:
        return this.#from(0x100, this.#view.getUint16(this.#skip(2)));
      case 0xc6:
        return this.#from(0x1_0000, this.#view.getUint32(this.#skip(4)));
    }
    throw this.error('is no string of bytes');
  }

  #arrayLen(head: number): number {
    if (head >= 0x90 && head < 0xa0) return head - 0x90;
    switch (head) {
      case 0xdc:
        return this.#from(0x10, this.#view.getUint16(this.#skip(2)));
      case 0xdd:
        return this.#from(0x1_0000, this.#view.getUint32(this.#skip(4)));
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

/** The items of a message, which is one array. */
export function open(bytes: Uint8Array): Items {
  return new Items(bytes);
}

const encoder = new Encoder();

/** The bytes of a message with these items. */
export function close(items: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(items);
}
