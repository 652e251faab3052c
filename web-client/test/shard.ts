// A shard as the page sees it, in memory: exact in its books, free in when it says something.

import { encodeShard, ShardReader } from '../src/codec';
import type {
  Ack,
  Gen,
  Hit,
  Refusal,
  RefusalReason,
  ShardMessage,
  Skill,
  State,
  Tally,
  Welcome,
} from '../src/protocol';
import { RefusalReason as R, ShardType, Status } from '../src/protocol';
import { hpAfter } from '../src/replica';

const TOKEN = '00112233445566778899aabbccddeeff';

/** Passes a literal through the codec, which makes checked and branded numbers of it. */
export function message(type: number, body: object): ShardMessage {
  // biome-ignore lint/suspicious/noExplicitAny: plain numbers become branded ones here
  const read = new ShardReader().read(encodeShard([type, body] as any));
  if (read === null) throw new Error('no message of a shard');
  return read;
}

export const SKILLS: Skill[] = [
  skill(1, 'Strike', 100, 0),
  skill(2, 'Heavy Blow', 600, 3000),
  skill(3, 'Meteor', 2500, 12000),
];

function skill(id: number, name: string, damage: number, cooldown_ms: number): Skill {
  const body = { id, name, damage, crit_percent: 10, crit_damage_percent: 200, cooldown_ms };
  // biome-ignore lint/suspicious/noExplicitAny: a literal of a test
  return body as any;
}

export function boss(generation: number, hpMax: number): ShardMessage {
  const phases = [{ name: 'Awakening', percent: 100 }];
  const timing = { tick_ms: 100, collect_s: 30, respawn_s: 5 };
  const rewards = [{ id: 1, name: 'Cinder', top_percent: 100, chance_percent: 100 }];
  const spec = { name: 'Test', hp_max: hpMax, phases, skills: SKILLS, timing, missing: 1, rewards };
  return message(ShardType.Boss, { generation, spec });
}

/** The fields of a state that a test cares for; the others are ordinary. */
export function state(changes: Partial<Record<keyof State, number>>): ShardMessage {
  const hp = changes.hp ?? 1000;
  return message(ShardType.State, {
    tick: 1,
    version: 1,
    generation: 1,
    status: Status.Alive,
    phase: 0,
    hp_max: 1000,
    predicted: hp,
    rate: 0,
    age_ms: 50,
    counted: 0,
    players: 1,
    tick_ms: 100,
    ...changes,
    hp,
  });
}

export function welcome(changes: Partial<Welcome> | object = {}): ShardMessage {
  return message(ShardType.Welcome, {
    session: TOKEN,
    player: 7,
    resumed: false,
    shard: 1,
    tick_ms: 100,
    tick: 0,
    generation: 1,
    seq: 0,
    tallies: [],
    ...changes,
  });
}

export function ack(changes: Partial<Ack> | object): ShardMessage {
  return message(ShardType.Ack, {
    tick: 1,
    seq: 0,
    tallies: [],
    refused: [],
    folded: false,
    ...changes,
  });
}

/** A board of life 1 with these damages, best first; player 1 is the best. */
export function board(damages: number[], marks: [number, number][] = []): ShardMessage {
  const top = damages.map((damage, index) => ({
    player: index + 1,
    name: `P${index + 1}`,
    damage,
  }));
  const players = marks.at(-1)?.[0] ?? damages.length;
  return message(ShardType.Board, {
    generation: 1,
    players,
    top,
    marks: marks.map(([rank, damage]) => ({ rank, damage })),
  });
}

export function spoils(generation: number, rewards: number[] = [1]): ShardMessage {
  const share = { player: 7, rank: 2, damage: 300, credit: 250, rewards };
  return message(ShardType.Spoils, { generation, share, players: 9 });
}

/** A tick, in milliseconds, and how many of them a page waits for a state at most. */
export const TICK_MS = 100;
const GAP_TICKS_MAX = 10;

/** Ticks by which a disk may come back older. */
const COPIES_MAX = 8;

/** What a test's dice decide on one hit. */
export interface Dice {
  isRefused: boolean;
  isCritical: boolean;
}

