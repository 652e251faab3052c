// A button for each skill: its key, what it does, and when it is ready again.

import { canBeHit, cooldownLeft } from '../input';
import type { BossSpec, Skill, SkillId } from '../protocol';
import { type Game, isOver } from '../store';
import { byId, make, setText } from './dom';
import { exact } from './text';

interface SkillButton {
  skill: Skill;
  button: HTMLButtonElement;
  cool: HTMLElement;
  info: HTMLElement;
}

const skills = byId('skills', HTMLElement);
let drawn: BossSpec | null = null;
let buttons: SkillButton[] = [];

/** Keeps the buttons in step with the game. `onPress` hears which skill is used. */
export function drawSkills(game: Game, now: number, onPress: (skill: SkillId) => void): void {
  if (game.spec !== drawn && game.spec) {
    buttons = game.spec.skills.map((skill, index) => makeButton(skill, index, onPress));
    skills.replaceChildren(...buttons.map(({ button }) => button));
  }
  drawn = game.spec;
  const canHit = game.truth !== null && canBeHit(game.truth) && !isOver(game.link);
  for (const { skill, button, cool, info } of buttons) {
    const left = cooldownLeft(now, game, skill);
    const isReady = canHit && left === 0;
    if (button.ariaDisabled !== String(!isReady)) button.ariaDisabled = String(!isReady);
    const part = left > 0 ? Math.min(1, left / skill.cooldown_ms) : 0;
    cool.style.transform = `scaleX(${part})`;
    setText(info, left > 0 ? `${(left / 1_000).toFixed(1)} s` : `${exact(skill.damage)} damage`);
  }
}

function makeButton(skill: Skill, index: number, onPress: (skill: SkillId) => void): SkillButton {
  const button = make('button');
  button.type = 'button';
  const cool = make('i', '', 'cool');
  const info = make('small');
  const key = String(index + 1);
  if (index < 9) {
    button.append(cool, make('kbd', key), make('span', skill.name), info);
    button.setAttribute('aria-keyshortcuts', key);
  } else {
    button.append(cool, make('span', skill.name), info);
  }
  // Always enabled, so that it keeps the focus; a press while it cools down does nothing.
  button.addEventListener('click', () => onPress(skill.id));
  button.addEventListener('keydown', (event) => {
    // A key that is held down is one press.
    if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
  });
  return { skill, button, cool, info };
}
