// Equal parts of two values become the same object, so that what has not changed is seen by `===`.

/** The second value with all parts of the first one that are equal to its own. */
export function sameParts<T>(before: T, after: T): T {
  return shared(before, after) as T;
}

function shared(before: unknown, after: unknown): unknown {
  if (Object.is(before, after)) return before;
  if (!isObject(before) || !isObject(after)) return after;
  if (before.constructor !== after.constructor) return after;
  if (after instanceof Map && before instanceof Map) return sharedMap(before, after);
  if (after instanceof Set && before instanceof Set) {
    const isSame = before.size === after.size && [...after].every((member) => before.has(member));
    return isSame ? before : after;
  }
  if (Array.isArray(after) && Array.isArray(before)) return sharedList(before, after);
  if (after instanceof Uint8Array) return after;
  return sharedFields(before, after);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function sharedMap(before: Map<unknown, unknown>, after: Map<unknown, unknown>) {
  let isSame = before.size === after.size;
  for (const [key, value] of after) {
    const old = before.get(key);
    const same = shared(old, value);
    isSame &&= Object.is(same, old) && before.has(key);
    // The keys stay, so the map may change while it is gone through.
    if (!Object.is(same, value)) after.set(key, same);
  }
  return isSame ? before : after;
}

function sharedList(before: readonly unknown[], after: unknown[]) {
  let isSame = before.length === after.length;
  for (const [index, value] of after.entries()) {
    after[index] = shared(before[index], value);
    isSame &&= Object.is(after[index], before[index]);
  }
  return isSame ? before : after;
}

function sharedFields(before: object, after: object) {
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>];
  let isSame = Object.keys(old).length === Object.keys(now).length;
  for (const [name, value] of Object.entries(now)) {
    now[name] = shared(old[name], value);
    isSame &&= Object.is(now[name], old[name]) && Object.hasOwn(old, name);
  }
  return isSame ? before : after;
}
