// Generated from the types of the same names in Rust. Change those, and this follows.

import * as u from '../ucore';

export type Token = u.Branded<string, 'Token'>;
export const Token: u.Form<Token> = u.named('Token', u.bytes(16));

export interface Hello {
  protocol: number;
  name: string;
  session: Token | null;
  every: number;
}
export const Hello: u.Form<Hello> = u.record('Hello', {
  protocol: u.u16,
  name: u.text,
  session: u.option(Token),
  every: u.u8,
});

export type Gen = u.Branded<number, 'Gen'>;
export const Gen: u.Form<Gen> = u.named('Gen', u.u32);

export type InputSeq = u.Branded<number, 'InputSeq'>;
export const InputSeq: u.Form<InputSeq> = u.named('InputSeq', u.u32);

export type SkillId = u.Branded<number, 'SkillId'>;
export const SkillId: u.Form<SkillId> = u.named('SkillId', u.u8);

export interface Hit {
  generation: Gen;
  seq: InputSeq;
  skill: SkillId;
}
export const Hit: u.Form<Hit> = u.record('Hit', {
  generation: Gen,
  seq: InputSeq,
  skill: SkillId,
});

export type PlayerId = u.Branded<number, 'PlayerId'>;
export const PlayerId: u.Form<PlayerId> = u.named('PlayerId', u.u64);

export type ShardId = u.Branded<number, 'ShardId'>;
export const ShardId: u.Form<ShardId> = u.named('ShardId', u.u16);

export type Tick = u.Branded<number, 'Tick'>;
export const Tick: u.Form<Tick> = u.named('Tick', u.u64);

export interface Tally {
  generation: Gen;
  hits: number;
  damage: number;
  late: number;
}
export const Tally: u.Form<Tally> = u.record('Tally', {
  generation: Gen,
  hits: u.u32,
  damage: u.u64,
  late: u.u64,
});

export interface Welcome {
  session: Token;
  player: PlayerId;
  resumed: boolean;
  shard: ShardId;
  tick_ms: number;
  tick: Tick;
  generation: Gen;
  seq: InputSeq;
  tallies: Tally[];
}
export const Welcome: u.Form<Welcome> = u.record('Welcome', {
  session: Token,
  player: PlayerId,
  resumed: u.bool,
  shard: ShardId,
  tick_ms: u.u16,
  tick: Tick,
  generation: Gen,
  seq: InputSeq,
  tallies: u.list(Tally),
});

export const RefusalReason = u.codes('RefusalReason', u.u8, {
  Unknown: 0,
  Generation: 1,
  Defeated: 2,
  Skill: 3,
  Cooldown: 4,
  Rate: 5,
  NotReady: 6,
  Full: 7,
});
export type RefusalReason = u.Value<typeof RefusalReason>;

export interface Refusal {
  seq: InputSeq;
  reason: RefusalReason;
}
export const Refusal: u.Form<Refusal> = u.record('Refusal', {
  seq: InputSeq,
  reason: RefusalReason,
});

export interface Ack {
  tick: Tick;
  seq: InputSeq;
  tallies: Tally[];
  refused: Refusal[];
  folded: boolean;
}
export const Ack: u.Form<Ack> = u.record('Ack', {
  tick: Tick,
  seq: InputSeq,
  tallies: u.list(Tally),
  refused: u.list(Refusal),
  folded: u.bool,
});

export type Version = u.Branded<number, 'Version'>;
export const Version: u.Form<Version> = u.named('Version', u.u64);

export const Status = u.codes('Status', u.u8, {
  Unknown: 0,
  Alive: 1,
  Defeated: 2,
  Collecting: 3,
  Closed: 4,
  Credited: 5,
  Rewarded: 6,
});
export type Status = u.Value<typeof Status>;

export interface State {
  tick: Tick;
  version: Version;
  hp: number;
  predicted: number;
  rate: number;
  age_ms: number;
  counted: Tick;
  generation: Gen;
  status: Status;
  phase: number;
  hp_max: number;
  players: number;
  tick_ms: number;
}
export const State: u.Form<State> = u.struct('State', {
  tick: [0, Tick],
  version: [1, Version],
  hp: [2, u.u64],
  predicted: [3, u.u64],
  rate: [4, u.u64],
  age_ms: [5, u.u64],
  counted: [6, Tick],
  generation: [7, Gen],
  status: [8, Status],
  phase: [9, u.u8],
  hp_max: [10, u.u64],
  players: [11, u.u32],
  tick_ms: [12, u.u16],
});