/** One shard, one authority behind it, one player; the other players are numbers. */
export class Shard {
  readonly hpMax: number;
  generation = 1;
  private tick = 0;
  private seq = 0;
  private tallies: Tally[] = [];
  private refused: Refusal[] = [];
  private answered = true;
  /** An Ack that a slow reader did not take: the next one is folded into it. */
  private unread: Refusal[] | null = null;
  private isFolded = false;
  private ackedAt = 0;
  /** Damage of this shard's journal, admitted and counted, in this generation. */
  private admitted = 0;
  private counted = 0;
  private elsewhere = 0;
  /** Synced ticks with damage that the truth lacks: (tick, total of the journal). */
  private uncounted: [tick: number, total: number][] = [];
  /** The disk after the newest ticks of this life, oldest first: each brings it back. */
  private copies: (() => void)[] = [];
  /** HP at the newest ticks of this life. */
  private hps: number[] = [];
  /** The player's accepted damage in this generation: (tick, damage). */
  private own: [tick: number, damage: number][] = [];
  private readonly every: 0 | 1;
  /** The state that the page has, as far as this shard knows. */
  private base: State | null = null;

  /** `every`: 1 for a state in every tick, 0 for what can be seen. */
  constructor(hpMax: number, every: 0 | 1 = 1) {
    this.hpMax = hpMax;
    this.every = every;
  }

  get hp(): number {
    return Math.max(0, this.hpMax - this.counted - this.elsewhere);
  }

  get ownDamage(): number {
    return this.tallies.reduce((sum, { damage }) => sum + damage, 0);
  }

  /** The player's damage in this generation that was accepted up to a tick. */
  ownUpTo(counted = 0): number {
    const own = this.own.filter(([tick]) => tick <= counted);
    return own.reduce((sum, [, damage]) => sum + damage, 0);
  }

  private noteOwn(): void {
    const tally = this.tallies.find(({ generation }) => generation === this.generation);
    const damage = (tally?.damage ?? 0) - this.ownUpTo(this.tick);
    if (damage > 0) this.own.push([this.tick, damage]);
  }

  handleHit(hit: Hit, dice: Dice): void {
    if (hit.seq <= this.seq) return;
    this.seq = hit.seq;
    this.answered = false;
    const reason = this.refuses(hit, dice);
    if (reason !== null) {
      this.refused.push({ seq: hit.seq, reason });
      return;
    }
    const plain = SKILLS.find(({ id }) => id === hit.skill)?.damage ?? 0;
    const damage = dice.isCritical ? plain * 2 : plain;
    this.admitted += damage;
    const tally = this.tally();
    tally.hits += 1;
    tally.damage += damage;
  }

  private refuses(hit: Hit, dice: Dice): RefusalReason | null {
    if (hit.generation !== this.generation) return R.Generation;
    if (this.hp === 0) return R.Defeated;
    return dice.isRefused ? R.Rate : null;
  }

  private tally(): Tally {
    const found = this.tallies.find(({ generation }) => generation === this.generation);
    if (found) return found;
    // biome-ignore lint/suspicious/noExplicitAny: a literal of a test
    const tally: Tally = { generation: this.generation as any, hits: 0, damage: 0, late: 0 };
    this.tallies = [...this.tallies, tally].slice(-4);
    return tally;
  }

  /** Damage by players of this shard (`here`) and of others; they hit the boss at once. */
  handleOthers(here: number, elsewhere: number): void {
    if (this.hp === 0) return;
    this.admitted += here;
    this.elsewhere += elsewhere;
  }

