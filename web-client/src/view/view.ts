// Hop 18, view: drawn.

import { skillOfKey } from '../input';
import type { SkillId } from '../protocol';
import type { Game } from '../store';
import { drawBoard, listenToBoard } from './board';
import { byId, setText } from './dom';
import { aimAt, drawFloats } from './floats';
import { drawHealth } from './health';
import { drawSkills } from './skills';
import { drawStatus, onRetry } from './status';
import { drawVictory, onDismiss } from './victory';

/** What a player can do on the page. */
export interface Hands {
  press(skill: SkillId): void;
  retry(): void;
  /** Puts a victory away. */
  dismiss(): void;
}

const arena = byId('arena', HTMLElement);
const figure = byId('figure', HTMLImageElement);
const room = byId('room-button', HTMLButtonElement);

/** Draws a game. Everything in it has a place of its own, which no state moves. */
export function draw(game: Game, now: number, hands: Hands): void {
  drawHealth(game, now);
  drawSkills(game, now, hands.press);
  drawFloats(game, now);
  drawStatus(game, now);
  drawBoard(game);
  drawVictory(game);
}

/** Listens to pointer and keyboard. `current` gives the newest game. */
export function listen(current: () => Game, hands: Hands): void {
  onRetry(hands.retry);
  onDismiss(hands.dismiss);
  listenToBoard();
  room.addEventListener('click', toggleRoom);
  arena.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    const { left, top, width, height } = arena.getBoundingClientRect();
    aimAt((100 * (event.clientX - left)) / width, (100 * (event.clientY - top)) / height);
    pressKey(' ');
  });
  addEventListener('keydown', (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const isText = event.target instanceof HTMLInputElement;
    if (!isText && event.key === 'w') return toggleRoom();
    // A focused button takes Space and Enter for itself.
    const isOwn = event.target instanceof HTMLButtonElement && !/^[1-9]$/.test(event.key);
    if (!isText && !isOwn && pressKey(event.key)) event.preventDefault();
  });

  /** It is loaded when it is wanted for the first time. */
  function toggleRoom(): void {
    // Whoever plans has a name.
    if (current().name === '') return;
    const isMissing = () => setText(room, 'War room: not loaded, try again');
    import('./room').then(({ toggle }) => toggle(() => current().name), isMissing);
  }

  function pressKey(key: string): boolean {
    const skill = skillOfKey(current().spec, key);
    if (skill !== null) hands.press(skill);
    return skill !== null;
  }
}

/** The figure shows what the page cannot draw: nothing, for those who want less motion. */
export function flinch(isWanted: boolean): void {
  if (isWanted) figure.animate([{ scale: 0.97 }, { scale: 1 }], { duration: 120 });
}