export interface Phase {
  name: string;
  percent: number;
}
export const Phase: u.Form<Phase> = u.record('Phase', {
  name: u.text,
  percent: u.u8,
});

export interface Skill {
  id: SkillId;
  name: string;
  damage: number;
  crit_percent: number;
  crit_damage_percent: number;
  cooldown_ms: number;
}
export const Skill: u.Form<Skill> = u.record('Skill', {
  id: SkillId,
  name: u.text,
  damage: u.u32,
  crit_percent: u.u8,
  crit_damage_percent: u.u16,
  cooldown_ms: u.u32,
});

export interface Timing {
  tick_ms: number;
  collect_s: number;
  respawn_s: number;
}
export const Timing: u.Form<Timing> = u.record('Timing', {
  tick_ms: u.u16,
  collect_s: u.u16,
  respawn_s: u.u16,
});

export const Missing = u.codes('Missing', u.u8, {
  Unknown: 0,
  Apply: 1,
  Discard: 2,
});
export type Missing = u.Value<typeof Missing>;

export type RewardId = u.Branded<number, 'RewardId'>;
export const RewardId: u.Form<RewardId> = u.named('RewardId', u.u8);

export interface Reward {
  id: RewardId;
  name: string;
  top_percent: number;
  chance_percent: number;
}
export const Reward: u.Form<Reward> = u.record('Reward', {
  id: RewardId,
  name: u.text,
  top_percent: u.u8,
  chance_percent: u.u8,
});

export interface BossSpec {
  name: string;
  hp_max: number;
  phases: Phase[];
  skills: Skill[];
  timing: Timing;
  missing: Missing;
  rewards: Reward[];
}
export const BossSpec: u.Form<BossSpec> = u.record('BossSpec', {
  name: u.text,
  hp_max: u.u64,
  phases: u.list(Phase),
  skills: u.list(Skill),
  timing: Timing,
  missing: Missing,
  rewards: u.list(Reward),
});

export interface BossCard {
  generation: Gen;
  spec: BossSpec;
}
export const BossCard: u.Form<BossCard> = u.record('BossCard', {
  generation: Gen,
  spec: BossSpec,
});

export interface Standing {
  player: PlayerId;
  name: string;
  damage: number;
}
export const Standing: u.Form<Standing> = u.record('Standing', {
  player: PlayerId,
  name: u.text,
  damage: u.u64,
});

export interface Mark {
  rank: number;
  damage: number;
}
export const Mark: u.Form<Mark> = u.record('Mark', {
  rank: u.u32,
  damage: u.u64,
});

export interface Board {
  generation: Gen;
  players: number;
  top: Standing[];
  marks: Mark[];
}
export const Board: u.Form<Board> = u.record('Board', {
  generation: Gen,
  players: u.u32,
  top: u.list(Standing),
  marks: u.list(Mark),
});

export interface Share {
  player: PlayerId;
  rank: number;
  damage: number;
  credit: number;
  rewards: RewardId[];
}
export const Share: u.Form<Share> = u.record('Share', {
  player: PlayerId,
  rank: u.u32,
  damage: u.u64,
  credit: u.u64,
  rewards: u.list(RewardId),
});

export interface Spoils {
  generation: Gen;
  share: Share;
  players: number;
}
export const Spoils: u.Form<Spoils> = u.record('Spoils', {
  generation: Gen,
  share: Share,
  players: u.u32,
});

export const CloseCode = u.codes('CloseCode', u.u16, {
  Unknown: 0,
  Framing: 1002,
  Text: 1003,
  TooLarge: 1009,
  Restart: 1012,
  TryLater: 1013,
  HelloExpected: 4000,
  HelloTimeout: 4001,
  Malformed: 4002,
  UnknownType: 4003,
  Protocol: 4004,
  Field: 4005,
  Replaced: 4006,
  Flood: 4008,
});
export type CloseCode = u.Value<typeof CloseCode>;

export const PROTOCOL = 4;
export const SUBPROTOCOL = 'worldboss.v4';
export const NAME_CHARS_MAX = 24;
export const FRAME_EVERY_MAX = 50;
export const RECKON_MS_MAX = 1500;
