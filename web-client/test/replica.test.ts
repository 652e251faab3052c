// One structure in many pages: nobody's change is lost, none counts twice, and all end equal.

import { describe, expect, it } from 'vitest';
import * as m from '../src/shared/messages';
import type { Recipe } from '../src/shared/recipe';
import { RECIPES_MAX, type Replica } from '../src/shared/replica';
import { firstValue } from '../src/shared/schema';
import * as u from '../src/ucore';
import { read } from './authority';
import { dice } from './values';
import { add, type Fate, NAME, Plan, pair, push, World } from './world';

describe('a replica', () => {
  it('shows a change at once, and has it when the log has it', () => {
    const [world, a, b] = pair();
    const { state } = a;
    const change = world.do(a, push(1));
    expect(a.view.order).toEqual([1]);
    expect(a.state).toBe(state);
    expect(a.pending).toBe(1);
    world.settle();
    expect(change.fate).toBe('done');
    expect(b.state.order).toEqual([1]);
    world.expectEqual();
  });

  it('shares what has not changed, and keeps its own objects when they are confirmed', () => {
    const [world, a, b] = pair();
    world.do(a, (plan) => void plan.notes.set('a', 1));
    world.settle();
    const [before, others] = [a.state, b.state];
    world.do(a, push(1));
    const { view } = a;
    expect(view.notes).toBe(before.notes);
    world.settle();
    expect(a.view).toBe(view);
    expect(a.state).toBe(view);
    expect(b.state.notes).toBe(others.notes);
    expect(b.state.order).not.toBe(others.order);
    expect(a.view).toBe(a.view);
  });

  it('runs a recipe again on what others made, and none is lost', () => {
    const [world, a, b] = pair();
    const increment = (plan: Plan) => void plan.notes.set('n', (plan.notes.get('n') ?? 0) + 1);
    const all = [world.do(a, increment), world.do(b, increment), world.do(a, increment)];
    world.settle();
    expect(all.map(({ fate }) => fate)).toEqual(['done', 'done', 'done']);
    expect(a.state.notes.get('n')).toBe(3);
    world.expectEqual();
  });

  it('sends what is done together as one proposal', () => {
    const [world, a] = pair();
    for (let id = 0; id < 50; id += 1) world.do(a, push(id));
    world.settle();
    expect(world.authority.group(NAME).entries).toHaveLength(1);
    expect(a.state.order).toHaveLength(50);
  });

  it('lets what commutes never conflict', () => {
    const [world, a, b] = pair();
    for (const replica of [a, b, a, b]) {
      world.do(replica, add);
      world.ask(replica);
    }
    world.settle();
    const edits = world.authority.group(NAME).entries.map(({ edit }) => m.readEdit(edit));
    expect(edits.map(({ ordered }) => ordered)).not.toContain(true);
    expect(edits.map(({ seq }) => seq)).toEqual(edits.map(({ seq }) => (seq === 1 ? 1 : 2)));
    expect(a.state.total).toBe(4);
    world.expectEqual();
  });

  it('gives up a recipe that throws, with its reason, and nothing else', () => {
    const [world, a] = pair();
    const before = world.do(a, push(1));
    const bad = world.do(a, (plan) => {
      plan.order.push(99);
      throw new Error('no');
    });
    const after = world.do(a, push(2));
    expect(a.view.order).toEqual([1, 2]);
    world.settle();
    expect([before.fate, after.fate]).toEqual(['done', 'done']);
    expect(bad.fate).toEqual(new Error('no'));
    world.expectEqual();
  });

  it('gives up a recipe that throws when it runs again', () => {
    const [world, a, b] = pair();
    world.do(a, (plan) => void plan.notes.set('x', 1));
    world.settle();
    const take = (plan: Plan) => {
      if (!plan.notes.delete('x')) throw new Error('it is gone');
    };
    const both = [world.do(a, take), world.do(b, take)];
    world.settle();
    const fates = both.map(({ fate }) => (fate instanceof Error ? fate.message : fate));
    expect(fates.sort()).toEqual(['done', 'it is gone']);
    world.expectEqual();
  });

  it('gives up what no update can say, and what is no value, with a sentence', () => {
    const [world, a] = pair();
    world.do(a, (plan) => void plan.seen.add(3));
    world.settle();
    const good = [world.do(a, push(1)), world.do(a, add)];
    const cases: [Recipe<Plan>, string][] = [
      [(plan) => void plan.seen.delete(3), 'a gset only grows: 3 has to stay'],
      [(plan) => void plan.order.push(-1), '-1 is none of type u32'],
      [(plan) => void Object.assign(plan, { more: 1 }), 'more is no field there'],
      [(plan) => void Object.assign(plan, { notes: [] }), ' is no Map'],
      [async () => {}, 'a recipe has to be done when it returns'],
    ];
    const bad = cases.map(([recipe]) => world.do(a, recipe));
    world.settle();
    for (const [index, [, text]] of cases.entries()) {
      expect(bad[index]?.fate).toBeInstanceOf(Error);
      expect(String(bad[index]?.fate)).toContain(text);
    }
    expect(good.map(({ fate }) => fate)).toEqual(['done', 'done']);
    expect(a.state).toMatchObject({ order: [1], total: 1, seen: new Set([3]) });
    world.expectEqual();
  });

  it('counts a recipe that changes nothing as done', () => {
    const [world, a] = pair();
    const nothing = world.do(a, () => {});
    world.settle();
    expect(nothing.fate).toBe('done');
    expect(world.authority.group(NAME).entries).toHaveLength(0);
  });

  it('runs what was done before it knew the structure on what that is', () => {
    const [world, a] = pair();
    world.do(a, (plan) => void plan.notes.set('n', 41));
    world.settle();
    const late = world.open();
    const more = world.do(late, (plan) => {
      const n = plan.notes.get('n');
      if (n === undefined) throw new Error('it is not loaded');
      plan.notes.set('n', n + 1);
    });
    expect(late.view).toEqual(firstValue(Plan));
    world.settle();
    expect(more.fate).toBe('done');
    expect(a.state.notes.get('n')).toBe(42);
    world.expectEqual();
  });

  it('gives up what throws once it knows that the structure is what it took it for', () => {
    const world = new World(Plan);
    const a = world.open();
    const bad = world.do(a, () => {
      throw new Error('no');
    });
    const good = world.do(a, push(1));
    expect(a.view.order).toEqual([1]);
    expect([bad.fate, good.fate]).toEqual(['pending', 'pending']);
    world.settle();
    expect([bad.fate, good.fate]).toEqual([new Error('no'), 'done']);
    world.expectEqual();
  });

  it('takes a thousand changes that wait, and no more', () => {
    const [world, a] = pair();
    for (let id = 0; id < RECIPES_MAX; id += 1) world.do(a, add);
    expect(() => world.do(a, add)).toThrow('wait for the server');
    world.settle();
    expect(a.state.total).toBe(RECIPES_MAX);
    world.do(a, add);
  });

  it('splits what is too much for one proposal, and refuses one recipe that is', () => {
    const [world, a] = pair();
    const text = (len: number) => 'x'.repeat(len);
    const set = (key: string, len: number) =>
      world.do(a, (p) => void p.notes.set(key + text(len), 1));
    const all = [1, 2, 3, 4].map((key) => set(`${key}`, 3_000));
    const big = set('5', 9_000);
    const many = world.do(a, (plan) => {
      for (let id = 0; id < 2_000; id += 1) plan.order.push(id);
    });
    world.settle();
    expect(all.map(({ fate }) => fate)).toEqual(['done', 'done', 'done', 'done']);
    expect(big.fate).toEqual(new Error('too many changes at once; make them in smaller parts'));
    expect(many.fate).toBe('done');
    world.expectEqual();
  });

  it('shares mere numbers', () => {
    const world = new World(u.counter);
    const [a, b] = [world.open(), world.open()];
    const all = [world.do(a, (n) => n + 5), world.do(b, (n) => n - 2), world.do(b, (n) => n)];
    expect(a.view).toBe(5);
    world.settle();
    expect(all.map(({ fate }) => fate)).toEqual(['done', 'done', 'done']);
    expect([a.state, b.state]).toEqual([3, 3]);
  });
});

