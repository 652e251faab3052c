// A victory: what this player has got, until it is put away.

import type { Game } from '../store';
import { openVictory } from '../store';
import type { Victory } from '../victory';
import { byId, make, setText } from './dom';
import { compact, exact, ordinal, share } from './text';

const panel = byId('victory', HTMLElement);
const title = byId('victory-title', HTMLElement);
const rank = byId('victory-rank', HTMLElement);
const rankOf = byId('victory-rank-of', HTMLElement);
const damage = byId('victory-damage', HTMLElement);
const credit = byId('victory-credit', HTMLElement);
const rewards = byId('victory-rewards', HTMLUListElement);
const close = byId('victory-close', HTMLButtonElement);

let drawn: Victory | null = null;

export function onDismiss(run: () => void): void {
  close.addEventListener('click', run);
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && drawn !== null) run();
  });
}

export function drawVictory(game: Game): void {
  const victory = openVictory(game);
  if (victory === drawn) return;
  drawn = victory;
  panel.hidden = victory === null;
  if (victory === null) return;
  setText(title, `${victory.boss} has fallen`);
  setText(rank, ordinal(victory.rank));
  setText(rankOf, `of ${exact(victory.players)} in life ${victory.generation}`);
  setText(damage, exact(victory.damage));
  setText(credit, `${compact(victory.credit)} (${share(victory.credit, victory.hpMax)})`);
  const won = victory.rewards.map((name) => make('li', name));
  rewards.replaceChildren(...(won.length > 0 ? won : [make('li', 'no luck this time', 'none')]));
}
