// Structures that many programs share, for pages: `const raid = sharedMap('raid/7', text, Marker)`.
//
// A page shares what a program has begun, and its server lets it: `worldboss play --share raid/7`.
// Imported on demand, so that a page which shares nothing does not load it.

import type { Form, KeyOf } from '../ucore';
import { umap, ustack, uvec } from '../ucore';
import type { Hub } from './hub';
import type { Shared } from './member';
import { schemaOf, toGroupName } from './messages';
import { pageHub } from './page';
import { firstValue } from './schema';

export * from '../ucore';
export { Hub, type Page } from './hub';
export type { Shared, Status } from './member';
export type { Recipe } from './recipe';

/** How a structure is shared. */
export interface Options<T> {
  /** What it begins with, if that is not what Rust's `Default` makes. The same in all programs. */
  first?: T;
  /** Where it is shared: by the page's own server, unless one says otherwise. */
  hub?: Hub;
}

/** Any structure. Throws if the name can't be one, or is that of a structure which is open here. */
export function shared<T>(name: string, form: Form<T>, options: Options<T> = {}): Shared<T> {
  const { first = firstValue(form), hub = pageHub() } = options;
  return hub.open({ group: toGroupName(name), schema: schemaOf(form), form, first });
}

/** A map. */
export function sharedMap<K, V>(
  name: string,
  key: Form<K>,
  value: Form<V>,
  options: Options<Map<KeyOf<K>, V>> = {},
): Shared<Map<KeyOf<K>, V>> {
  return shared(name, umap(key, value), options);
}

/** A list. */
export function sharedList<T>(
  name: string,
  item: Form<T>,
  options: Options<T[]> = {},
): Shared<T[]> {
  return shared(name, uvec(item), options);
}

/** A stack, of which the last item is the top and may change. */
export function sharedStack<T>(
  name: string,
  item: Form<T>,
  options: Options<T[]> = {},
): Shared<T[]> {
  return shared(name, ustack(item), options);
}
