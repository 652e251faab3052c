// The war room's panel: what to put on the arena, what to call, who is ready, and notes.

import type { CallKind, MarkerKind, RoomNote } from '../generated/room';
import { ROOM_NOTE_CHARS_MAX } from '../generated/room';
import * as plans from '../room/plans';
import type { Line, Picture, Question, Shown } from '../room/shown';
import { CALLS, callWords, MARKERS, markerWords } from '../room/words';
import { make, setText } from './dom';

/** What hands do in the panel. */
export interface PanelHands {
  close(): void;
  /** False once it is sure that the change will not be. */
  change(plan: plans.Plan): Promise<boolean>;
  call(kind: CallKind): void;
  /** `byKey`: without a pointer. */
  choose(kind: MarkerKind | null, byKey: boolean): void;
  name(): string;
}

export class Panel {
  readonly element = make('section');
  readonly #hands: PanelHands;
  readonly #close = button('Close');
  readonly #line = make('p', '', 'line');
  readonly #said = make('p', '', 'said');
  readonly #tools = new Map<MarkerKind, HTMLButtonElement>();
  readonly #clear = button('Clear all');
  readonly #calls = make('ol', '', 'calls');
  readonly #ask = button('Who is ready?');
  readonly #yes = button('Yes');
  readonly #no = button('No');
  readonly #answers = make('ul', '', 'answers');
  readonly #notes = make('ol', '', 'notes');
  readonly #form = make('form');
  readonly #input = make('input');
  readonly #save = button('Add');
  readonly #cancel = button('Cancel');
  #numbers: number[] = [];
  #question: Question | null = null;
  #shownNotes: Shown<RoomNote>[] = [];
  #kind: MarkerKind | null = null;
  /** The note that is being written anew, as it was then. */
  #editing: RoomNote | null = null;

