// A structure whose log is not what a page thought, and what the authority refuses.

import { describe, expect, it } from 'vitest';
import { Log } from '../src/shared/log';
import * as m from '../src/shared/messages';
import { GroupRefusal } from '../src/shared/messages';
import type { Recipe } from '../src/shared/recipe';
import { firstValue } from '../src/shared/schema';
import * as u from '../src/ucore';
import { dice } from './values';
import { add, type Fate, NAME, Plan, pair, push, strange, World } from './world';

describe('a replica of a log with updates that do not fit', () => {
  it('leaves each of these out as a whole, and takes the others', () => {
    const [world, a, b] = pair();
    world.do(a, push(7));
    world.settle();
    // Pushes 8, removes what is not there, pushes 9.
    strange(world, [2, 0, 8, 2, 3, 99, 2, 0, 9]);
    // An update of two fields, of which the second one does not fit.
    strange(world, [3, 0, 'k', 1, 3, 99]);
    strange(world, [3, 0, 'k', 2, 0, 10]);
    // The same behind one that fits, whose changes stay.
    strange(world, [1, 0, 'j', 1, 3, 0, 'l', 1, 3, 99]);
    world.settle();
    expect(b.state).toMatchObject({
      order: [7, 8, 9, 10],
      notes: new Map(Object.entries({ k: 2, j: 1 })),
    });
    world.expectEqual();
  });

  it('takes nothing of a list that is none', () => {
    const [world, a] = pair();
    for (const items of [[2, 0, 8, 2, 99], [2, 0], [2, 0, 8, 64, 1], [4, 0], [2, 0, -1], ['x']]) {
      strange(world, items);
    }
    strange(world, [2, 0, 1]);
    world.settle();
    expect(a.state.order).toEqual([1]);
    expect(a.resyncs).toBe(0);
    world.expectEqual();
  });
});

