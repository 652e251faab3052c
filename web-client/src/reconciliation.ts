// Hop 16, reconciliation: answered hits leave pending.

import type { Pending, Uncounted } from './prediction';
import { pendingDamage, uncountedDamage } from './prediction';
import type { Ack, Gen, InputSeq, RefusalReason, Tally, Tick, Welcome } from './protocol';

/** What reconciliation changes. */
export interface Books {
  pending: Pending[];
  /** What the session's hits did, per generation, as last told. */
  tallies: Tally[];
  uncounted: Uncounted[];
  /** The truth counts every hit that was accepted up to this tick. */
  counted: number;
  /** The tick up to which hits were answered without telling when they were accepted. */
  unsure: Tick | null;
}

/** A hit that does not count. Without a reason, the answer that named it was lost. */
export interface TakenBack {
  pending: Pending;
  reason: RefusalReason | null;
}

/** What an answer did to the hits that it answers. */
export interface Answered {
  takenBack: TakenBack[];
  /** Damage of the accepted ones in the generation that was asked about. */
  accepted: number;
  /** The part of it that the truth may have counted already: nobody said when it was accepted. */
  unsure: number;
  /** The part of it that was not predicted: critical hits. */
  bonus: number;
  /**
   * How far the predictions for that generation were above what was accepted, and what was accepted
   * before and is taken back.
   */
  excess: number;
}

/** Generations whose tallies are kept, as the shard keeps them. */
const TALLIES_MAX = 4;

/**
 * Takes in what became of this session's hits. If it is several answers in one, its tick is not the
 * one of every hit.
 */
export function handleAck(books: Books, ack: Ack, generation: Gen): Answered {
  const before = books.tallies.map((tally) => ({ ...tally }));
  const tallies = merged(books.tallies, ack.tallies);
  const answered = answer(books, ack.seq, tallies, ack.refused, generation);
  if (ack.folded) {
    books.unsure = ack.tick;
    return { ...answered, unsure: answered.accepted };
  }
  for (const tally of ack.tallies) {
    const damage = tally.damage - damageOf(before, tally.generation);
    if (damage > 0 && ack.tick > books.counted) {
      books.uncounted.push({ generation: tally.generation, tick: ack.tick, damage });
    }
  }
  return answered;
}

/**
 * Takes in the answer to Hello. A resumed session says how far it is answered, and its tallies how
 * many of those hits were accepted. Their damage may be in the truth already: it is not predicted.
 */
export function handleWelcome(books: Books, welcome: Welcome, generation: Gen): Answered {
  const tallies = welcome.tallies.slice(-TALLIES_MAX);
  books.unsure = welcome.tick;
  if (welcome.resumed) {
    // A shard whose disk is an older one knows nothing of later ticks, and reaches them once more.
    // What it took back with them, its tallies lack, for they are all that the session has.
    books.counted = Math.min(books.counted, welcome.tick);
    books.uncounted = books.uncounted.filter(({ tick }) => tick <= welcome.tick);
    const answered = answer(books, welcome.seq, tallies, [], generation);
    return { ...answered, unsure: answered.accepted };
  }
  const answered = takeBackAll(books, generation);
  // What was accepted and not counted may be lost with the session.
  answered.excess += uncountedDamage(books.uncounted, generation);
  books.uncounted = [];
  books.tallies = tallies;
  books.counted = 0;
  return answered;
}

/** Gives up on every unanswered hit. */
export function takeBackAll(books: Books, generation: Gen): Answered {
  const excess = pendingDamage(books.pending, generation);
  const takenBack = books.pending.map((pending) => ({ pending, reason: null }));
  books.pending = [];
  return { takenBack, accepted: 0, unsure: 0, bonus: 0, excess };
}

/** The truth counts every hit that was accepted up to this tick. */
export function handleCounted(books: Books, counted: Tick): void {
  books.counted = counted;
  books.uncounted = books.uncounted.filter(({ tick }) => tick > counted);
  if (books.unsure !== null && books.unsure <= counted) books.unsure = null;
}

/** Whether the newest truth holds every hit that this player ever made. */
export function isSettled(books: Books): boolean {
  return books.pending.length === 0 && books.uncounted.length === 0 && books.unsure === null;
}

/** This session's damage in a generation, as last told. */
export function damageOf(tallies: readonly Tally[], generation: Gen): number {
  return tallies.find((tally) => tally.generation === generation)?.damage ?? 0;
}

function hitsOf(tallies: readonly Tally[], generation: Gen): number {
  return tallies.find((tally) => tally.generation === generation)?.hits ?? 0;
}

/** Enters an answer. `tallies` are all that the session has now. */
function answer(
  books: Books,
  seq: InputSeq,
  tallies: Tally[],
  refused: Ack['refused'],
  generation: Gen,
): Answered {
  const gone = books.pending.filter(({ hit }) => hit.seq <= seq);
  const before = books.tallies;
  books.pending = books.pending.filter(({ hit }) => hit.seq > seq);
  books.tallies = tallies;
  const reasons = new Map<InputSeq, RefusalReason>(refused.map(({ seq, reason }) => [seq, reason]));
  const takenBack: TakenBack[] = [];
  for (const gen of new Set(gone.map(({ hit }) => hit.generation))) {
    const hits = gone.filter(({ hit }) => hit.generation === gen);
    const named = hits.filter(({ hit }) => reasons.has(hit.seq));
    takenBack.push(
      ...named.map((hit) => ({ pending: hit, reason: reasons.get(hit.hit.seq) ?? null })),
    );
    // The tallies tell how many were accepted. Which ones of the rest were not, nobody says.
    const unnamed = hits.filter((hit) => !named.includes(hit));
    const accepted = hitsOf(tallies, gen) - hitsOf(before, gen);
    const lost = Math.min(unnamed.length, Math.max(0, unnamed.length - accepted));
    const last = unnamed.slice(unnamed.length - lost);
    takenBack.push(...last.map((pending) => ({ pending, reason: null })));
  }
  // Below zero, accepted hits were taken back.
  const grown = damageOf(tallies, generation) - damageOf(before, generation);
  const accepted = Math.max(0, grown);
  const predicted = pendingDamage(gone, generation);
  const refusedDamage = pendingDamage(
    takenBack.map(({ pending }) => pending),
    generation,
  );
  const bonus = Math.max(0, accepted - (predicted - refusedDamage));
  const excess = Math.max(0, predicted - grown);
  return { takenBack, accepted, unsure: 0, bonus, excess };
}

/** Newer tallies replace older ones of the same generation. */
function merged(tallies: readonly Tally[], newer: readonly Tally[]): Tally[] {
  const kept = tallies.filter((old) => !newer.some((tally) => tally.generation === old.generation));
  const all = [...kept, ...newer];
  return all.sort((a, b) => a.generation - b.generation).slice(-TALLIES_MAX);
}
