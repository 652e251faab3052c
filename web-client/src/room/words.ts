// Words and signs of the war room.

import { CallKind, MarkerKind } from '../generated/room';

/** The markers that a hand may put, in the order of their buttons. */
export const MARKERS = [
  MarkerKind.Target,
  MarkerKind.Danger,
  MarkerKind.Gather,
  MarkerKind.Post,
] as const;

/** The calls that a hand may make, in the order of their buttons. */
export const CALLS = [
  CallKind.Now,
  CallKind.Hold,
  CallKind.Heavy,
  CallKind.Spread,
  CallKind.Cheer,
] as const;

/** A marker's name, its sign, and the name of its colour. */
export function markerWords(kind: MarkerKind): { name: string; sign: string; tint: string } {
  switch (kind) {
    case MarkerKind.Unknown:
      return { name: 'Marker', sign: '?', tint: 'other' };
    case MarkerKind.Target:
      return { name: 'Target', sign: '◎', tint: 'target' };
    case MarkerKind.Danger:
      return { name: 'Danger', sign: '▲', tint: 'danger' };
    case MarkerKind.Gather:
      return { name: 'Gather', sign: '⚑', tint: 'gather' };
    case MarkerKind.Post:
      return { name: 'Post', sign: '◆', tint: 'post' };
  }
}

export function callWords(kind: CallKind): string {
  switch (kind) {
    case CallKind.Unknown:
      return 'Attention!';
    case CallKind.Now:
      return 'Hit now!';
    case CallKind.Hold:
      return 'Hold!';
    case CallKind.Heavy:
      return 'Heavy blows!';
    case CallKind.Spread:
      return 'Spread out!';
    case CallKind.Cheer:
      return 'Well done!';
  }
}
