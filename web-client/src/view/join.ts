// The form in which a player takes a name.

import { NAME_CHARS_MAX } from '../protocol';
import { byId, setText } from './dom';

const dialog = byId('join', HTMLDialogElement);
const form = byId('join-form', HTMLFormElement);
const input = byId('name', HTMLInputElement);
const error = byId('name-error', HTMLElement);

/** Asks for a name. `why` says what was wrong with the last one. */
export function askName(name: string, why: string, onName: (name: string) => void): void {
  input.value = name;
  setText(error, why);
  form.onsubmit = (event) => {
    event.preventDefault();
    const mistake = mistakeIn(input.value.trim());
    setText(error, mistake ?? '');
    if (mistake !== null) return input.focus();
    dialog.onclose = null;
    dialog.close();
    onName(input.value.trim());
  };
  // Without a name nothing can be played, so there is nothing to escape to. A browser lets a page
  // refuse that only now and then, so a form that was closed opens again.
  dialog.oncancel = (event) => event.preventDefault();
  dialog.onclose = show;
  show();
}

function show(): void {
  if (!dialog.open) dialog.showModal();
  input.focus();
}

/** What a shard would not take in a name. */
function mistakeIn(name: string): string | null {
  const chars = Array.from(name).length;
  if (chars === 0) return 'Everybody here has a name.';
  if (chars > NAME_CHARS_MAX) return `At most ${NAME_CHARS_MAX} characters, these are ${chars}.`;
  return /\p{Cc}/u.test(name) ? 'There is a control character in it.' : null;
}
