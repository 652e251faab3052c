// The state of the game by Immer: what happened since the last frame becomes one new state.

import { produce } from 'immer';
import { toInputSeq } from './codec';
import type { Link } from './connection';
import type { Press } from './input';
import { press } from './input';
import type { Bar } from './interpolation';
import { advance, aim } from './interpolation';
import type { Pending, Uncounted } from './prediction';
import { predict, predictedHp, uncountedDamage } from './prediction';
import type {
  Ack,
  Board,
  BossSpec,
  Gen,
  InputSeq,
  PlayerId,
  ShardId,
  ShardMessage,
  SkillId,
  State,
  Tally,
  Tick,
  Token,
  Welcome,
} from './protocol';
import { RefusalReason, ShardType, Status } from './protocol';
import type { Answered, Books } from './reconciliation';
import * as reconciliation from './reconciliation';
import type { Replica } from './replica';
import * as replica from './replica';
import type { Victory } from './victory';
import { victory } from './victory';

/** Everything that the page shows. */
export interface Game extends Books, Replica {
  link: Link;
  name: string;
  session: { token: Token; player: PlayerId; shard: ShardId; generation: Gen } | null;
  spec: BossSpec | null;
  nextSeq: InputSeq;
  readyAt: Record<number, number>;
  pending: Pending[];
  tallies: Tally[];
  uncounted: Uncounted[];
  counted: number;
  unsure: Tick | null;
  bar: Bar | null;
  /** How far the bar may rise, because hits were taken back since it was aimed. */
  takenBack: number;
  /** Damage of the others in this generation, as far as this page saw it. */
  others: number;
  /** Own damage that the truth will count, or has counted, as if it were the others'. */
  ownAmongOthers: number;
  board: Board | null;
  /** What this player has got of the newest fallen boss. */
  victory: Victory | null;
  /** The life whose victory the player has put away. */
  dismissed: Gen | null;
  /** When this page saw the rewards of the current life announced. */
  rewardedAt: number | null;
  /** The newest things to show for a moment. */
  effects: Effect[];
  effectsLen: number;
}

/** Something to show for a moment. `id` counts them. */
export type Effect = { id: number } & Happening;

type Happening =
  | { kind: 'hit'; seq: InputSeq; skill: SkillId; damage: number }
  | { kind: 'crit'; damage: number }
  | { kind: 'taken back'; seq: InputSeq; damage: number; reason: RefusalReason | null }
  | { kind: 'others'; damage: number }
  | { kind: 'idle'; why: Extract<Press, { kind: 'idle' }>['why'] };

/** What can happen between two frames. */
export type Event =
  | { kind: 'press'; at: number; skill: SkillId }
  | { kind: 'message'; at: number; message: ShardMessage }
  | { kind: 'link'; link: Link }
  | { kind: 'join'; name: string }
  | { kind: 'dismiss' };

/** Effects that a view can still catch up with. */
const EFFECTS_MAX = 64;

export function newGame(): Game {
  return {
    link: { kind: 'idle' },
    name: '',
    session: null,
    spec: null,
    truth: null,
    at: 0,
    tick: null,
    nextSeq: toInputSeq(1),
    readyAt: {},
    pending: [],
    tallies: [],
    uncounted: [],
    counted: 0,
    unsure: null,
    bar: null,
    takenBack: 0,
    others: 0,
    ownAmongOthers: 0,
    board: null,
    victory: null,
    dismissed: null,
    rewardedAt: null,
    effects: [],
    effectsLen: 0,
  };
}

/** One frame, at `now`: everything that happened, then `ms` milliseconds of the bar's way. */
export function nextFrame(game: Game, events: readonly Event[], now: number, ms: number): Game {
  return produce(game, (draft) => {
    for (const event of events) handleEvent(draft, event);
    moveBar(draft, now, ms);
  });
}

function handleEvent(game: Game, event: Event): void {
  switch (event.kind) {
    case 'press':
      return handlePress(game, event.at, event.skill);
    case 'message':
      return handleMessage(game, event.at, event.message);
    case 'link':
      return handleLink(game, event.link);
    case 'join':
      game.name = event.name;
      return;
    case 'dismiss':
      game.dismissed = game.victory?.generation ?? null;
  }
}

function handlePress(game: Game, now: number, id: SkillId): void {
  if (game.session === null || isOver(game.link)) return;
  const pressed = press(now, game, id);
  if (pressed.kind === 'idle') return show(game, { kind: 'idle', why: pressed.why });
  const { hit, damage } = predict(game.pending, pressed.hit, pressed.skill);
  show(game, { kind: 'hit', seq: hit.seq, skill: hit.skill, damage });
}

function handleMessage(game: Game, now: number, message: ShardMessage): void {
  const [type, body] = message;
  switch (type) {
    case ShardType.Welcome:
      return handleWelcome(game, body);
    case ShardType.Ack:
      return handleAck(game, body);
    case ShardType.State:
      return handleState(game, now, body);
    case ShardType.Boss:
      game.spec = body.spec;
      return;
    case ShardType.Board:
      game.board = body;
      return;
    case ShardType.Spoils:
      game.victory = victory(body, game.spec, game.truth);
  }
}

