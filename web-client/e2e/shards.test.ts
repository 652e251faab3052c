// One boss, two shards, a browser on each: every hit is seen on the other one, and soon.

import { expect, it } from 'vitest';
import { Redis, Service } from './authority';
import type { Player } from './player';
import { bring, expectInBooks, scenes, start, visit } from './scene';
import { type Server, until } from './server';
import { clockOf, note, type Sight, sights, traceOf, truthOf } from './trace';

scenes();

/** Of the scenario that comes along. */
const HP_MAX = 50_000_000;
const TICK_MS = 100;
const HITS = 20;

/** A player and the shard that this player is on. */
interface Side {
  name: string;
  shard: Server;
  player: Player;
}

it('two shards on one authority show each other every hit', async () => {
  await fight('authority', await bring(new Service()));
});

it('two shards on one Redis show each other every hit', async () => {
  await fight('redis', await bring(new Redis()));
});

/** First one player hits, then the other one, then both. */
async function fight(truth: string, authority: { url: string }): Promise<void> {
  const [ada, bob] = await Promise.all([
    enter('Ada', 1, authority.url),
    enter('Bob', 2, authority.url),
  ]);
  for (const { player } of [ada, bob]) await player.says('#players', '2');
  const there = await expectVolley(`${truth}: from shard 1 to shard 2`, ada, bob);
  const back = await expectVolley(`${truth}: from shard 2 to shard 1`, bob, ada);
  say(`${truth}: ${await clocks(ada, bob)}`);
  expectSoon(there, back);

  await Promise.all([ada, bob].map(strikeMuch));
  await Promise.all([expectAgreement(ada, bob), ...[ada, bob].map(seesMuch)]);
  await ada.player.shot(`shards-${truth}-1`);
  await bob.player.shot(`shards-${truth}-2`);
  const [generation] = (await ada.shard.ledger()).generations;
  const journals = generation?.journals ?? [];
  const names = journals.map(({ shard, players }) => [shard, players.map(({ name }) => name)]);
  expect(names).toHaveLength(2);
  expect(Object.fromEntries(names)).toEqual({ 1: ['Ada'], 2: ['Bob'] });
}

async function strikeMuch({ player }: Side): Promise<void> {
  await player.strike(4);
  await player.strike(1, 2);
}

function seesMuch({ name, player }: Side): Promise<void> {
  return until(`${name} sees the other one's Meteor`, async () =>
    /\+\d,\d{3} from others/.test(await player.text('#stream')),
  );
}

/**
 * A tick accepts the hit, the other shard asks with its own next one, and shows the answer with the
 * one after that: three. If the shards' ticks lie close together, one of the shards always asks
 * while the other one's hits are on their way, and needs another tick. A busy machine delays hits,
 * but not most of them.
 */
function expectSoon(there: Sight[], back: Sight[]): void {
  const median = (seen: Sight[]) => quantile(0.5, pick(seen, 'ticks'));
  expect(Math.min(median(there), median(back)), 'ticks').toBeLessThanOrEqual(3);
  expect(Math.max(median(there), median(back)), 'ticks').toBeLessThanOrEqual(4);
}

async function enter(name: string, id: number, authority: string): Promise<Side> {
  const shard = await start({ shard: { id, authority } });
  // Of what nobody can see there is a state within a second; here every tick is measured.
  const player = await visit(new URL('?every=1', shard.url).href, name);
  await note(player);
  await player.enter();
  return { name, shard, player };
}

/** One hit after the other, each as soon as the one before was seen on the other side. */
async function expectVolley(what: string, from: Side, to: Side): Promise<Sight[]> {
  const before = await expectAgreement(from, to);
  const since = performance.timeOrigin + performance.now();
  for (let hit = 0; hit < HITS; hit += 1) {
    const hp = await truthOf(to.player);
    // What was seen came with a tick. Without a pause all hits would have the same place in it.
    await new Promise((over) => setTimeout(over, (hit * TICK_MS) / HITS));
    await from.player.strike();
    await until(`${to.name} sees hit ${hit}`, async () => (await truthOf(to.player)) < hp);
  }
  const after = await expectAgreement(from, to);
  const seen = sights(since, await traceOf(from.player), await traceOf(to.player));
  expect(seen.length).toBe(HITS);
  // A plain hit or a critical one, and each of them alone.
  const damages = pick(seen, 'damage');
  for (const damage of damages) expect([100, 200]).toContain(damage);
  expect(damages.reduce((sum, damage) => sum + damage)).toBe(before - after);
  say(`${what}: ${figures(seen)}`);
  return seen;
}

/** Both bars and the books of both shards say the same. Gives back the HP. */
async function expectAgreement(...sides: [Side, Side]): Promise<number> {
  const damages = await Promise.all(
    sides.map(({ shard, name, player }) => expectInBooks(shard, name, player)),
  );
  const hp = damages.reduce((left, damage) => left - damage, HP_MAX);
  for (const { name, player } of sides) {
    await until(`${name} sees ${hp} HP`, async () => (await player.hp()) === hp);
  }
  const books = () => Promise.all(sides.map(({ shard }) => shard.ledger()));
  await until('both shards have the same books', async () => {
    const [one, other] = await books();
    return JSON.stringify(one) === JSON.stringify(other);
  });
  for (const { generations } of await books()) {
    expect(generations.map((generation) => generation.hp)).toEqual([hp]);
  }
  return hp;
}

/** The pages' clocks beside each other: by that much, what is measured may be wrong. */
async function clocks(...sides: [Side, Side]): Promise<string> {
  const [one, other] = [await clockOf(sides[0].player), await clockOf(sides[1].player)];
  const error = one.error + other.error;
  return `the pages' clocks differ by ${ms(one.ahead - other.ahead)} ± ${ms(error)}`;
}

function figures(seen: Sight[]): string {
  const line = (values: number[]) => {
    const [p50, max] = [quantile(0.5, values), quantile(1, values)];
    const inTicks = [p50, max].map((value) => (value / TICK_MS).toFixed(1));
    return `p50 ${ms(p50)}, max ${ms(max)}, in ticks ${inTicks.join(' and ')}`;
  };
  return [
    `${seen.length} hits`,
    `received after ${line(pick(seen, 'receivedMs'))}`,
    `drawn after ${line(pick(seen, 'drawnMs'))}`,
    `as ticks ${ascending(pick(seen, 'ticks')).join(' ')}`,
    `as state frames ${ascending(pick(seen, 'frames')).join(' ')}`,
  ].join('; ');
}

const pick = (seen: Sight[], what: keyof Sight) => seen.map((sight) => sight[what]);

function quantile(part: number, values: readonly number[]): number {
  return ascending(values)[Math.max(0, Math.ceil(part * values.length) - 1)] ?? Number.NaN;
}

const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

const ms = (value: number) => `${value.toFixed(1)} ms`;

const say = (text: string) => process.stdout.write(`${text}\n`);