  /**
   * Ends a tick: the frames that a connected player gets. `isAnswered`: the push came back.
   * `isRead`: the player takes them; otherwise the state is skipped and the answers wait.
   */
  endTick(isAnswered: boolean, isRead = true): ShardMessage[] {
    this.tick += 1;
    const { tick } = this;
    const frames: ShardMessage[] = [];
    this.noteOwn();
    const last = this.uncounted.at(-1)?.[1] ?? this.counted;
    if (this.admitted > last) this.uncounted.push([this.tick, this.admitted]);
    if (!this.answered) {
      this.answered = true;
      this.isFolded = this.unread !== null;
      this.unread = [...(this.unread ?? []), ...this.refused];
      this.refused = [];
      this.ackedAt = tick;
    }
    if (isRead && this.unread !== null) {
      const { ackedAt, seq, tallies, unread, isFolded } = this;
      frames.push(ack({ tick: ackedAt, seq, tallies, refused: unread, folded: isFolded }));
      this.unread = null;
    }
    if (isAnswered) {
      this.counted = this.uncounted.at(-1)?.[1] ?? this.counted;
      this.uncounted = [];
    }
    this.copyDisk();
    this.hps = [...this.hps, this.hp].slice(-GAP_TICKS_MAX);
    const message = this.state();
    if (isRead && message[0] === ShardType.State && this.wants(message[1], frames.length > 0)) {
      this.base = message[1];
      frames.push(message);
    }
    return frames;
  }

  private state(): ShardMessage {
    const { tick, generation, hp, hpMax, hps } = this;
    const counted = (this.uncounted[0]?.[0] ?? tick + 1) - 1;
    const status = hp === 0 ? Status.Defeated : Status.Alive;
    const seconds = (Math.max(1, hps.length - 1) * TICK_MS) / 1_000;
    const rate = Math.floor(((hps[0] ?? hp) - hp) / seconds);
    return state({ tick, version: tick, generation, status, hp_max: hpMax, hp, counted, rate });
  }

  /** Whether the page gets this state: with an answer, or because it would see the difference. */
  private wants(now: State, isWritten: boolean): boolean {
    const { base } = this;
    if (this.every === 1 || isWritten || base === null) return true;
    const ticks = now.tick - base.tick;
    const isEvent = base.generation !== now.generation || base.status !== now.status;
    if (isEvent || ticks >= GAP_TICKS_MAX) return true;
    const own = this.ownUpTo(now.counted) - this.ownUpTo(base.counted);
    const errors = [0, 1].map((ahead) => {
      const shown = hpAfter(base, (ticks + ahead) * TICK_MS);
      return Math.abs(shown - hpAfter(now, ahead * TICK_MS));
    });
    return Math.max(...errors) + own >= this.hpMax / 2_000;
  }

  /** What a connection begins with. What waited for the one before is lost. */
  welcome(hasToken: boolean): ShardMessage[] {
    const { tick, seq, tallies, generation } = this;
    this.refused = [];
    this.unread = null;
    this.answered = true;
    this.isFolded = false;
    this.base = null;
    const greeting = welcome({ resumed: hasToken, tick, seq, tallies, generation });
    return [greeting, boss(generation, this.hpMax)];
  }

  /** The next life, once this one is over. */
  respawn(): void {
    if (this.hp > 0) return;
    this.generation += 1;
    this.copies = [];
    this.admitted = 0;
    this.counted = 0;
    this.elsewhere = 0;
    this.uncounted = [];
    this.hps = [];
    this.own = [];
  }

  /** Another process without this one's disk: what was not counted is lost, and the session. */
  loseDisk(): void {
    this.tick = 0;
    this.seq = 0;
    this.tallies = [];
    this.refused = [];
    this.unread = null;
    this.answered = true;
    this.admitted = this.counted;
    this.uncounted = [];
    this.copies = [];
    this.own = [];
  }

  private copyDisk(): void {
    const { tick, seq, admitted } = this;
    const tallies = this.tallies.map((tally) => ({ ...tally }));
    const uncounted = [...this.uncounted];
    this.copies.push(() => {
      this.tick = tick;
      this.seq = seq;
      this.tallies = tallies;
      this.own = this.own.filter(([accepted]) => accepted <= tick);
      this.refused = [];
      this.unread = null;
      this.answered = true;
      // What the truth has is not taken back.
      this.admitted = Math.max(admitted, this.counted);
      this.uncounted = uncounted.filter(([, total]) => total > this.counted);
    });
    if (this.copies.length > COPIES_MAX) this.copies.shift();
  }

  /** Another process with a disk of some ticks ago, and with the session as it was then. */
  rewindDisk(): void {
    this.copies[0]?.();
    this.copies = [];
  }
}

export type { Gen };
