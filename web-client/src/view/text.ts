// Words and numbers of the page.

import type { Place } from '../board';
import type { Link } from '../connection';
import { RefusalReason, Status } from '../protocol';
import type { Effect } from '../store';

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const exact = (value: number): string => whole.format(value);
export const compact = (value: number): string => {
  return value < 100_000 ? whole.format(value) : short.format(value);
};

/** Percent of full health: 0 is said of the dead alone, 100 of the untouched. */
export function percent(hp: number, hpMax: number): number {
  const exactly = (100 * hp) / hpMax;
  return exactly > 50 ? Math.floor(exactly) : Math.ceil(exactly);
}

/** A part of a boss. */
export function share(part: number, hpMax: number): string {
  const percents = hpMax > 0 ? (100 * part) / hpMax : 0;
  if (percents > 0 && percents < 0.01) return 'under 0.01 %';
  return `${percents.toFixed(percents < 10 ? 2 : 1)} %`;
}

/** A rank in words: 1st, 2nd, 3rd, 4th, 11th, 21st. */
export function ordinal(rank: number): string {
  const tens = Math.floor(rank / 10) % 10;
  const ending = tens === 1 ? undefined : ['th', 'st', 'nd', 'rd'][rank % 10];
  return `${exact(rank)}${ending ?? 'th'}`;
}

/** Where this player is on the leaderboard. */
export function place(found: Place | null, players: number): string {
  if (found === null) {
    return players === 0
      ? 'Nobody has hit it yet.'
      : `${exact(players)} players. Hit to join them.`;
  }
  const about = found.isExact ? '' : 'about ';
  return `You are ${about}#${exact(found.rank)} of ${exact(found.of)}`;
}

/** How far the end of a life is; null while it goes on. `nextMs`: until the next one, if known. */
export function settlement(status: Status, hp: number, nextMs: number | null): string | null {
  switch (status) {
    case Status.Unknown:
      return null;
    case Status.Alive:
      return hp > 0 ? null : 'The last blow! Waiting for all servers to agree …';
    case Status.Defeated:
      return 'The boss has fallen. Servers are called for their last hits …';
    case Status.Collecting:
      return 'The boss has fallen. The last hits are counted …';
    case Status.Closed:
      return 'The books are closed. Everybody gets a share …';
    case Status.Credited:
      return 'The shares are settled. Rewards are drawn …';
    case Status.Rewarded:
      if (nextMs === null) return 'The rewards are drawn. The next boss is on its way …';
      return `The rewards are drawn. The next boss in ${Math.ceil(nextMs / 1_000)} s`;
  }
}

/** An age, with the words that show how sure the bar is. */
export function age(ms: number | null): string {
  if (ms === null) return 'not seen yet';
  return ms < 1_000 ? `${Math.round(ms / 10) * 10} ms old` : `${(ms / 1_000).toFixed(1)} s old`;
}

/** Why a shown hit does not count. */
export function refusal(reason: RefusalReason | null): string {
  switch (reason) {
    case RefusalReason.Unknown:
      return 'refused';
    case RefusalReason.Generation:
      return 'that life was over';
    case RefusalReason.Defeated:
      return 'already defeated';
    case RefusalReason.Skill:
      return 'no such skill';
    case RefusalReason.Cooldown:
      return 'still cooling down';
    case RefusalReason.Rate:
      return 'too fast';
    case RefusalReason.NotReady:
      return 'server not ready';
    case RefusalReason.Full:
      return 'server full';
    case null:
      return 'lost with the link';
  }
}

/** Why a press did nothing; null if that is seen without words. */
export function idle(why: Extract<Effect, { kind: 'idle' }>['why']): string | null {
  switch (why) {
    case 'too many unanswered hits':
      return why;
    case 'nothing to hit':
    case 'defeated':
    case 'cooling down':
      return null;
  }
}

/** The link in two words. */
export function link(state: Link): string {
  switch (state.kind) {
    case 'idle':
      return 'not joined';
    case 'connecting':
      return 'connecting';
    case 'live':
      return 'live';
    case 'waiting':
      return 'reconnecting';
    case 'gone':
      return 'gone';
    case 'replaced':
      return 'elsewhere';
    case 'outdated':
      return 'outdated';
    case 'unwelcome':
      return 'refused';
  }
}

/** What the player should know about the link, and what a button may do about it. */
export interface Notice {
  text: string;
  button: string | null;
}

/** `retryMs` is the time until the next attempt. */
export function notice(state: Link, retryMs: number, pending: number): Notice {
  const kept = pending > 0 ? ` ${pending} unanswered, kept.` : '';
  switch (state.kind) {
    case 'idle':
    case 'live':
    case 'unwelcome':
      return { text: '', button: null };
    case 'connecting':
      if (state.attempt === 1) return { text: '', button: null };
      return { text: `Connection lost. Attempt ${state.attempt} …${kept}`, button: null };
    case 'waiting': {
      const wait = retryMs >= 1_000 ? ` in ${Math.ceil(retryMs / 1_000)} s` : '';
      return { text: `Connection lost. Trying again${wait} …${kept}`, button: null };
    }
    case 'gone':
      return { text: 'The server is gone. Unanswered hits were taken back.', button: 'Try again' };
    case 'replaced':
      return { text: 'This fight goes on in another tab.', button: 'Play here' };
    case 'outdated':
      return { text: 'The server does not understand this page.', button: 'Reload' };
  }
}
