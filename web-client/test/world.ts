// Pages that share one structure over a network in memory, whose letters move one by one.

import { freeze } from 'immer';
import { expect } from 'vitest';
import { close } from '../src/bytes';
import { applyUpdates } from '../src/shared/apply';
import * as m from '../src/shared/messages';
import { toGroupName, toWriterId } from '../src/shared/messages';
import type { Recipe } from '../src/shared/recipe';
import { Replica } from '../src/shared/replica';
import { firstValue } from '../src/shared/schema';
import * as u from '../src/ucore';
import { Authority, Net } from './authority';
import { type Dice, dice } from './values';

export interface Plan {
  notes: Map<string, number>;
  order: number[];
  total: number;
  seen: Set<number>;
}
export const Plan: u.Form<Plan> = u.struct('Plan', {
  notes: [0, u.umap(u.text, u.u32)],
  order: [1, u.uvec(u.u32)],
  total: [2, u.counter],
  seen: [3, u.gset(u.u32)],
});

export const NAME = 'raid/7';

/** What became of a recipe. */
export type Fate = 'pending' | 'done' | Error;

/** Replicas of one structure on one network. */
export class World<T> {
  readonly authority = new Authority();
  readonly net: Net;
  readonly form: u.Form<T>;
  replicas: Replica<T>[] = [];
  now = 0;
  private readonly roll: Dice;
  /** Drawn apart, so that another page does not change what happens to the others. */
  private readonly secrets = dice(7);

  constructor(form: u.Form<T>, seed = 1) {
    this.form = form;
    this.roll = dice(seed);
    this.net = new Net(this.authority, this.roll);
  }

  open(form = this.form): Replica<T> {
    const writer = toWriterId(Uint8Array.from({ length: 16 }, () => this.secrets(256)));
    const group = toGroupName(NAME);
    const schema = m.schemaOf(form);
    const first = freeze(firstValue(form), true);
    const replica = new Replica({ group, form, schema, first, seq: 0 });
    replica.introduce(writer);
    this.replicas.push(replica);
    return replica;
  }

  do(replica: Replica<T>, recipe: Recipe<T>): { fate: Fate } {
    const own: { fate: Fate } = { fate: 'pending' };
    replica.mutate(recipe, (error) => {
      expect(own.fate, 'each is told once').toBe('pending');
      own.fate = error ?? 'done';
    });
    return own;
  }

  /** Some letters move. False if none can, and nobody waits. */
  step(): boolean {
    this.now += 20;
    for (const replica of this.replicas) this.ask(replica);
    const isWaiting = this.replicas.some(({ wakeAt }) => wakeAt > this.now);
    return this.net.step() || isWaiting;
  }

  ask(replica: Replica<T>): void {
    for (let request = replica.poll(this.now); request; request = replica.poll(this.now)) {
      const asked = request;
      this.net.send(asked, (answer) => {
        const at = { now: this.now, luck: this.roll(100) / 100 };
        if (answer !== null) replica.handleAnswer(at, asked, answer);
        else if (this.roll(2) === 0) replica.handleLost(asked);
        else replica.handleSilence(at, asked);
      });
    }
  }

  settle(): void {
    for (let left = 100_000; this.step(); left -= 1) {
      if (left === 0) throw new Error('it never comes to rest');
    }
  }

  /** What the log makes of the first value. */
  folded(): T {
    const { entries } = this.authority.group(NAME);
    return entries.reduce(
      (state, { edit }) => applyUpdates(this.form, state, m.readEdit(edit).updates),
      firstValue(this.form),
    );
  }

  expectEqual(): void {
    const expected = this.folded();
    for (const { state, view, phase } of this.replicas) {
      expect(phase).toEqual({ kind: 'live' });
      expect(state).toEqual(expected);
      expect(view).toBe(state);
    }
  }
}

/** A recipe that is easily told from others. */
export const push = (id: number) => (plan: Plan) => void plan.order.push(id);
/** One that commutes. */
export const add = (plan: Plan) => {
  plan.total += 1;
};

/** Two pages that know all there is. */
export function pair(): [World<Plan>, Replica<Plan>, Replica<Plan>] {
  const world = new World(Plan);
  const [a, b] = [world.open(), world.open()];
  world.settle();
  return [world, a, b];
}

/** A raw edit of somebody else, with updates that this program would not make. */
export function strange(world: World<Plan>, items: (number | string)[]): void {
  const writer = toWriterId(new Uint8Array(16).fill(9));
  const group = world.authority.group(NAME);
  const seq = (group.writers.get(writer)?.seq ?? 0) + 1;
  world.authority.commit(group, { writer, seq, ordered: true, updates: close(items) });
}
