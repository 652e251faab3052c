// What a player and a shard say to each other: the types that the codec reads and writes.

/** A number that means one thing: made by the codec, never mixed with another one. */
type Branded<Name extends string> = number & { readonly __brand: Name };

/** One life of a boss, from 1. */
export type Gen = Branded<'Gen'>;
/** A session's own count of hits, from 1. */
export type InputSeq = Branded<'InputSeq'>;
/** A skill of a boss's scenario. */
export type SkillId = Branded<'SkillId'>;
/** A shard's fixed step. */
export type Tick = Branded<'Tick'>;
/** A position in the boss's log. */
export type Version = Branded<'Version'>;
/** A player. */
export type PlayerId = Branded<'PlayerId'>;
/** A shard's label. */
export type ShardId = Branded<'ShardId'>;
/** The secret that resumes a session, as 32 hexadecimal digits. */
export type Token = string & { readonly __brand: 'Token' };

export const PROTOCOL = 1;
export const SUBPROTOCOL = 'worldboss.v1';
/** Characters of a player's name. */
export const NAME_CHARS_MAX = 24;

/** The first number of a player's message. */
export const PlayerType = { Hello: 1, Hit: 2 } as const;
/** The first number of a shard's message. */
export const ShardType = { Welcome: 1, Ack: 2, State: 3, Boss: 4 } as const;

/** Where a generation is in its life. */
export const Status = { Unknown: 0, Alive: 1, Defeated: 2, Collecting: 3, Closed: 4 } as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Why a hit was refused. */
export const Reason = {
  Unknown: 0,
  Generation: 1,
  Defeated: 2,
  Skill: 3,
  Cooldown: 4,
  Rate: 5,
  NotReady: 6,
  Full: 7,
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];

/** Close codes after which this client does something else than to come back by itself. */
export const CloseCode = {
  Framing: 1002,
  Text: 1003,
  TooLarge: 1009,
  Restart: 1012,
  TryLater: 1013,
  HelloExpected: 4000,
  Malformed: 4002,
  UnknownType: 4003,
  Protocol: 4004,
  Field: 4005,
  Replaced: 4006,
} as const;

export interface Hello {
  protocol: number;
  name: string;
  /** The session to resume. */
  session: Token | null;
  /** Ticks from one state frame to the next. */
  every: number;
}

export interface Hit {
  /** The generation that the player sees. In another one the hit is refused. */
  generation: Gen;
  seq: InputSeq;
  skill: SkillId;
}

export interface Tally {
  generation: Gen;
  hits: number;
  damage: number;
  late: number;
}

export interface Welcome {
  session: Token;
  player: PlayerId;
  /** Whether the session that Hello named goes on. */
  resumed: boolean;
  shard: ShardId;
  tick_ms: number;
  tick: Tick;
  generation: Gen;
  /** The last input sequence that is answered. */
  seq: InputSeq;
  tallies: Tally[];
}

export interface Refusal {
  seq: InputSeq;
  reason: Reason;
}

export interface Ack {
  tick: Tick;
  seq: InputSeq;
  tallies: Tally[];
  refused: Refusal[];
}

/** The boss as a shard knows it. */
export interface State {
  tick: Tick;
  version: Version;
  generation: Gen;
  status: Status;
  phase: number;
  hp_max: number;
  hp: number;
  predicted: number;
  rate: number;
  age_ms: number;
  /** The truth counts every hit that was accepted up to this tick. */
  counted: Tick;
  players: number;
}

export interface Phase {
  name: string;
  percent: number;
}

export interface Skill {
  id: SkillId;
  name: string;
  damage: number;
  crit_percent: number;
  crit_damage_percent: number;
  cooldown_ms: number;
}

export interface Timing {
  tick_ms: number;
  collect_s: number;
  respawn_s: number;
}

export interface BossSpec {
  name: string;
  hp_max: number;
  phases: Phase[];
  skills: Skill[];
  timing: Timing;
}

export interface BossCard {
  generation: Gen;
  spec: BossSpec;
}

export type PlayerMessage =
  | [type: typeof PlayerType.Hello, body: Hello]
  | [type: typeof PlayerType.Hit, body: Hit];

export type ShardMessage =
  | [type: typeof ShardType.Welcome, body: Welcome]
  | [type: typeof ShardType.Ack, body: Ack]
  | [type: typeof ShardType.State, body: State]
  | [type: typeof ShardType.Boss, body: BossCard];