describe('a replica whose letters are lost', () => {
  it('sends a proposal again to the letter, and it counts once', () => {
    const [world, a, b] = pair();
    const change = world.do(a, push(1));
    const first = a.poll(0) as m.GroupRequest;
    world.authority.answer(first);
    a.handleLost(first);
    const again = a.poll(0) as m.GroupRequest;
    expect(m.encodeRequest(1, again)).toEqual(m.encodeRequest(1, first));
    a.handleAnswer({ now: 0, luck: 0 }, again, read(world.authority.answer(again)));
    expect(change.fate).toBe('done');
    world.settle();
    expect(b.state.order).toEqual([1]);
    expect(world.authority.group(NAME).entries).toHaveLength(1);
  });

  it('finds its lost proposal in the log before it asks again', () => {
    const [world, a] = pair();
    const change = world.do(a, push(1));
    const first = a.poll(0) as m.GroupRequest;
    world.authority.answer(first);
    world.settle();
    expect(change.fate).toBe('done');
    world.expectEqual();
  });

  it('proposes anew what a forgotten writer has sent, once the log surely lacks it', () => {
    const [world, a, b] = pair();
    world.do(b, push(1));
    world.settle();
    const change = world.do(a, push(2));
    const first = a.poll(world.now) as m.GroupRequest;
    a.handleLost(first);
    // Room was needed: whoever has not seen this version may have been known.
    world.authority.group(NAME).forgotten = 9;
    a.handleLost(first);
    world.ask(a);
    for (let steps = 0; steps < 20; steps += 1) world.step();
    expect(change.fate).toBe('pending');
    world.authority.group(NAME).forgotten = 0;
    world.settle();
    expect(change.fate).toBe('done');
    expect(a.state.order).toEqual([1, 2]);
    world.expectEqual();
  });

  it('says that nobody knows, if neither the writer nor the log of that time are known', () => {
    const [world, a, b] = pair();
    const change = world.do(a, push(1));
    const first = a.poll(world.now) as m.GroupRequest;
    world.authority.answer(first);
    world.net.cut();
    a.handleLost(first);
    // All that happens while it is away: a value is kept, its log goes, and so does the writer.
    world.replicas = [b];
    world.do(b, push(2));
    world.settle();
    const group = world.authority.group(NAME);
    world.authority.keep(NAME, Plan, group.head, world.folded());
    group.start = group.head;
    group.entries = [];
    group.writers.clear();
    group.forgotten = group.head.version;
    world.replicas = [a, b];
    world.settle();
    expect(change.fate).toEqual(new Error('nobody knows whether this change was made: look'));
    expect(a.state.order).toEqual([1, 2]);
    const next = world.do(a, push(3));
    world.settle();
    expect(next.fate).toBe('done');
    expect(b.state.order).toEqual([1, 2, 3]);
  });

  const worlds = Array.from({ length: 60 }, (_, index) => index + 1);
  it('ends like all others, and nothing is lost or doubled, in any order of letters', () => {
    const met = { lost: 0, doubled: 0 };
    for (const seed of worlds) {
      const world = new World(Plan, seed);
      const roll = dice(seed + 1_000);
      world.authority.pageEntriesMax = [1, 3, 1_024][seed % 3] ?? 1;
      const replicas = [world.open(), world.open(), world.open()];
      world.net.lost = 15;
      world.net.doubled = 15;
      const [ids, fates]: [number[], { fate: Fate }[]] = [[], []];
      let [notes, total] = [0, 0];
      for (let round = 0; round < 120; round += 1) {
        const replica = replicas[roll(3)] as Replica<Plan>;
        const id = ids.length;
        const what = roll(5);
        if (what === 0) {
          fates.push(world.do(replica, (plan) => void plan.order.unshift(id)));
          ids.push(id);
        } else if (what === 1) {
          total += 1;
          fates.push(world.do(replica, add));
        } else if (what === 2) {
          notes += 1;
          const key = `k${roll(3)}`;
          const bump = (plan: Plan) => void plan.notes.set(key, (plan.notes.get(key) ?? 0) + 1);
          fates.push(world.do(replica, bump));
        }
        for (let steps = roll(6); steps > 0; steps -= 1) world.step();
        void replica.view;
      }
      [world.net.lost, world.net.doubled] = [0, 0];
      world.settle();
      world.expectEqual();
      expect(new Set(fates.map(({ fate }) => fate))).toEqual(new Set(['done']));
      const { state } = replicas[0] as Replica<Plan>;
      expect(
        [...state.order].sort((a, b) => a - b),
        `seed ${seed}`,
      ).toEqual(ids);
      expect(state.total).toBe(total);
      expect([...state.notes.values()].reduce((sum, n) => sum + n, 0)).toBe(notes);
      met.lost += world.net.met.lost;
      met.doubled += world.net.met.doubled;
    }
    expect(met.lost).toBeGreaterThan(500);
    expect(met.doubled).toBeGreaterThan(500);
  });
});