describe("a replica whose state is not the log's", () => {
  it('begins anew when the log was rolled back, and says so', () => {
    const [world, a, b] = pair();
    for (let id = 0; id < 5; id += 1) {
      world.do(a, push(id));
      world.settle();
    }
    world.authority.rollBack(NAME, 2);
    // The next entry forks the log where both had another one.
    const change = world.do(b, push(9));
    world.settle();
    expect(change.fate).toBe('done');
    expect(a.state.order).toEqual([0, 1, 9]);
    expect([a.resyncs, b.resyncs]).toEqual([1, 1]);
    world.expectEqual();
  });

  it('remembers what it was at a mark, whatever follows in the same page', () => {
    const world = new World(Plan);
    const a = world.open();
    world.settle();
    const group = world.authority.group(NAME);
    for (let at = 1; at < m.GROUP_MARK_ENTRIES; at += 1) strange(world, [1, 0, 'k', at]);
    strange(world, [1, 0, 'mark', 1]);
    const [mark, kept] = [group.head, world.folded()];
    strange(world, [1, 0, 'later', 1]);
    world.authority.pageEntriesMax = 2 * m.GROUP_MARK_ENTRIES;
    world.settle();
    expect(a.state.notes.size).toBe(3);
    world.authority.keep(NAME, Plan, mark, kept);
    world.do(a, add);
    world.settle();
    expect(a.resyncs).toBe(0);
    world.expectEqual();
  });

  it('sees that a page continues another log than its own', () => {
    const [world, a] = pair();
    const start = world.authority.group(NAME).head;
    world.do(a, push(1));
    world.settle();
    const page = (): m.Page => {
      const { head, entries } = world.authority.group(NAME);
      const said = { base: null, entries, head: head.version, kept: null };
      const [, answer] = m.decodeAnswer(m.encodeAnswer(1, [m.AnswerType.Page, said]));
      return answer?.[1] as m.Page;
    };
    const author = { made: () => null, passed: () => {} };
    const log = new Log(Plan, firstValue(Plan));
    const base = { base: { at: start, value: null }, entries: [], head: start.version, kept: null };
    expect(log.take(null, { ...base, bytes: new Uint8Array() }, author)).toBe('taken');
    expect(log.take(start, page(), author)).toBe('taken');
    // An answer to an older question tells the same once more.
    expect(log.take(start, page(), author)).toBe('taken');
    world.authority.rollBack(NAME, 0);
    strange(world, [2, 0, 5]);
    expect(log.take(start, page(), author)).toBe('wrong');
    expect(log.seen).toBeNull();
    expect(log.resyncs).toBe(1);
  });

  it('sees at a mark that it differs from what is kept there', () => {
    const world = new World(Plan);
    const a = world.open();
    world.settle();
    const group = world.authority.group(NAME);
    for (let at = 1; at <= m.GROUP_MARK_ENTRIES; at += 1) strange(world, [1, 0, 'k', at]);
    world.settle();
    expect(a.state.notes.get('k')).toBe(m.GROUP_MARK_ENTRIES);
    world.authority.keep(NAME, Plan, group.head, { ...world.folded(), total: -1 });
    world.do(a, add);
    world.settle();
    expect(a.resyncs).toBe(1);
    expect(a.state.total).toBe(0);
  });

  it('does not take a kept value that is damaged, but the one before it', () => {
    const [world, a] = pair();
    const group = world.authority.group(NAME);
    for (let id = 0; id < 3; id += 1) {
      world.do(a, push(id));
      world.settle();
      world.authority.keep(NAME, Plan, group.head, world.folded());
    }
    const [, newest] = group.checkpoints;
    if (newest === undefined) throw new Error('two are kept');
    for (const damaged of [u.encodeState(Plan, firstValue(Plan)), Uint8Array.of(0x91, 0xc1)]) {
      newest.value = damaged;
      const late = world.open();
      world.settle();
      expect(late.resyncs).toBe(1);
      expect(late.state.order).toEqual([0, 1, 2]);
    }
    const [older] = group.checkpoints;
    if (older !== undefined) older.value = newest.value;
    const never = world.open();
    world.settle();
    expect(never.phase).toMatchObject({ kind: 'ended' });
  });

  it('joins late by a kept value and what follows it', () => {
    const [world, a] = pair();
    const group = world.authority.group(NAME);
    world.do(a, push(1));
    world.settle();
    world.authority.keep(NAME, Plan, group.head, world.folded());
    world.do(a, push(2));
    world.settle();
    const late = world.open();
    world.settle();
    expect(late.state.order).toEqual([1, 2]);
    expect(late.resyncs).toBe(0);
    world.expectEqual();
  });
});

