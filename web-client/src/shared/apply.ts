// Lists of updates, applied to a value one after the other. Those that do not fit are left out.

import type { Inner } from '../forms';
import { Copies, type Items, open } from '../items';
import type { Form } from '../ucore';
import { DecodeError } from '../ucore';
import { skipUpdate } from './skip';

/** Applies the lists of updates that are in a message, each as a string of bytes. */
export class Applier<T> {
  readonly #form: Form<T>;
  readonly #from: Items;
  #value: T;

  /** Begins with a value, which does not change: copies of its parts do. */
  constructor(form: Form<T>, value: T, message: Uint8Array) {
    this.#form = form;
    this.#value = value;
    this.#from = open(message, new Copies());
  }

  /**
   * The value after one more list, which is at a place in the message. It changes with the next
   * one. If an update does not fit, this throws a `DecodeError`, and there is no value any more.
   */
  apply(place: number): T {
    this.#from.from(place, this.#open);
    return this.#value;
  }

  readonly #open = (from: Items) => from.message(this.#all);

  readonly #all = (list: Items) => {
    while (list.hasMore()) this.#value = this.#form.apply(this.#value, 'closed', list);
  };
}

/** The value after a list of updates. Bytes that are no such list change nothing. */
export function applyUpdates<T>(form: Form<T>, before: T, bytes: Uint8Array): T {
  try {
    const list = open(bytes, new Copies());
    let value = before;
    while (list.hasMore()) value = form.apply(value, 'closed', list);
    list.end();
    return value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return applyFitting(form, before, bytes);
  }
}

function applyFitting<T>(form: Form<T>, before: T, bytes: Uint8Array): T {
  const places = orElse(() => placesOf(form, bytes), []);
  return places.reduce((value, place) => {
    return orElse(() => form.apply(value, 'closed', place), value);
  }, before);
}

/** Where each update of a list begins. */
function placesOf(form: Inner, bytes: Uint8Array): Items[] {
  const list = open(bytes, new Copies());
  const places: Items[] = [];
  while (list.hasMore()) {
    // Each has copies of its own, so what does not fit leaves nothing behind.
    places.push(list.fork(new Copies()));
    skipUpdate(form, 'closed', list);
  }
  list.end();
  return places;
}

function orElse<T>(make: () => T, otherwise: T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof DecodeError) return otherwise;
    throw error;
  }
}
