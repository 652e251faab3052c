// Generated from the types of the same names in Rust. Change those, and this follows.

import * as u from '../ucore';

export const MarkerKind = u.codes('MarkerKind', u.u8, {
  Unknown: 0,
  Target: 1,
  Danger: 2,
  Gather: 3,
  Post: 4,
});
export type MarkerKind = u.Value<typeof MarkerKind>;

export interface Marker {
  kind: MarkerKind;
  x: number;
  y: number;
  by: string;
}
export const Marker: u.Form<Marker> = u.record('Marker', {
  kind: MarkerKind,
  x: u.u16,
  y: u.u16,
  by: u.text,
});

export const CallKind = u.codes('CallKind', u.u8, {
  Unknown: 0,
  Now: 1,
  Hold: 2,
  Heavy: 3,
  Spread: 4,
  Cheer: 5,
});
export type CallKind = u.Value<typeof CallKind>;

export interface CallOut {
  kind: CallKind;
  by: string;
}
export const CallOut: u.Form<CallOut> = u.record('CallOut', {
  kind: CallKind,
  by: u.text,
});

export interface RoomNote {
  text: string;
  by: string;
}
export const RoomNote: u.Form<RoomNote> = u.record('RoomNote', {
  text: u.text,
  by: u.text,
});

export interface WarRoom {
  markers: Map<number, Marker>;
  calls: CallOut[];
  round: number;
  ready: Map<string, boolean>;
  notes: RoomNote[];
}
export const WarRoom: u.Form<WarRoom> = u.struct('WarRoom', {
  markers: [0, u.umap(u.u32, Marker)],
  calls: [1, u.uvec(CallOut)],
  round: [2, u.u32],
  ready: [3, u.umap(u.text, u.bool)],
  notes: [4, u.uvec(RoomNote)],
});

export const ROOM_MARKERS_MAX = 64;
export const ROOM_CALLS_MAX = 20;
export const ROOM_READY_MAX = 256;
export const ROOM_NOTES_MAX = 32;
export const ROOM_NOTE_CHARS_MAX = 140;
