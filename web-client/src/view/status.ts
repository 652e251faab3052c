// The line of figures, the notice about the link, and what a screen reader hears.

import { damageOf } from '../reconciliation';
import { ageMs } from '../replica';
import type { Game } from '../store';
import { nextLifeMs } from '../store';
import { STEPS, stepsDone } from '../victory';
import { byId, make, setText } from './dom';
import { age, compact, exact, link, notice, percent, settlement } from './text';

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
const steps = byId('steps', HTMLElement);
const spoken = byId('spoken', HTMLElement);

/** Figures that change all the time are written this often, so that they can be read. */
const FIGURES_MS = 200;
/** A screen reader hears a summary this often. */
const SPOKEN_MS = 2_000;
let figuresAt = Number.NEGATIVE_INFINITY;
let spokenAt = 0;

steps.append(...STEPS.map(() => make('i')));

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
  bar.setAttribute('aria-valuetext', summary(game, now));
  setText(spoken, summary(game, now));
}

function drawNotice(game: Game, now: number): void {
  const retryMs = game.link.kind === 'waiting' ? game.link.retryAt - now : 0;
  const said = notice(game.link, retryMs, game.pending.length);
  const end = settled(game, now);
  const text = said.text || (end ?? '');
  noticeLine.classList.toggle('says', text !== '');
  setText(noticeText, text);
  retry.hidden = said.button === null;
  setText(retry, said.button ?? '');
  const done = said.text === '' && game.truth !== null ? stepsDone(game.truth.status) : 0;
  steps.hidden = done === 0;
  for (const [step, dot] of Array.from(steps.children).entries()) {
    dot.classList.toggle('done', step < done);
  }
}

function settled(game: Game, now: number): string | null {
  const { truth } = game;
  return truth && settlement(truth.status, truth.hp, nextLifeMs(now, game));
}

function summary(game: Game, now: number): string {
  const { truth, bar, tallies, link: state } = game;
  if (!truth || !bar) return '';
  const end = settled(game, now);
  if (end !== null) return end;
  const left = `Health ${percent(bar.shown, bar.hpMax)} percent`;
  const own = `your damage ${exact(damageOf(tallies, truth.generation))}`;
  return `${left}, ${own}, ${exact(truth.players)} players, ${link(state)}.`;
}
