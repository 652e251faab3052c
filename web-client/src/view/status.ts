// The line of figures, the notice about the link, and what a screen reader hears.

import { Status } from '../protocol';
import { damageOf } from '../reconciliation';
import { ageMs } from '../replica';
import type { Game } from '../store';
import { byId, setText } from './dom';
import { age, compact, exact, link, notice, percent } from './text';

const facts = {
  link: byId('link', HTMLElement),
  age: byId('age', HTMLElement),
  players: byId('players', HTMLElement),
  rate: byId('rate', HTMLElement),
  own: byId('own', HTMLElement),
  pending: byId('pending', HTMLElement),
};
const noticeLine = byId('notice', HTMLElement);
const noticeText = byId('notice-text', HTMLElement);
const retry = byId('retry', HTMLButtonElement);
const spoken = byId('spoken', HTMLElement);

/** Figures that change all the time are written this often, so that they can be read. */
const FIGURES_MS = 200;
/** A screen reader hears a summary this often. */
const SPOKEN_MS = 2_000;
let figuresAt = Number.NEGATIVE_INFINITY;
let spokenAt = 0;

export function onRetry(run: () => void): void {
  retry.addEventListener('click', run);
}

export function drawStatus(game: Game, now: number): void {
  const { link: state, truth } = game;
  facts.link.dataset.kind = state.kind;
  setText(facts.link, link(state));
  const own = truth ? damageOf(game.tallies, truth.generation) : 0;
  setText(facts.own, exact(own));
  setText(facts.pending, exact(game.pending.length));
  drawNotice(game, now);
  if (now - figuresAt < FIGURES_MS) return;
  figuresAt = now;
  setText(facts.age, age(ageMs(now, game)));
  setText(facts.players, truth ? exact(truth.players) : '–');
  setText(facts.rate, truth ? `${compact(truth.rate)} / s` : '–');
  if (now - spokenAt < SPOKEN_MS) return;
  spokenAt = now;
  const bar = byId('bar', HTMLElement);
  if (game.bar) bar.setAttribute('aria-valuenow', String(percent(game.bar.shown, game.bar.hpMax)));
  bar.setAttribute('aria-valuetext', summary(game));
  setText(spoken, summary(game));
}

function drawNotice(game: Game, now: number): void {
  const retryMs = game.link.kind === 'waiting' ? game.link.retryAt - now : 0;
  const said = notice(game.link, retryMs, game.pending.length);
  const isFallen = game.truth !== null && game.truth.status !== Status.Alive;
  const text = said.text || (isFallen ? 'The boss has fallen. The next one is on its way …' : '');
  noticeLine.classList.toggle('says', text !== '');
  setText(noticeText, text);
  retry.hidden = said.button === null;
  setText(retry, said.button ?? '');
}

function summary({ truth, bar, tallies, link: state }: Game): string {
  if (!truth || !bar) return '';
  const left = `Health ${percent(bar.shown, bar.hpMax)} percent`;
  const own = `your damage ${exact(damageOf(tallies, truth.generation))}`;
  return `${left}, ${own}, ${exact(truth.players)} players, ${link(state)}.`;
}
