// The leaderboard: the best, and the place of this player. Names are texts, whatever is in them.

import { placeOf } from '../board';
import type { Board, PlayerId } from '../protocol';
import type { Game } from '../store';
import { byId, make, setText } from './dom';
import { compact, place } from './text';

const panel = byId('board', HTMLElement);
const best = byId('best', HTMLOListElement);
const own = byId('place', HTMLElement);
const button = byId('board-button', HTMLButtonElement);
const close = byId('board-close', HTMLButtonElement);

let drawn: { board: Board | null; player: PlayerId | null } = { board: null, player: null };

/** On a narrow page the board is a sheet that comes and goes. */
export function listenToBoard(): void {
  button.addEventListener('click', () => setOpen(true));
  close.addEventListener('click', () => {
    setOpen(false);
    button.focus();
  });
}

function setOpen(isOpen: boolean): void {
  panel.classList.toggle('open', isOpen);
  button.ariaExpanded = String(isOpen);
  if (isOpen) close.focus();
}

export function drawBoard({ board, session, tallies }: Game): void {
  const player = session?.player ?? null;
  if (drawn.board !== board || drawn.player !== player) {
    best.replaceChildren(...(board?.top ?? []).map((standing) => row(standing, player)));
    drawn = { board, player };
  }
  const found = board !== null && player !== null ? placeOf(board, player, tallies) : null;
  setText(own, board === null ? '' : place(found, board.players));
  setText(button, found === null ? 'Leaderboard' : `#${compact(found.rank)} · Leaderboard`);
}

function row(standing: Board['top'][number], player: PlayerId | null): HTMLLIElement {
  const item = make('li');
  if (standing.player === player) item.setAttribute('aria-current', 'true');
  const name = make('span', standing.name || `player ${standing.player}`, 'name');
  // A name may be longer than its place.
  name.title = name.textContent ?? '';
  item.append(name, make('span', compact(standing.damage), 'damage'));
  return item;
}