  constructor(hands: PanelHands) {
    this.#hands = hands;
    const { element } = this;
    element.id = 'room';
    element.hidden = true;
    element.setAttribute('aria-labelledby', 'room-title');
    const title = make('h2', 'War room');
    title.id = 'room-title';
    const header = make('header');
    header.append(title, this.#close);
    this.#line.role = 'status';
    this.#said.role = 'alert';
    element.append(header, this.#line, this.#said);
    element.append(this.#markerPart(), this.#callPart(), this.#readyPart(), this.#notePart());
    this.#close.addEventListener('click', () => hands.close());
    element.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      if (this.#editing !== null) this.#edit(null);
      else hands.close();
    });
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  setOpen(isOpen: boolean): void {
    this.element.hidden = !isOpen;
  }

  focus(): void {
    this.#close.focus();
  }

  /** Says what went wrong; nothing takes it back. */
  say(text: string): void {
    setText(this.#said, text);
  }

  choose(kind: MarkerKind | null): void {
    this.#kind = kind;
    for (const [of, tool] of this.#tools) tool.ariaPressed = String(of === kind);
  }

  drawLine({ text, tone }: Line): void {
    setText(this.#line, text);
    this.#line.dataset.tone = tone;
  }

  draw(picture: Picture): void {
    this.drawLine(picture.link);
    this.#numbers = [...picture.markers.keys()];
    this.#clear.hidden = this.#numbers.length === 0;
    const calls = picture.calls.map(({ value, isPending }) => {
      return { words: [callWords(value.kind), value.by], isPending };
    });
    drawRows(this.#calls, calls);
    this.#drawQuestion(picture.question);
    this.#drawNotes(picture.notes);
  }

  #markerPart(): HTMLElement {
    const tools = make('div', '', 'tools');
    for (const kind of MARKERS) {
      const { name, sign, tint } = markerWords(kind);
      const tool = button('');
      tool.className = `tool ${tint}`;
      tool.append(make('b', sign), make('span', name));
      tool.ariaPressed = 'false';
      tool.addEventListener('click', ({ detail }) => {
        this.#hands.choose(this.#kind === kind ? null : kind, detail === 0);
      });
      this.#tools.set(kind, tool);
      tools.append(tool);
    }
    this.#clear.addEventListener('click', () => {
      void this.#hands.change(plans.removeMarkers(this.#numbers));
    });
    const hint = make('div', '', 'hint');
    const how = 'Choose, then tap the arena. Drag a marker, or tap to remove it.';
    hint.append(make('p', how), this.#clear);
    return part('Markers', tools, hint);
  }

  #callPart(): HTMLElement {
    const all = make('div', '', 'row');
    for (const kind of CALLS) {
      const call = button(callWords(kind));
      call.addEventListener('click', () => this.#hands.call(kind));
      all.append(call);
    }
    this.#calls.ariaLabel = 'The newest calls';
    return part('Call out', all, this.#calls);
  }

  #readyPart(): HTMLElement {
    const all = make('div', '', 'row answering');
    all.append(this.#ask, this.#yes, this.#no);
    this.#ask.addEventListener('click', () => void this.#hands.change(plans.askWhoIsReady()));
    const answer = (isReady: boolean) => {
      const { round } = this.#question ?? { round: 0 };
      void this.#hands.change(plans.answer(round, isReady, this.#hands.name()));
    };
    this.#yes.addEventListener('click', () => answer(true));
    this.#no.addEventListener('click', () => answer(false));
    this.#yes.ariaLabel = 'Yes, ready';
    this.#no.ariaLabel = 'No, not ready';
    this.#answers.ariaLabel = 'Answers';
    return part('Ready check', all, this.#answers);
  }

  #drawQuestion(question: Question | null): void {
    this.#question = question;
    this.#yes.hidden = question === null;
    this.#no.hidden = question === null;
    this.#yes.ariaPressed = String(question?.own === true);
    this.#no.ariaPressed = String(question?.own === false);
    const answers = question?.answers ?? [];
    const rows = answers.map(({ value: { by, isReady }, isPending }) => {
      return { words: [isReady ? '✓' : '✕', by, isReady ? 'ready' : 'not ready'], isPending };
    });
    drawRows(this.#answers, rows);
    for (const [index, row] of Array.from(this.#answers.children).entries()) {
      row.classList.toggle('yes', answers[index]?.value.isReady === true);
    }
  }

  #notePart(): HTMLElement {
    const input = this.#input;
    input.id = 'room-note';
    input.type = 'text';
    input.autocomplete = 'off';
    input.placeholder = 'A note for all';
    input.ariaLabel = 'Note';
    // Characters outside the first plane count twice there; the rest is counted on saving.
    input.maxLength = 2 * ROOM_NOTE_CHARS_MAX;
    this.#save.type = 'submit';
    this.#cancel.hidden = true;
    this.#form.append(input, this.#save, this.#cancel);
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#cancel.addEventListener('click', () => this.#edit(null));
    this.#notes.ariaLabel = 'Notes';
    return part('Notes', this.#notes, this.#form);
  }

  #submit(): void {
    const written = plans.noteText(this.#input.value);
    if ('mistake' in written) return this.say(written.mistake);
    const { text } = written;
    const by = this.#hands.name();
    const before = this.#editing;
    const plan = before === null ? plans.addNote(text, by) : plans.editNote(before, text, by);
    this.#edit(null);
    // What could not be saved is not to be typed again.
    void this.#hands.change(plan).then((isDone) => {
      if (!isDone && this.#input.value === '') this.#input.value = text;
    });
  }

  /** Writes a note anew, or another one. */
  #edit(note: RoomNote | null): void {
    this.#editing = note;
    this.#input.value = note?.text ?? '';
    setText(this.#save, note === null ? 'Add' : 'Save');
    this.#cancel.hidden = note === null;
    this.#input.focus();
  }

  #drawNotes(notes: Shown<RoomNote>[]): void {
    this.#shownNotes = notes;
    while (this.#notes.children.length > notes.length) this.#notes.lastElementChild?.remove();
    while (this.#notes.children.length < notes.length) {
      this.#notes.append(this.#makeNote(this.#notes.children.length));
    }
    for (const [index, row] of Array.from(this.#notes.children).entries()) {
      const shown = notes[index];
      if (shown === undefined) continue;
      row.classList.toggle('pending', shown.isPending);
      const [text, by] = Array.from(row.querySelectorAll('span'));
      if (text !== undefined) setText(text, shown.value.text);
      if (by !== undefined) setText(by, shown.value.by);
    }
  }

  /** A row keeps its place, so that its buttons keep the focus; what it is about may change. */
  #makeNote(index: number): HTMLLIElement {
    const row = make('li');
    const [edit, remove] = [button('✎'), button('✕')];
    edit.ariaLabel = 'Write this note anew';
    remove.ariaLabel = 'Remove this note';
    const note = () => this.#shownNotes[index]?.value ?? null;
    edit.addEventListener('click', () => this.#edit(note()));
    remove.addEventListener('click', () => {
      const before = note();
      if (before !== null) void this.#hands.change(plans.removeNote(before));
    });
    row.append(make('span', '', 'text'), make('span', '', 'by'), edit, remove);
    return row;
  }
}

function button(text: string): HTMLButtonElement {
  const made = make('button', text);
  made.type = 'button';
  return made;
}

function part(title: string, ...content: HTMLElement[]): HTMLElement {
  const made = make('section');
  const heading = make('h3', title);
  heading.id = `room-${title.toLowerCase().replaceAll(' ', '-')}`;
  made.setAttribute('aria-labelledby', heading.id);
  made.append(heading, ...content);
  return made;
}

/** Rows of words without buttons, written anew only where they changed. */
function drawRows(list: HTMLElement, rows: { words: string[]; isPending: boolean }[]): void {
  while (list.children.length > rows.length) list.lastElementChild?.remove();
  while (list.children.length < rows.length) list.append(make('li'));
  for (const [index, row] of Array.from(list.children).entries()) {
    const { words, isPending } = rows[index] ?? { words: [], isPending: false };
    row.classList.toggle('pending', isPending);
    while (row.children.length > words.length) row.lastElementChild?.remove();
    while (row.children.length < words.length) row.append(make('span'));
    for (const [at, word] of Array.from(row.children).entries()) {
      if (word instanceof HTMLElement) setText(word, words[at] ?? '');
    }
  }
}
