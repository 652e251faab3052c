// The boss's name, its bar with the phases on it, and its numbers.

import type { BossSpec } from '../protocol';
import { Status } from '../protocol';
import { ageMs } from '../replica';
import type { Game } from '../store';
import { byId, make, setText } from './dom';
import { compact, exact, percent } from './text';

const boss = byId('boss', HTMLHeadingElement);
const life = byId('life', HTMLElement);
const fill = byId('fill', HTMLElement);
const marks = byId('marks', HTMLElement);
const hp = byId('hp', HTMLElement);
const phases = byId('phases', HTMLOListElement);
const figure = byId('figure', HTMLImageElement);

/** Names of phases keep this distance. One without room is left out; its mark stays. */
const GAP_PX = 8;

/** An older truth is hatched: states are a second apart at most, and nothing newer is known. */
const OLD_MS = 2_500;

let drawn: BossSpec | null = null;
let placed: { spec: BossSpec | null; phase: number | null; width: number } = {
  spec: null,
  phase: null,
  width: 0,
};

export function drawHealth(game: Game, now: number): void {
  const { spec, truth, bar } = game;
  fill.classList.toggle('old', (ageMs(now, game) ?? 0) > OLD_MS);
  if (spec !== drawn && spec) drawSpec(spec);
  drawn = spec;
  if (!truth || !bar) return;
  setText(life, `life ${truth.generation}`);
  fill.style.transform = `scaleX(${bar.shown / bar.hpMax})`;
  setText(hp, numbers(Math.ceil(bar.shown), bar.hpMax));
  const isFallen = truth.status !== Status.Alive;
  figure.classList.toggle('fallen', isFallen);
  drawPhases(isFallen ? null : truth.phase);
}

/** Shows which phase it is. Names move only when that changes, or the page's width. */
function drawPhases(phase: number | null): void {
  const width = phases.clientWidth;
  if (!drawn || (placed.spec === drawn && placed.phase === phase && placed.width === width)) return;
  placed = { spec: drawn, phase, width };
  const labels = Array.from(phases.children).filter((child) => child instanceof HTMLElement);
  labels.forEach((label, index) => {
    if (index === phase) label.setAttribute('aria-current', 'step');
    else label.removeAttribute('aria-current');
  });
  const current = labels.filter((_, index) => index === phase);
  const taken: { left: number; right: number }[] = [];
  for (const label of new Set([...current, ...labels])) {
    const percent = drawn.phases[labels.indexOf(label)]?.percent ?? 0;
    const left = Math.max(0, (width * percent) / 100 - label.offsetWidth);
    const right = left + label.offsetWidth;
    const isFree = taken.every(
      (other) => right + GAP_PX <= other.left || other.right + GAP_PX <= left,
    );
    label.style.left = `${left}px`;
    label.style.visibility = isFree ? 'visible' : 'hidden';
    if (isFree) taken.push({ left, right });
  }
}

function numbers(shown: number, hpMax: number): string {
  return `${exact(shown)} / ${compact(hpMax)}  ·  ${percent(shown, hpMax)} %`;
}

/** Each phase has a mark where it begins, and its name left of it. */
function drawSpec(spec: BossSpec): void {
  setText(boss, spec.name);
  const lines = spec.phases.slice(1).map(({ percent }) => {
    const line = make('i');
    line.style.left = `${percent}%`;
    return line;
  });
  marks.replaceChildren(...lines);
  phases.replaceChildren(...spec.phases.map(({ name }) => make('li', name)));
}
