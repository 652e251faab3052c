// MessagePack out: each item in its shortest form, as `ucore/src/wire/writer.rs` writes it.

import { EncodeError } from './items';

/** A number that stays a floating-point one, even if it is whole. */
export class Float {
  readonly bits: 32 | 64;
  readonly value: number;

  constructor(bits: 32 | 64, value: number) {
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw new EncodeError(`${String(value)} is no number`);
    }
    this.bits = bits;
    // There is one zero.
    this.value = value + 0;
  }
}

// Every browser has it, but of the types it comes only with those of a document.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const utf8 = new TextEncoder();

/** The bytes of a message with these items. */
export function close(items: readonly unknown[]): Uint8Array<ArrayBuffer> {
  const to = new Bytes();
  to.item(items);
  return to.taken();
}

class Bytes {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  taken(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  item(item: unknown): void {
    if (typeof item === 'number') return this.#int(item);
    if (typeof item === 'string') return this.#text(item);
    if (typeof item === 'boolean') return this.#byte(item ? 0xc3 : 0xc2);
    if (item === null) return this.#byte(0xc0);
    if (item instanceof Uint8Array) {
      this.#len(item.length, [0, 0xc4, 0xc5, 0xc6], -1);
      return this.#all(item);
    }
    if (item instanceof Float) return this.#float(item);
    if (!Array.isArray(item)) throw new EncodeError(`${String(item)} is nothing that travels`);
    this.#len(item.length, [0x90, 0, 0xdc, 0xdd], 15);
    for (const inner of item) this.item(inner);
  }

  #text(text: string): void {
    const bytes = utf8.encode(text);
    this.#len(bytes.length, [0xa0, 0xd9, 0xda, 0xdb], 31);
    this.#all(bytes);
  }

  /** A length in the first of four forms that holds it; a form of 0 is none. */
  #len(len: number, [tiny, one, two, four]: [number, number, number, number], tinyMax: number) {
    if (len <= tinyMax) return this.#byte(tiny | len);
    if (one !== 0 && len <= 0xff) return this.#uint(one, 1, len);
    if (len <= 0xffff) return this.#uint(two, 2, len);
    return this.#uint(four, 4, len);
  }

  #int(value: number): void {
    if (!Number.isSafeInteger(value))
      throw new EncodeError(`${value} is no integer up to 2^53 - 1`);
    if (value >= 0) return this.#positive(value);
    if (value >= -0x20) return this.#byte(value + 0x100);
    if (value >= -0x80) return this.#uint(0xd0, 1, value + 0x100);
    if (value >= -0x8000) return this.#uint(0xd1, 2, value + 0x1_0000);
    if (value >= -0x8000_0000) return this.#uint(0xd2, 4, value + 0x1_0000_0000);
    const at = this.#room(9);
    this.#view.setUint8(at, 0xd3);
    this.#view.setBigInt64(at + 1, BigInt(value));
  }

  #positive(value: number): void {
    if (value < 0x80) return this.#byte(value);
    if (value <= 0xff) return this.#uint(0xcc, 1, value);
    if (value <= 0xffff) return this.#uint(0xcd, 2, value);
    if (value <= 0xffff_ffff) return this.#uint(0xce, 4, value);
    const at = this.#room(9);
    this.#view.setUint8(at, 0xcf);
    this.#view.setBigUint64(at + 1, BigInt(value));
  }

  #float({ bits, value }: Float): void {
    const at = this.#room(1 + bits / 8);
    this.#view.setUint8(at, bits === 32 ? 0xca : 0xcb);
    if (bits === 32) this.#view.setFloat32(at + 1, value);
    else this.#view.setFloat64(at + 1, value);
  }

  #uint(head: number, len: 1 | 2 | 4, value: number): void {
    const at = this.#room(1 + len);
    this.#view.setUint8(at, head);
    if (len === 1) this.#view.setUint8(at + 1, value);
    else if (len === 2) this.#view.setUint16(at + 1, value);
    else this.#view.setUint32(at + 1, value);
  }

  #byte(byte: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, byte);
  }

  #all(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Where so many bytes may stand. */
  #room(len: number): number {
    const at = this.#at;
    this.#at += len;
    if (this.#at > this.#bytes.length) {
      const more = new Uint8Array(2 * this.#at);
      more.set(this.#bytes);
      this.#bytes = more;
      this.#view = new DataView(more.buffer);
    }
    return at;
  }
}
