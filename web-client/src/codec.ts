// MessagePack in and out: bytes become checked values here, and nowhere else.

import { Decoder, Encoder } from '@msgpack/msgpack';
import type {
  Ack,
  BossCard,
  BossSpec,
  Gen,
  Hello,
  Hit,
  InputSeq,
  Phase,
  PlayerId,
  PlayerMessage,
  Refusal,
  ShardId,
  ShardMessage,
  Skill,
  SkillId,
  State,
  Tally,
  Tick,
  Timing,
  Token,
  Version,
  Welcome,
} from './protocol';
import * as protocol from './protocol';

/** Bytes that are not a message of this protocol. */
export class DecodeError extends Error {}

/** How one value travels. `at` names the value in an error. */
interface Form<T> {
  read(wire: unknown, at: string): T;
  write(value: T): unknown;
}

const same = <T>(value: T): unknown => value;

/** A whole number from 0 to `max`. */
function integer<T extends number = number>(max: number): Form<T> {
  return {
    read(wire, at) {
      const value = typeof wire === 'bigint' ? bounded(wire) : wire;
      if (typeof value !== 'number' || !Number.isInteger(value) || !(0 <= value && value <= max)) {
        throw new DecodeError(`${at} is no integer from 0 to ${max}`);
      }
      return value as T;
    },
    write: same,
  };
}

/** 64-bit integers come as bigint. Those beyond 2^53 - 1 have no exact number. */
function bounded(wire: bigint): number {
  return wire <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wire) : Number.POSITIVE_INFINITY;
}

const u8 = integer(0xff);
const u16 = integer(0xffff);
const u32 = integer(0xffff_ffff);
const int53 = integer(Number.MAX_SAFE_INTEGER);
const generation = integer<Gen>(0xffff_ffff);
const inputSeq = integer<InputSeq>(0xffff_ffff);
const skillId = integer<SkillId>(0xff);
const tick = integer<Tick>(Number.MAX_SAFE_INTEGER);
const version = integer<Version>(Number.MAX_SAFE_INTEGER);

const text: Form<string> = {
  read(wire, at) {
    if (typeof wire !== 'string') throw new DecodeError(`${at} is not a text`);
    return wire;
  },
  write: same,
};

const bool: Form<boolean> = {
  read(wire, at) {
    if (typeof wire !== 'boolean') throw new DecodeError(`${at} is not true or false`);
    return wire;
  },
  write: same,
};

const token: Form<Token> = {
  read(wire, at) {
    if (!(wire instanceof Uint8Array) || wire.length !== 16) {
      throw new DecodeError(`${at} is not 16 bytes`);
    }
    return Array.from(wire, (byte) => byte.toString(16).padStart(2, '0')).join('') as Token;
  },
  write: (value) => Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
};

/** One of the numbers of a table of codes; `Unknown` for those of a newer shard. */
function code<T extends number>(codes: Record<string, T> & { Unknown: T }): Form<T> {
  const all: number[] = Object.values(codes);
  return {
    read(wire, at) {
      const value = u8.read(wire, at);
      return all.includes(value) ? (value as T) : codes.Unknown;
    },
    write: same,
  };
}

function optional<T>(inner: Form<T>): Form<T | null> {
  return {
    read: (wire, at) => (wire === null ? null : inner.read(wire, at)),
    write: (value) => (value === null ? null : inner.write(value)),
  };
}

function list<T>(inner: Form<T>): Form<T[]> {
  return {
    read(wire, at) {
      if (!Array.isArray(wire)) throw new DecodeError(`${at} is not a list`);
      return wire.map((item, index) => inner.read(item, `${at}[${index}]`));
    },
    write: (value) => value.map((item) => inner.write(item)),
  };
}

/** A table of fields in the order in which they travel, as an array without names. */
function record<T extends object>(fields: { readonly [K in keyof T]-?: Form<T[K]> }): Form<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return {
    read(wire, at) {
      if (!Array.isArray(wire) || wire.length !== names.length) {
        throw new DecodeError(`${at} is not a list of ${names.length} fields`);
      }
      const entries = names.map((name, index) => {
        return [name, fields[name].read(wire[index], `${at}.${name}`)];
      });
      return Object.fromEntries(entries) as T;
    },
    write: (value) => names.map((name) => fields[name].write(value[name])),
  };
}

