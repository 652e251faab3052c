// Hop 1, input: a press becomes a Hit: generation, input sequence, skill.

import { toInputSeq } from './codec';
import type { BossSpec, Hit, InputSeq, Skill, SkillId, State } from './protocol';
import { Status } from './protocol';

/** Hits that may wait for their answer. More presses are not taken until some are answered. */
export const PENDING_MAX = 64;

/** The shard measures a cooldown between arrivals, which come less evenly than presses. */
const COOLDOWN_MARGIN_MS = 150;

/** What a press depends on. */
export interface Inputs {
  spec: BossSpec | null;
  truth: State | null;
  /** The sequence of the next hit. */
  nextSeq: InputSeq;
  /** When each used skill may be used again. */
  readyAt: Record<number, number>;
  pending: { readonly length: number };
}

/** Why a press is no hit. */
export type Idle = 'nothing to hit' | 'defeated' | 'cooling down' | 'too many unanswered hits';

export type Press = { kind: 'hit'; hit: Hit; skill: Skill } | { kind: 'idle'; why: Idle };

/** Makes a hit of a press, or says why not. */
export function press(now: number, inputs: Inputs, id: SkillId): Press {
  const { spec, truth, nextSeq } = inputs;
  const skill = spec?.skills.find((other) => other.id === id);
  if (!truth || !skill) return idle('nothing to hit');
  if (!canBeHit(truth)) return idle('defeated');
  if (cooldownLeft(now, inputs, skill) > 0) return idle('cooling down');
  if (inputs.pending.length >= PENDING_MAX) return idle('too many unanswered hits');
  const hit = { generation: truth.generation, seq: nextSeq, skill: id };
  inputs.nextSeq = toInputSeq(nextSeq + 1);
  if (skill.cooldown_ms > 0) inputs.readyAt[id] = now + skill.cooldown_ms + COOLDOWN_MARGIN_MS;
  return { kind: 'hit', hit, skill };
}

/** Without HP it takes no more damage, whatever may still be said of its status. */
export function canBeHit(truth: State): boolean {
  return truth.status === Status.Alive && truth.hp > 0;
}

/** Milliseconds until a skill may be used again. */
export function cooldownLeft(now: number, inputs: Pick<Inputs, 'readyAt'>, skill: Skill): number {
  return Math.max(0, (inputs.readyAt[skill.id] ?? 0) - now);
}

function idle(why: Idle): Press {
  return { kind: 'idle', why };
}

/** The skill of a key, by its place: 1, 2, 3 and so on; Space and Enter are the first one. */
export function skillOfKey(spec: BossSpec | null, key: string): SkillId | null {
  if (key === ' ' || key === 'Enter') return spec?.skills[0]?.id ?? null;
  return /^[1-9]$/.test(key) ? (spec?.skills[Number(key) - 1]?.id ?? null) : null;
}
