// Words and numbers of the page.

import type { Link } from '../connection';
import { RefusalReason } from '../protocol';
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
