// What hands do in the war room, as recipes: each looks at what is there when it runs, which may be
// more than there was when the hand moved.

import type { CallKind, MarkerKind, RoomNote, WarRoom } from '../generated/room';
import {
  ROOM_CALLS_MAX,
  ROOM_MARKERS_MAX,
  ROOM_NOTE_CHARS_MAX,
  ROOM_NOTES_MAX,
  ROOM_READY_MAX,
} from '../generated/room';

/** A change of the war room. One that throws says why it can't be. */
export type Plan = (room: WarRoom) => void;

/** Thousandths of the arena's width and height. */
export interface Place {
  x: number;
  y: number;
}

/** The arena's right and lower edge. */
export const EDGE = 1_000;

/** The nearest place on the arena. */
export function placeAt(x: number, y: number): Place {
  const within = (value: number) => Math.min(EDGE, Math.max(0, Math.round(value)));
  return { x: within(x), y: within(y) };
}

/** Puts a marker. Its number is drawn at random, below 2^31. */
export function putMarker(number: number, kind: MarkerKind, at: Place, by: string): Plan {
  return (room) => {
    if (room.markers.size >= ROOM_MARKERS_MAX) {
      throw new Error(`The arena is full: ${ROOM_MARKERS_MAX} markers. Remove some first.`);
    }
    room.markers.set(number, { kind, ...at, by });
  };
}

/** Moves a marker, unless somebody has removed it. Whoever moves it signs it. */
export function moveMarker(number: number, at: Place, by: string): Plan {
  return (room) => {
    const marker = room.markers.get(number);
    if (marker !== undefined) room.markers.set(number, { kind: marker.kind, ...at, by });
  };
}

export function removeMarker(number: number): Plan {
  return (room) => {
    room.markers.delete(number);
  };
}

/** Removes the markers that a hand saw; those that came meanwhile stay. */
export function removeMarkers(numbers: readonly number[]): Plan {
  return (room) => {
    for (const number of numbers) room.markers.delete(number);
  };
}

/** Calls out. The oldest calls make room. */
export function callOut(kind: CallKind, by: string): Plan {
  return (room) => {
    const tooMany = room.calls.length + 1 - ROOM_CALLS_MAX;
    if (tooMany > 0) room.calls.splice(0, tooMany);
    room.calls.push({ kind, by });
  };
}

/** Asks who is ready. Answers to an earlier question go. */
export function askWhoIsReady(): Plan {
  return (room) => {
    room.ready.clear();
    // As Rust counts on from the last number of 32 bits.
    room.round = (room.round + 1) >>> 0;
  };
}

/** Answers a question, unless another one was asked meanwhile. */
export function answer(round: number, isReady: boolean, by: string): Plan {
  return (room) => {
    if (room.round !== round) throw new Error('Somebody has asked again: answer once more.');
    if (!room.ready.has(by) && room.ready.size >= ROOM_READY_MAX) {
      throw new Error(`${ROOM_READY_MAX} players have answered already.`);
    }
    room.ready.set(by, isReady);
  };
}

/** What a note may say, or why not. */
export function noteText(typed: string): { text: string } | { mistake: string } {
  const text = typed.replaceAll(/\p{Cc}+/gu, ' ').trim();
  const chars = Array.from(text).length;
  if (chars === 0) return { mistake: 'A note says something.' };
  if (chars > ROOM_NOTE_CHARS_MAX) {
    return { mistake: `At most ${ROOM_NOTE_CHARS_MAX} characters, these are ${chars}.` };
  }
  return { text };
}

export function addNote(text: string, by: string): Plan {
  return (room) => pushNote(room, { text, by });
}

/** Writes a note anew. If it is not as it was any more, both stay: nobody's words are lost. */
export function editNote(before: RoomNote, text: string, by: string): Plan {
  return (room) => {
    const index = indexOf(room.notes, before);
    if (index < 0) pushNote(room, { text, by });
    else room.notes[index] = { text, by };
  };
}

/** Removes a note, if it is still as it was. */
export function removeNote(before: RoomNote): Plan {
  return (room) => {
    const index = indexOf(room.notes, before);
    if (index >= 0) room.notes.splice(index, 1);
  };
}

function pushNote(room: WarRoom, note: RoomNote): void {
  if (room.notes.length >= ROOM_NOTES_MAX) {
    throw new Error(`There are ${ROOM_NOTES_MAX} notes. Remove one first.`);
  }
  room.notes.push(note);
}

function indexOf(notes: readonly RoomNote[], { text, by }: RoomNote): number {
  return notes.findIndex((note) => note.text === text && note.by === by);
}
