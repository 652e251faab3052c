// How one list becomes another one: which values went, which came, by what is the same value.

/** Between values that stay: those of the list before that go, and those of the one after. */
export interface Block {
  /** Where, in the list after. */
  at: number;
  /** Where, in the list before. */
  from: number;
  /** How many go. */
  gone: number;
  /** How many come. */
  come: number;
}

/** How many values may have come and gone, until looking for those that stay costs too much. */
const CHANGES_MAX = 128;

/** The blocks from front to back. Applied in this order, `at` is their index each time. */
export function script<T>(before: readonly T[], after: readonly T[]): Block[] {
  let front = 0;
  const shorter = Math.min(before.length, after.length);
  while (front < shorter && Object.is(before[front], after[front])) front += 1;
  let back = 0;
  while (
    back < shorter - front &&
    Object.is(before[before.length - 1 - back], after[after.length - 1 - back])
  ) {
    back += 1;
  }
  const gone = before.length - front - back;
  const come = after.length - front - back;
  if (gone === 0 && come === 0) return [];
  const whole = { at: front, from: front, gone, come };
  if (gone === 0 || come === 0) return [whole];
  const old = before.slice(front, front + gone);
  const now = after.slice(front, front + come);
  const stay = staying(old, now);
  return stay === null ? [whole] : blocks(stay, whole);
}

/** The pairs of indices of values that stay; null if too many do not. */
function staying<T>(old: readonly T[], now: readonly T[]): [number, number][] | null {
  // Where most values stay in place, what differs was changed there and has not moved.
  if (old.length === now.length) {
    const same = old.flatMap((value, index): [number, number][] => {
      return Object.is(value, now[index]) ? [[index, index]] : [];
    });
    if (2 * same.length >= old.length) return same;
  }
  return shortest(old, now);
}

/** The shortest script of insertions and removals, by the greedy algorithm of Myers (1986). */
function shortest<T>(old: readonly T[], now: readonly T[]): [number, number][] | null {
  const [n, m] = [old.length, now.length];
  const max = Math.min(n + m, CHANGES_MAX);
  const reach = new Map<number, number>([[1, 0]]);
  const traces: Map<number, number>[] = [];
  const at = (of: Map<number, number>, diagonal: number) => of.get(diagonal) ?? -1;
  for (let edits = 0; edits <= max; edits += 1) {
    traces.push(new Map(reach));
    for (let k = -edits; k <= edits; k += 2) {
      const isDown = k === -edits || (k !== edits && at(reach, k - 1) < at(reach, k + 1));
      let x = isDown ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < n && x - k < m && Object.is(old[x], now[x - k])) x += 1;
      reach.set(k, x);
      if (x >= n && x - k >= m) return walkedBack(traces, [n, m]);
    }
  }
  return null;
}

function walkedBack(traces: Map<number, number>[], end: [number, number]): [number, number][] {
  const pairs: [number, number][] = [];
  let [x, y] = end;
  for (let edits = traces.length - 1; edits >= 0; edits -= 1) {
    const reach = traces[edits] ?? new Map<number, number>();
    const at = (diagonal: number) => reach.get(diagonal) ?? -1;
    const k = x - y;
    const isDown = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
    const [fromX, fromK] = isDown ? [at(k + 1), k + 1] : [at(k - 1), k - 1];
    const [startX, startY] = edits === 0 ? [0, 0] : [fromX, fromX - fromK];
    while (x > startX && y > startY) {
      x -= 1;
      y -= 1;
      pairs.push([x, y]);
    }
    [x, y] = [startX, startY];
  }
  return pairs.reverse();
}

function blocks(stay: readonly [number, number][], { at, from, gone, come }: Block): Block[] {
  const all: Block[] = [];
  let [x, y] = [0, 0];
  for (const [old, now] of [...stay, [gone, come] as const]) {
    if (old > x || now > y) all.push({ at: at + y, from: from + x, gone: old - x, come: now - y });
    [x, y] = [old + 1, now + 1];
  }
  return all;
}
