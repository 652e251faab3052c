// Numbers that float for a moment: own hits where they were struck, the others' as a stream.

import type { Effect, Game } from '../store';
import { byId, make, prefersLessMotion } from './dom';
import { exact, idle, refusal } from './text';

const floats = byId('floats', HTMLElement);
const stream = byId('stream', HTMLUListElement);

/** Numbers alive at once. More: the oldest goes. */
const FLOATS_MAX = 30;
const FLOAT_MS = 1_100;
/** A reason takes longer to read. */
const REFUSED_MS = 2_500;
/** Above and below the hits, so that they do not cover each other. */
const REFUSED_AT = { x: 50, y: 31 };
const CRIT_AT = { x: 50, y: 91 };
const STREAM_MAX = 5;
/** The others' damage is added up for this long. */
const STREAM_MS = 500;

let seen = 0;
/** Where the next number floats, in percent of the arena, if the pointer said so. */
let aimed: { x: number; y: number } | null = null;
/** The numbers of hits, while they float: an answer may take them back. */
const floating = new Map<number, HTMLElement>();
let others = 0;
let streamedAt = 0;

export function aimAt(x: number, y: number): void {
  aimed = { x, y };
}

export function drawFloats(game: Game, now: number): void {
  const fresh = game.effects.filter(({ id }) => id > seen);
  seen = game.effectsLen;
  for (const effect of fresh) drawEffect(effect);
  drawTakenBack(fresh.filter((effect) => effect.kind === 'taken back'));
  if (others > 0 && now - streamedAt >= STREAM_MS) {
    stream.prepend(make('li', `+${exact(others)} from others`));
    while (stream.children.length > STREAM_MAX) stream.lastElementChild?.remove();
    others = 0;
    streamedAt = now;
  } else if (now - streamedAt > 6 * STREAM_MS) {
    stream.lastElementChild?.remove();
    streamedAt = now - 5 * STREAM_MS;
  }
}

function drawEffect(effect: Effect): void {
  switch (effect.kind) {
    case 'hit': {
      const at = aimed ?? scattered(effect.id);
      aimed = null;
      const label = float(make('span', exact(effect.damage)), at);
      floating.set(effect.seq, label);
      return;
    }
    case 'crit':
      float(make('span', `critical! +${exact(effect.damage)}`, 'crit'), CRIT_AT);
      return;
    case 'taken back':
      return;
    case 'others':
      others += effect.damage;
      return;
    case 'idle': {
      const text = idle(effect.why);
      if (text !== null) float(make('span', text, 'refused'), scattered(effect.id));
    }
  }
}

/** Hits that were taken back together, for the same reason, are one number. */
function drawTakenBack(effects: Extract<Effect, { kind: 'taken back' }>[]): void {
  for (const reason of new Set(effects.map((effect) => effect.reason))) {
    const together = effects.filter((effect) => effect.reason === reason);
    for (const { seq } of together) {
      floating.get(seq)?.remove();
      floating.delete(seq);
    }
    const damage = together.reduce((sum, effect) => sum + effect.damage, 0);
    const times = together.length > 1 ? `${together.length} hits ` : '';
    const label = make('span', '', 'refused');
    label.append(make('s', exact(damage)), ` ${times}${refusal(reason)}`);
    float(label, REFUSED_AT, REFUSED_MS);
  }
}

/** A place near the middle, spread by the effect's number so that neighbours do not overlap. */
function scattered(id: number): { x: number; y: number } {
  return { x: 20 + 60 * ((id * 0.7549) % 1), y: 40 + 38 * ((id * 0.5698) % 1) };
}

function float(label: HTMLElement, { x, y }: { x: number; y: number }, ms = FLOAT_MS): HTMLElement {
  label.style.left = `${x}%`;
  label.style.top = `${y}%`;
  floats.append(label);
  while (floats.children.length > FLOATS_MAX) floats.firstElementChild?.remove();
  const rise = prefersLessMotion.matches ? '' : 'translate(-50%, -160%)';
  const still = 'translate(-50%, -50%)';
  const way = [
    { opacity: 1, transform: still },
    { opacity: 1, offset: 0.6 },
    { opacity: 0, transform: rise || still },
  ];
  const end = () => {
    label.remove();
    for (const [seq, other] of floating) if (other === label) floating.delete(seq);
  };
  label.animate(way, { duration: ms, easing: 'ease-out' }).finished.then(end, end);
  return label;
}
