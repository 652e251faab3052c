// A list that this page shares with Rust programs, and with whoever else opens it.
//
// Start `cargo play --share demo/list`, and `cargo run --example list`, which begins it. Then open
// /list.html of the game in two windows, and cut and restart whatever you like.

import { sharedList, text } from '../src/shared';
import { byId, make, setText } from '../src/view/dom';

const list = sharedList('demo/list', text);
const items = byId('items', HTMLOListElement);
const input = byId('text', HTMLInputElement);
const status = byId('status', HTMLElement);

function draw(): void {
  const { kind, why, pending } = list.status;
  setText(status, `${kind}${why && `: ${why}`}${pending > 0 ? `, ${pending} on the way` : ''}`);
  items.replaceChildren(...list.view.map(item));
}

function item(line: string): HTMLElement {
  const made = make('li', `${line} `);
  const remove = make('button', 'Remove');
  remove.addEventListener('click', () => {
    // Whatever others have done to the list by then, this removes this line.
    change((lines) => {
      const index = lines.indexOf(line);
      if (index >= 0) lines.splice(index, 1);
    });
  });
  made.append(remove);
  return made;
}

function change(recipe: (lines: string[]) => void): void {
  list.mutate(recipe).catch((error: Error) => setText(status, error.message));
}

byId('form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const line = input.value.trim();
  input.value = '';
  if (line !== '') change((lines) => lines.push(line));
});
list.subscribe(draw);
draw();
