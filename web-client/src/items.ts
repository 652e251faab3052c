// MessagePack items one after the other, as ucore puts them: `wire.rs` has the other half.

import { decode, Encoder } from '@msgpack/msgpack';

/** Bytes that are not the expected value, or an update that does not fit the value it meets. */
export class DecodeError extends Error {}

/** Where a run of items ends: with the array it is in, or where it shows itself. */
export type Run = 'open' | 'closed';

/** Takes the items of one array, from the first to the last. */
export class Items {
  readonly #items: readonly unknown[];
  readonly #outer: Items | null;
  #taken = 0;

  constructor(items: readonly unknown[], outer: Items | null = null) {
    this.#items = items;
    this.#outer = outer;
  }

  hasMore(): boolean {
    return this.#taken < this.#items.length;
  }

  take(): unknown {
    this.#taken += 1;
    if (this.#taken > this.#items.length) throw this.error('is missing');
    return this.#items[this.#taken - 1];
  }

  /** Takes a nil if one is next. */
  takeNil(): boolean {
    const isNext = this.hasMore() && this.#items[this.#taken] === null;
    if (isNext) this.#taken += 1;
    return isNext;
  }

  /** A list: an array of its own, unless the run is open. */
  list<T>(run: Run, read: (items: Items) => T): T {
    return run === 'open' ? read(this) : this.array(read);
  }

  /** An array, all of whose items `read` takes. */
  array<T>(read: (items: Items) => T): T {
    const item = this.take();
    if (!Array.isArray(item)) throw this.error('is not a list');
    const items = new Items(item, this);
    const value = read(items);
    items.end();
    return value;
  }

  /** Refuses what is left over. */
  end(): void {
    if (!this.hasMore()) return;
    this.#taken += 1;
    throw this.error('is too much');
  }

  /** What is wrong with the item that was taken last. */
  error(text: string): DecodeError {
    return new DecodeError(`item ${this.#at()} ${text}`);
  }

  #at(): string {
    const outer = this.#outer === null ? '' : `${this.#outer.#at()}.`;
    return `${outer}${this.#taken - 1}`;
  }
}

/** The items of a message, which is one array. */
export function open(bytes: Uint8Array): Items {
  let message: unknown;
  try {
    // Each item takes a byte at least, so no list or text is longer than the message.
    const max = bytes.length;
    message = decode(bytes, {
      useBigInt64: true,
      maxStrLength: max,
      maxBinLength: max,
      maxArrayLength: max,
      maxMapLength: 0,
      maxExtLength: 0,
    });
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(message)) throw new DecodeError('a message is a list');
  return new Items(message);
}

const encoder = new Encoder();

/** The bytes of a message with these items. */
export function close(items: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return encoder.encode(items);
}