const hello = record<Hello>({ protocol: u16, name: text, session: optional(token), every: u8 });
const hit = record<Hit>({ generation, seq: inputSeq, skill: skillId });
const tally = record<Tally>({ generation, hits: u32, damage: int53, late: int53 });
const welcome = record<Welcome>({
  session: token,
  player: integer<PlayerId>(Number.MAX_SAFE_INTEGER),
  resumed: bool,
  shard: integer<ShardId>(0xffff),
  tick_ms: u16,
  tick,
  generation,
  seq: inputSeq,
  tallies: list(tally),
});
const refusal = record<Refusal>({ seq: inputSeq, reason: code(protocol.Reason) });
const ack = record<Ack>({ tick, seq: inputSeq, tallies: list(tally), refused: list(refusal) });
const state = record<State>({
  tick,
  version,
  generation,
  status: code(protocol.Status),
  phase: u8,
  hp_max: int53,
  hp: int53,
  predicted: int53,
  rate: int53,
  age_ms: int53,
  counted: tick,
  players: u32,
});
const phase = record<Phase>({ name: text, percent: u8 });
const skill = record<Skill>({
  id: skillId,
  name: text,
  damage: u32,
  crit_percent: u8,
  crit_damage_percent: u16,
  cooldown_ms: u32,
});
const timing = record<Timing>({ tick_ms: u16, collect_s: u16, respawn_s: u16 });
const spec = record<BossSpec>({
  name: text,
  hp_max: int53,
  phases: list(phase),
  skills: list(skill),
  timing,
});
const boss = record<BossCard>({ generation, spec });

const { PlayerType, ShardType } = protocol;
const PLAYER = { [PlayerType.Hello]: hello, [PlayerType.Hit]: hit } as const;
const SHARD = {
  [ShardType.Welcome]: welcome,
  [ShardType.Ack]: ack,
  [ShardType.State]: state,
  [ShardType.Boss]: boss,
} as const;

const BYTES_MAX = 64 * 1024;
const encoder = new Encoder();
const decoder = new Decoder({
  useBigInt64: true,
  maxStrLength: BYTES_MAX,
  maxBinLength: BYTES_MAX,
  maxArrayLength: BYTES_MAX,
  maxMapLength: 0,
  maxExtLength: 0,
});

/** Reads `[type, body]`, or gives null for a type that this client does not know. */
function decode<M>(forms: Record<number, Form<unknown>>, bytes: Uint8Array): M | null {
  let wire: unknown;
  try {
    wire = decoder.decode(bytes);
  } catch (error) {
    throw new DecodeError(error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(wire)) throw new DecodeError('a message is a list of a type and a body');
  const type = u32.read(wire[0], 'type');
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (form === undefined) return null;
  if (wire.length !== 2) throw new DecodeError('a message is a list of a type and a body');
  return [type, form.read(wire[1], 'body')] as M;
}

function encode(forms: Record<number, Form<unknown>>, [type, body]: readonly [number, unknown]) {
  const form = forms[type];
  if (form === undefined) throw new Error(`there is no message type ${type}`);
  return encoder.encode([type, form.write(body)]);
}

/** A message from a shard; null if a newer shard says something that this client does not know. */
export function decodeShard(bytes: Uint8Array): ShardMessage | null {
  return decode<ShardMessage>(SHARD, bytes);
}

export function encodePlayer(message: PlayerMessage): Uint8Array<ArrayBuffer> {
  return encode(PLAYER, message);
}

/** The other side's half, for tests that play a shard. */
export function decodePlayer(bytes: Uint8Array): PlayerMessage | null {
  return decode<PlayerMessage>(PLAYER, bytes);
}

/** The other side's half, for tests that play a shard. */
export function encodeShard(message: ShardMessage): Uint8Array<ArrayBuffer> {
  return encode(SHARD, message);
}

/** An input sequence; throws what is none. */
export function toInputSeq(value: number): InputSeq {
  return inputSeq.read(value, 'input sequence');
}

/** A token from the browser's storage; null if it is none. */
export function parseToken(stored: string | null): Token | null {
  return stored !== null && /^[0-9a-f]{32}$/.test(stored) ? (stored as Token) : null;
}
