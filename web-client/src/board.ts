// The leaderboard, and where this player stands on it.

import type { Board, PlayerId, Tally } from './protocol';

/** The place of a player: exact among the best, and about right below them. */
export interface Place {
  rank: number;
  /** Players on the board. */
  of: number;
  isExact: boolean;
}

/** The rank of somebody with this damage: as near as the marks tell, and never too good. */
export function rankOf(board: Board, damage: number): number {
  const best = board.top.findIndex((standing) => standing.damage <= damage);
  if (best >= 0) return best + 1;
  const mark = board.marks.find((mark) => mark.damage <= damage);
  return mark?.rank ?? board.players + 1;
}

/** The place of the player with these tallies; null without damage that counts. */
export function placeOf(board: Board, player: PlayerId, tallies: readonly Tally[]): Place | null {
  const own = board.top.findIndex((standing) => standing.player === player);
  if (own >= 0) return { rank: own + 1, of: board.players, isExact: true };
  const tally = tallies.find(({ generation }) => generation === board.generation);
  const damage = tally === undefined ? 0 : tally.damage - tally.late;
  if (damage === 0) return null;
  // The best have their own lines, so whoever has none is behind them, and a newcomer is last.
  const rank = Math.max(rankOf(board, damage), board.top.length + 1);
  return { rank, of: Math.max(board.players, rank), isExact: false };
}
