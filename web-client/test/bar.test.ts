// The shown bar, for any delivery of frames: it never rises without a cause, never jumps, and ends
// at the truth.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, type Bar, CATCH_UP_MAX, STEP_MAX } from '../src/interpolation';
import { pendingDamage } from '../src/prediction';
import type { Hit, ShardMessage, SkillId } from '../src/protocol';
import { ShardType } from '../src/protocol';
import { damageOf } from '../src/reconciliation';
import { type Event, type Game, newGame, nextFrame } from '../src/store';
import { Shard, SKILLS } from './shard';

const HP_MAX = 100_000;

/** What happens in one animation frame of a run. */
const step = fc.record({
  ms: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 4, max: 40 }) },
    fc.integer({ min: 100, max: 9_000 }),
  ),
  presses: fc.array(fc.constantFrom(0, 0, 0, 1, 2), { maxLength: 3 }),
  others: fc.integer({ min: 0, max: 400 }),
  elsewhere: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 400 }) },
    fc.integer({ min: 0, max: 60_000 }),
  ),
  isTick: fc.boolean(),
  isAnswered: fc.boolean(),
  /** How many of the waiting frames arrive: none is late, all is a batch. */
  arrive: fc.constantFrom(0, 0, 1, 2, 5, 1_000),
  /** The page reads too slowly for this tick's frames. */
  isSkipped: fc.boolean(),
  isRefused: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  isCritical: fc.boolean(),
  fate: fc.oneof(
    { weight: 60, arbitrary: fc.constant('nothing' as const) },
    { weight: 4, arbitrary: fc.constant('cut' as const) },
    { weight: 4, arbitrary: fc.constant('back' as const) },
    { weight: 2, arbitrary: fc.constant('respawn' as const) },
    { weight: 1, arbitrary: fc.constant('disk lost' as const) },
    { weight: 2, arbitrary: fc.constant('disk older' as const) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A page and a shard with a network between them that is slow, bursty, and sometimes cut. */
class Run {
  game: Game = newGame();
  private readonly shard = new Shard(HP_MAX);
  private isUp = false;
  private isWelcome = false;
  private now = 0;
  private sent = 0;
  private up: Hit[] = [];
  private down: ShardMessage[] = [];
  /** HP by which the bar may still rise, because hits were taken back. */
  private rise = 0;
  private seen = 0;

  constructor() {
    this.connect(false);
  }

  private connect(hasToken: boolean): void {
    this.isUp = true;
    this.isWelcome = false;
    this.down.push(...this.shard.welcome(hasToken));
  }

  step(step: Step): void {
    this.fate(step);
    const taken = this.isUp ? step.arrive : 0;
    for (const hit of this.up.splice(0, taken)) this.shard.handleHit(hit, step);
    this.shard.handleOthers(step.others, step.elsewhere);
    if (step.isTick) {
      const frames = this.shard.endTick(step.isAnswered, !step.isSkipped);
      if (this.isUp) this.down.push(...frames);
    }
    this.now += step.ms;
    const presses = step.presses.flatMap((index): Event[] => {
      const id: SkillId | undefined = SKILLS[index]?.id;
      return id === undefined ? [] : [{ kind: 'press', at: this.now, skill: id }];
    });
    const arrived = this.down.splice(0, taken);
    this.frame([...arrived.map((message) => this.event(message)), ...presses], step.ms);
    this.send(arrived);
  }

  private fate({ fate }: Step): void {
    if (fate === 'cut' || fate === 'disk lost' || fate === 'disk older') {
      this.isUp = false;
      this.up = [];
      this.down = [];
    }
    if (fate === 'disk lost') {
      this.shard.loseDisk();
      this.connect(false);
    }
    if (fate === 'disk older') this.shard.rewindDisk();
    if (fate === 'back' && !this.isUp) this.connect(this.game.session !== null);
    if (fate === 'respawn') this.shard.respawn();
  }

  private event(message: ShardMessage): Event {
    return { kind: 'message', at: this.now, message };
  }

  /** As the connection does: after a Welcome, everything unanswered again. */
  private send(arrived: ShardMessage[]): void {
    for (const [type, body] of arrived) {
      if (type !== ShardType.Welcome) continue;
      this.sent = body.seq;
      this.isWelcome = true;
    }
    if (!this.isUp || !this.isWelcome) return;
    const fresh = this.game.pending.filter(({ hit }) => hit.seq > this.sent);
    this.up.push(...fresh.map(({ hit }) => hit));
    this.sent = fresh.at(-1)?.hit.seq ?? this.sent;
  }

  /** One frame of the page, and what must hold for the bar in it. */
  private frame(events: Event[], ms: number): void {
    const before = this.game;
    this.game = nextFrame(before, events, ms);
    const { bar } = this.game;
    const isLost = events.some((event) => {
      return (
        event.kind === 'message' &&
        event.message[0] === ShardType.Welcome &&
        !event.message[1].resumed
      );
    });
    // A lost session takes back what it had accepted, too.
    if (isLost) this.rise = Number.POSITIVE_INFINITY;
    const told = events.map((event) => takenBackBy(before, event)).filter((some) => some !== null);
    this.rise += told.reduce((sum, damage) => sum + damage, 0);
    for (const effect of this.game.effects) {
      if (effect.id <= this.seen || effect.kind !== 'taken back') continue;
      // Which hits a Welcome takes back is a guess, how much is none.
      if (told.length === 0 || effect.reason !== null) this.rise += effect.damage;
    }
    this.seen = this.game.effectsLen;
    if (before.bar === null || bar === null) return;
    if (before.bar.generation !== bar.generation) this.rise = Number.POSITIVE_INFINITY;
    const { truth, pending } = this.game;
    if (truth) {
      const own = pendingDamage(pending, truth.generation);
      expect(bar.goal, 'own hits count at once').toBeLessThanOrEqual(Math.max(0, truth.hp - own));
    }
    const moved = bar.shown - before.bar.shown;
    if (moved > 0) {
      expect(moved, 'a rise has a cause').toBeLessThanOrEqual(this.rise + 1e-9 * HP_MAX);
      this.rise -= moved;
    }
    if (bar.shown === bar.goal && this.rise === Number.POSITIVE_INFINITY) this.rise = 0;
    expectEased(before.bar.shown, bar);
  }

  /** The network heals, everybody rests, and the bar must arrive at the truth. */
  settle(): void {
    const rest: Step = {
      ms: 16,
      presses: [],
      others: 0,
      elsewhere: 0,
      isTick: true,
      isAnswered: true,
      arrive: 1_000,
      isSkipped: false,
      isRefused: false,
      isCritical: false,
      fate: 'back',
    };
    for (let frame = 0; frame < 2_000; frame += 1) {
      this.step(rest);
      const isOver = this.game.pending.length === 0 && this.game.truth?.hp === this.shard.hp;
      if (isOver && this.game.bar?.shown === this.shard.hp) break;
    }
    expect(this.game.pending).toEqual([]);
    expect(this.game.bar?.shown, 'the bar ends at the truth').toBe(this.shard.hp);
    const own = this.game.tallies.reduce((sum, { damage }) => sum + damage, 0);
    expect(own, 'own damage is what the shard counted').toBe(this.shard.ownDamage);
  }
}

/** How far a Welcome, a connection's first frame, is below what was accepted and predicted. */
function takenBackBy({ tallies, pending, truth }: Game, event: Event): number | null {
  if (event.kind !== 'message' || event.message[0] !== ShardType.Welcome || !truth) return null;
  const { generation } = truth;
  const [, welcome] = event.message;
  const gone = pending.filter(({ hit }) => hit.seq <= welcome.seq);
  const known = damageOf(tallies, generation) + pendingDamage(gone, generation);
  return Math.max(0, known - damageOf(welcome.tallies, generation));
}

/** At most 2 % of the bar in a frame; a third of the way while it catches up. */
function expectEased(before: number, bar: Bar): void {
  const moved = Math.abs(bar.shown - before);
  const distance = Math.abs(bar.goal - before);
  const most = Math.max(
    STEP_MAX * bar.hpMax,
    distance > 0.1 * bar.hpMax ? distance * CATCH_UP_MAX : 0,
  );
  // A bar of another generation is drawn in the new one's measure.
  expect(moved, 'no jump').toBeLessThanOrEqual(most + 1e-9 * bar.hpMax);
  expect(bar.shown).toBeGreaterThanOrEqual(0);
  expect(bar.shown).toBeLessThanOrEqual(bar.hpMax);
}

describe('the shown bar', () => {
  it('never rises without a cause, never jumps, and ends at the truth', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const run = new Run();
        for (const one of steps) run.step(one);
        run.settle();
      }),
      { numRuns: 100 },
    );
  });

  it('moves towards any goal without overshooting, and arrives', () => {
    const hp = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(hp, hp, hp, fc.integer({ min: 1, max: 100 }), (a, b, c, ms) => {
        const hpMax = Math.max(a, b, c, 1);
        let shown = a;
        for (let frame = 0; frame < 2_000 && shown !== b; frame += 1) {
          // biome-ignore lint/suspicious/noExplicitAny: any generation will do
          const bar: Bar = { generation: 1 as any, hpMax, goal: b, shown };
          const next = advance(bar, ms);
          expect(Math.sign(next - shown) * Math.sign(b - next)).toBeGreaterThanOrEqual(0);
          expectEased(shown, { ...bar, shown: next });
          shown = next;
        }
        expect(shown).toBe(b);
      }),
    );
  });
});