describe('a refusal', () => {
  it('ends what can never be shared, with a sentence, and all that waits', () => {
    const [world] = pair();
    const other = u.struct<{ order: number[] }>('Plan', { order: [1, u.uvec(u.u8)] });
    const wrong = world.open(other as never);
    const change = world.do(wrong, () => {});
    world.settle();
    expect(wrong.phase).toMatchObject({ kind: 'ended' });
    expect(String(change.fate)).toContain('another type under this name');
    expect(() => world.do(wrong, () => {})).toThrow('another type under this name');
  });

  it('of a structure that nobody has begun is waited out, with a sentence', () => {
    const world = new World(Plan);
    world.authority.isBeginning = false;
    const early = world.open();
    const change = world.do(early, push(1));
    for (let steps = 0; steps < 50; steps += 1) world.step();
    expect(early.phase).toEqual({
      kind: 'loading',
      why: 'no program has begun this structure yet',
    });
    expect(early.view.order).toEqual([1]);
    world.authority.isBeginning = true;
    world.settle();
    expect(change.fate).toBe('done');
    world.expectEqual();
  });

  it('by the rules of a group is about one change, and the others go on', () => {
    const [world, a, b] = pair();
    // The rule: nobody says 13.
    world.authority.allows = ({ updates }) => !updates.includes(13);
    const [one, bad, two] = [push(1), push(13), push(2)].map((recipe) => world.do(a, recipe));
    expect(a.view.order).toEqual([1, 13, 2]);
    const other = world.do(b, push(3));
    world.settle();
    expect([one?.fate, two?.fate, other.fate]).toEqual(['done', 'done', 'done']);
    expect(String(bad?.fate)).toContain('against the rules');
    expect([...a.state.order].sort()).toEqual([1, 2, 3]);
    world.expectEqual();
    const later = world.do(a, push(4));
    world.settle();
    expect(later.fate).toBe('done');
  });

  it('by the rules of a group loses and doubles nothing, in any order of letters', () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const world = new World(Plan, seed);
      const roll = dice(seed + 2_000);
      world.authority.allows = ({ updates }) => !Buffer.from(updates).includes('forbidden');
      const replicas = [world.open(), world.open()];
      [world.net.lost, world.net.doubled] = [15, 15];
      const fates: { fate: Fate; isBad: boolean }[] = [];
      const ids: number[] = [];
      for (let round = 0; round < 60; round += 1) {
        const replica = replicas[roll(2)];
        if (replica === undefined) throw new Error('there are two');
        const isBad = roll(4) === 0;
        const change: Recipe<Plan> = isBad
          ? (plan) => void plan.notes.set('forbidden', round)
          : (plan) => void plan.order.unshift(round);
        if (!isBad) ids.push(round);
        fates.push(Object.assign(world.do(replica, change), { isBad }));
        for (let steps = roll(4); steps > 0; steps -= 1) world.step();
      }
      [world.net.lost, world.net.doubled] = [0, 0];
      world.settle();
      world.expectEqual();
      for (const { fate, isBad } of fates) {
        if (isBad) expect(String(fate), `seed ${seed}`).toContain('against the rules');
        else expect(fate, `seed ${seed}`).toBe('done');
      }
      const [one] = replicas;
      expect([...(one?.state.order ?? [])].sort((a, b) => a - b)).toEqual(ids);
    }
  });

  it('of the whole structure is that of the server, and ends it', () => {
    const [world, a] = pair();
    const follow = a.poll(world.now);
    expect(follow).toBeNull();
    const closed = world.open();
    const request = closed.poll(world.now) as m.GroupRequest;
    const why = GroupRefusal.NotAllowed;
    closed.handleAnswer({ now: 0, luck: 0 }, request, [m.AnswerType.Refused, { why }]);
    expect(closed.phase).toMatchObject({ kind: 'ended', why: expect.stringContaining('--share') });
  });

  it('of a full log is waited out, and the others are followed meanwhile', () => {
    const [world, a, b] = pair();
    world.authority.refusesProposals = GroupRefusal.Full;
    const change = world.do(a, push(1));
    for (let steps = 0; steps < 30; steps += 1) world.step();
    expect(change.fate).toBe('pending');
    strange(world, [2, 0, 5]);
    for (let steps = 0; steps < 30; steps += 1) world.step();
    expect(b.state.order).toEqual([5]);
    expect(a.state.order).toEqual([5]);
    expect(a.view.order).toEqual([5, 1]);
    world.authority.refusesProposals = null;
    world.settle();
    expect(change.fate).toBe('done');
    world.expectEqual();
  });

  it('of too many bytes gives up what was in the proposal', () => {
    const [world, a] = pair();
    world.authority.refusesProposals = GroupRefusal.TooLarge;
    const change = world.do(a, push(1));
    world.settle();
    expect(String(change.fate)).toContain('smaller parts');
    expect(a.view.order).toEqual([]);
    world.authority.refusesProposals = null;
    world.do(a, push(2));
    world.settle();
    world.expectEqual();
  });

  it('of a structure that is gone is waited out until it is begun anew', () => {
    const [world, a] = pair();
    world.do(a, push(1));
    world.settle();
    world.authority.groups.clear();
    const change = world.do(a, push(2));
    world.settle();
    expect(change.fate).toBe('done');
    expect(a.state.order).toEqual([2]);
    expect(a.resyncs).toBe(1);
  });

  it('is not waited for once a replica is closed', () => {
    const [world, a] = pair();
    world.do(a, push(1));
    world.settle();
    const late = world.do(a, push(2));
    expect(a.close()).toMatchObject([m.RequestType.Leave, { group: NAME }]);
    expect(String(late.fate)).toContain('was closed');
    expect(a.poll(world.now)).toBeNull();
    expect(a.view.order).toEqual([1]);
    expect(a.close()).toBeNull();
  });
});