function handleAck(game: Game, ack: Ack): void {
  const about = game.truth?.generation ?? game.session?.generation;
  if (about === undefined) return;
  handleAnswered(game, reconciliation.handleAck(game, ack, about));
}

function handleWelcome(game: Game, welcome: Welcome): void {
  const isNew = game.session === null;
  const about = game.truth?.generation ?? welcome.generation;
  // A page that was loaded anew has nothing to compare the tallies with.
  if (isNew) game.tallies = welcome.tallies;
  const answered = reconciliation.handleWelcome(game, welcome, about);
  const { session: token, player, shard, generation } = welcome;
  game.session = { token, player, shard, generation };
  if (!welcome.resumed && openVictory(game) === null) {
    // What another player had won and put away says nothing of this one.
    game.victory = null;
    game.dismissed = null;
  }
  game.nextSeq = welcome.resumed
    ? toInputSeq(Math.max(game.nextSeq, welcome.seq + 1))
    : toInputSeq(welcome.seq + 1);
  replica.restart(game);
  handleAnswered(game, answered);
}

function handleAnswered(game: Game, answered: Answered): void {
  game.takenBack += answered.excess;
  game.ownAmongOthers += answered.unsure;
  for (const { pending, reason } of answered.takenBack) {
    const { hit, damage } = pending;
    // What was not used does not cool down.
    if (reason !== RefusalReason.Cooldown) delete game.readyAt[hit.skill];
    show(game, { kind: 'taken back', seq: hit.seq, damage, reason });
  }
  if (answered.bonus > 0) show(game, { kind: 'crit', damage: answered.bonus });
}

function handleState(game: Game, now: number, state: State): void {
  const { truth: before, tick } = game;
  if (!replica.learn(now, game, state)) return;
  const own = uncountedDamage(game.uncounted, state.generation);
  reconciliation.handleCounted(game, state.counted);
  // A change that fell between two connections was not seen: nobody knows how long ago it was.
  const seen = tick === null ? null : before;
  noteRewards(game, now, seen, state);
  if (before?.generation !== state.generation) {
    game.others = 0;
    game.ownAmongOthers = 0;
    return;
  }
  const counted = own - uncountedDamage(game.uncounted, state.generation);
  noteOthers(game, before.hp - state.hp - counted);
}

/** From the announcement on the next life is as far away as the scenario says, if it was seen. */
function noteRewards(game: Game, now: number, before: State | null, state: State): void {
  if (state.status !== Status.Rewarded) game.rewardedAt = null;
  else if (before !== null && before.status !== Status.Rewarded) game.rewardedAt = now;
}

/** Damage of the others is what the truth lost less what is known to be this player's. */
function noteOthers(game: Game, damage: number): void {
  const own = Math.min(Math.max(damage, 0), game.ownAmongOthers);
  game.ownAmongOthers -= own;
  const others = damage - own;
  if (others <= 0) return;
  game.others += others;
  show(game, { kind: 'others', damage: others });
}

/** The victory that the player has not put away. */
export function openVictory({ victory, dismissed }: Game): Victory | null {
  return victory?.generation === dismissed ? null : victory;
}

/** Milliseconds until the next life; null if nobody knows. */
export function nextLifeMs(now: number, { rewardedAt, spec }: Game): number | null {
  if (rewardedAt === null || spec === null) return null;
  return Math.max(0, rewardedAt + spec.timing.respawn_s * 1_000 - now);
}

/** Whether a link will not come back by itself. Then nothing can be hit. */
export function isOver(link: Link): boolean {
  switch (link.kind) {
    case 'idle':
    case 'connecting':
    case 'live':
    case 'waiting':
      return false;
    case 'gone':
    case 'replaced':
    case 'outdated':
    case 'unwelcome':
      return true;
  }
}

/** A link that will not come back by itself takes the unanswered hits with it. */
function handleLink(game: Game, link: Link): void {
  game.link = link;
  if (!isOver(link) || game.truth === null) return;
  handleAnswered(game, reconciliation.takeBackAll(game, game.truth.generation));
}

function moveBar(game: Game, now: number, ms: number): void {
  const { truth } = game;
  const hp = replica.hpAt(now, game);
  if (truth === null || hp === null) return;
  const { generation, hp_max: hpMax, rate } = truth;
  const target = {
    generation,
    hpMax,
    hp: predictedHp(hp, generation, game.uncounted, game.pending),
    rate,
    isSettled: reconciliation.isSettled(game),
  };
  const bar = aim(game.bar, target, game.takenBack);
  game.takenBack = 0;
  game.bar = { ...bar, shown: advance(bar, ms) };
}

function show(game: Game, happening: Happening): void {
  game.effectsLen += 1;
  game.effects.push({ id: game.effectsLen, ...happening });
  if (game.effects.length > EFFECTS_MAX) game.effects.shift();
}
