// The shown bar, for any delivery of frames: it never rises without a cause, never jumps, and ends
// at the truth.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, type Bar, CATCH_UP_MAX, STEP_MAX } from '../src/interpolation';
import { pendingDamage, uncountedDamage } from '../src/prediction';
import type { Hit, ShardMessage, SkillId, State } from '../src/protocol';
import { ShardType } from '../src/protocol';
import { damageOf } from '../src/reconciliation';
import { hpAfter, hpAt } from '../src/replica';
import { type Event, type Game, newGame, nextFrame } from '../src/store';
import { Shard, SKILLS, state, TICK_MS } from './shard';

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
  private readonly shard: Shard;
  private isUp = false;
  private isWelcome = false;
  private now = 0;
  private sent = 0;
  private up: Hit[] = [];
  private down: ShardMessage[] = [];
  /** HP by which the bar may still rise, because hits were taken back. */
  private rise = 0;
  /** The same, because a state showed that the HP had been reckoned too low. */
  private overshoot = 0;
  /** Damage of this session that the page's truth counts. */
  private counted = 0;
  private seen = 0;

  constructor(every: 0 | 1) {
    this.shard = new Shard(HP_MAX, every);
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
    this.game = nextFrame(before, events, this.now, ms);
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
    const { truth } = this.game;
    const lacking = lackingOf(this.game);
    if (truth) {
      const most = Math.max(0, truth.hp - lacking);
      expect(bar.goal, 'own hits count at once').toBeLessThanOrEqual(most);
    }
    const [reckoned, now] = [hpAt(this.now, before) ?? 0, hpAt(this.now, this.game) ?? 0];
    if (bar.goal < before.bar.goal && before.bar.generation === bar.generation) {
      expect(bar.goal, 'nothing counts twice').toBeGreaterThanOrEqual(Math.max(0, now - lacking));
    }
    // What the truth counts of this player from now on, the bar had subtracted before.
    const had = isLost ? 0 : this.counted;
    if (truth !== before.truth || isLost) this.counted = this.shard.ownUpTo(truth?.counted);
    this.overshoot += Math.max(0, now + Math.max(0, this.counted - had) - reckoned);
    const moved = bar.shown - before.bar.shown;
    if (moved > 0) {
      const causes = this.rise + this.overshoot + 1e-9 * HP_MAX;
      expect(moved, 'a rise has a cause').toBeLessThanOrEqual(causes);
      const told = Math.min(moved, this.rise);
      this.rise -= told;
      this.overshoot -= moved - told;
    }
    // Of what was reckoned too low, no more is left than the bar, or its goal, is below the truth.
    const below = now - lacking - Math.min(bar.shown, bar.goal);
    this.overshoot = Math.min(Math.max(0, this.overshoot), Math.max(0, below));
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

/** Own damage that the page knows, or predicts, and its truth lacks. */
function lackingOf({ pending, uncounted, truth }: Game): number {
  if (truth === null) return 0;
  return pendingDamage(pending, truth.generation) + uncountedDamage(uncounted, truth.generation);
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
  const steps = fc.array(step, { maxLength: 120, size: 'max' });
  for (const [every, frames] of [
    [1, 'every state'],
    [0, 'what can be seen'],
  ] as const) {
    const laws = 'never rises without a cause, never jumps, and ends at the truth';
    it(`${laws}, with ${frames}`, { timeout: 60_000 }, () => {
      fc.assert(
        fc.property(steps, (some) => {
          const run = new Run(every);
          for (const one of some) run.step(one);
          run.settle();
        }),
        { numRuns: 100 },
      );
    });
  }

  it('needs few states of a steady fight to be right to half a pixel', () => {
    const [sparse, all] = [new Shard(HP_MAX, 0), new Shard(HP_MAX, 1)];
    const pages = [sparse, all].map((shard) => ({ shard, game: newGame(), states: 0 }));
    const hear = (page: (typeof pages)[number], now: number, messages: ShardMessage[]) => {
      const events = messages.map((message): Event => ({ kind: 'message', at: now, message }));
      page.states += messages.filter(([type]) => type === ShardType.State).length;
      page.game = nextFrame(page.game, events, now, 16);
      return page.game;
    };
    for (const page of pages) hear(page, 0, page.shard.welcome(false));
    for (let tick = 1; tick <= 600; tick += 1) {
      const now = tick * TICK_MS;
      const games = pages.map((page) => {
        // A boss of 80 s; every third second the fight changes its pace.
        const pace = tick % 90 < 30 ? 0 : 100 + ((tick * 7) % 20);
        page.shard.handleOthers(0, pace);
        return hear(page, now, page.shard.endTick(true));
      });
      for (const later of [0, TICK_MS - 1]) {
        const [few, every] = games.map((game) => hpAt(now + later, game) ?? Number.NaN);
        const error = Math.abs((few ?? 0) - (every ?? 0)) / HP_MAX;
        expect(error, `at ${now + later}`).toBeLessThanOrEqual(1 / 2_000);
      }
    }
    expect(pages[1]?.states).toBe(600);
    expect(pages[0]?.states).toBeLessThan(600 / 3);
  });

  it('is reckoned as in the golden vectors', () => {
    const golden = new URL('../../protocol/golden/reckoning.json', import.meta.url);
    type Case = { hp: number; rate: number; status: number; hp_after: Record<string, number> };
    const cases: Case[] = JSON.parse(readFileSync(golden, 'utf8'));
    expect(cases.length).toBeGreaterThan(0);
    for (const { hp, rate, status, hp_after } of cases) {
      const [, body] = state({ hp, rate, status });
      const found = Object.keys(hp_after).map((ms) => [ms, hpAfter(body as State, Number(ms))]);
      expect(Object.fromEntries(found)).toEqual(hp_after);
    }
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
