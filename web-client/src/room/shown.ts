// What the war room shows: its state and own changes on the way, made ready to be drawn.

import type { CallKind, Marker, RoomNote, WarRoom } from '../generated/room';
import type { Status } from '../shared/member';

/** Calls in the panel, the newest first. */
const CALLS_SHOWN = 4;

/** Something shown, and whether the server does not have it yet. */
export interface Shown<T> {
  value: T;
  isPending: boolean;
}

/** The newest question who is ready. */
export interface Question {
  round: number;
  answers: Shown<{ by: string; isReady: boolean }>[];
  /** What this player has answered. */
  own: boolean | null;
}

export interface Picture {
  markers: Map<number, Shown<Marker>>;
  calls: Shown<{ kind: CallKind; by: string }>[];
  /** None before anybody has asked. */
  question: Question | null;
  notes: Shown<RoomNote>[];
  link: Line;
}

/** A line about the link, and whether it is well. */
export interface Line {
  text: string;
  tone: 'good' | 'wait' | 'bad';
}

/** Makes the picture of what the server has, and what this player has made of it. */
export function pictureOf(state: WarRoom, view: WarRoom, status: Status, name: string): Picture {
  const markers = new Map(
    Array.from(view.markers, ([number, value]) => {
      return [number, { value, isPending: state.markers.get(number) !== value }];
    }),
  );
  const calls = shown(view.calls, state.calls).slice(-CALLS_SHOWN).toReversed();
  const link = line(status);
  return { markers, calls, question: question(state, view, name), notes: notes(state, view), link };
}

function notes(state: WarRoom, view: WarRoom): Shown<RoomNote>[] {
  return shown(view.notes, state.notes);
}

/** What is the same object has not changed. */
function shown<T>(view: readonly T[], state: readonly T[]): Shown<T>[] {
  if (view === state) return view.map((value) => ({ value, isPending: false }));
  const known = new Set(state);
  return view.map((value) => ({ value, isPending: !known.has(value) }));
}

function question(state: WarRoom, view: WarRoom, name: string): Question | null {
  const { round, ready } = view;
  if (round === 0 && ready.size === 0) return null;
  const isAsked = state.round === round;
  const answers = Array.from(ready, ([by, isReady]) => {
    return { value: { by, isReady }, isPending: !isAsked || state.ready.get(by) !== isReady };
  });
  answers.sort(({ value: one }, { value: other }) => {
    return Number(other.isReady) - Number(one.isReady) || (one.by < other.by ? -1 : 1);
  });
  return { round, answers, own: ready.get(name) ?? null };
}

/** How it stands with the link, and with own changes. */
export function line(status: Status): Line {
  const { kind, why, pending } = status;
  const waiting = pending > 0 ? `${count(pending, 'change')} on the way` : 'all saved';
  const kept = pending > 0 ? ` ${count(pending, 'change')} of yours will follow.` : '';
  switch (kind) {
    case 'live':
      return { text: `Live · ${waiting}${reruns(status)}`, tone: pending > 0 ? 'wait' : 'good' };
    case 'loading':
      return { text: why === '' ? 'Connecting …' : `Waiting: ${why}.${kept}`, tone: 'wait' };
    case 'offline':
      return { text: `Offline: ${why}.${kept}`, tone: 'wait' };
    case 'ended':
      return { text: `Closed: ${why}.`, tone: 'bad' };
  }
}

function reruns({ reruns }: Status): string {
  return reruns === 0 ? '' : ` · ${count(reruns, 'change')} run again`;
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}
