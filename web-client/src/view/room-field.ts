// The war room on the arena: markers, a cross for the keyboard, and calls shown large for a moment.

import type { CallOut, Marker, MarkerKind } from '../generated/room';
import { EDGE, type Place, placeAt } from '../room/plans';
import type { Shown } from '../room/shown';
import { callWords, markerWords } from '../room/words';
import { make, setText } from './dom';

/** What hands do on the arena. */
export interface FieldHands {
  put(kind: MarkerKind, at: Place): void;
  move(number: number, at: Place): void;
  remove(number: number): void;
  /** Another kind of marker is to be put from now on, or none. */
  chosen(kind: MarkerKind | null): void;
  /** What had the focus is gone. */
  lost(): void;
}

/** A pointer that moves less than this many pixels means no move. */
const DRAG_PX = 6;
/** What an arrow key moves, in thousandths of the arena; with Shift, and without. */
const STEP = { far: 100, near: 25 };
/** How long a call is shown. */
const SHOUT_MS = 4_000;
/** Calls shown at once. More: the oldest goes. */
const SHOUTS_MAX = 2;

interface Drag {
  number: number;
  pointer: number;
  from: { x: number; y: number };
  at: Place | null;
}

export class Field {
  readonly element = make('div');
  readonly banner = make('div');
  readonly #hands: FieldHands;
  readonly #cross = make('i', '+', 'cross');
  readonly #markers = new Map<number, HTMLButtonElement>();
  #shown = new Map<number, Shown<Marker>>();
  #kind: MarkerKind | null = null;
  #at: Place = { x: EDGE / 2, y: EDGE / 2 };
  #drag: Drag | null = null;

  constructor(hands: FieldHands) {
    this.#hands = hands;
    const { element, banner } = this;
    element.id = 'room-field';
    element.role = 'group';
    element.ariaLabel = 'Markers on the arena';
    element.inert = true;
    this.#cross.ariaHidden = 'true';
    element.append(this.#cross);
    element.addEventListener('pointerdown', (event) => this.#press(event));
    element.addEventListener('pointermove', (event) => this.#follow(event));
    element.addEventListener('pointerup', (event) => this.#drop(event));
    element.addEventListener('pointercancel', (event) => this.#drop(event));
    element.addEventListener('keydown', (event) => this.#key(event));
    banner.id = 'room-banner';
    banner.role = 'status';
  }

  /** While the panel is closed, markers are seen and let hits through. */
  setOpen(isOpen: boolean): void {
    this.element.inert = !isOpen;
    this.element.classList.toggle('open', isOpen);
  }

  /** The next presses put markers of this kind; none: they hit. By key, the cross shows where. */
  choose(kind: MarkerKind | null, byKey: boolean): void {
    const { element } = this;
    this.#kind = kind;
    element.classList.toggle('puts', kind !== null);
    if (kind === null) {
      element.removeAttribute('tabindex');
      element.role = 'group';
      element.ariaLabel = 'Markers on the arena';
    } else {
      element.tabIndex = 0;
      element.role = 'application';
      const { name } = markerWords(kind);
      element.ariaLabel = `Arena. Arrow keys move the cross, Enter puts a marker: ${name}.`;
      if (byKey) element.focus();
    }
    this.#hands.chosen(kind);
  }

  draw(markers: Map<number, Shown<Marker>>): void {
    for (const [number, button] of this.#markers) {
      if (markers.has(number)) continue;
      const hadFocus = document.activeElement === button;
      button.remove();
      this.#markers.delete(number);
      if (hadFocus) this.#hands.lost();
    }
    for (const [number, shown] of markers) {
      if (isNews(this.#shown.get(number), shown)) this.#drawMarker(number, shown);
    }
    this.#shown = markers;
  }

  #drawMarker(number: number, { value, isPending }: Shown<Marker>): void {
    let button = this.#markers.get(number);
    if (button === undefined) {
      button = make('button');
      button.type = 'button';
      button.append(make('b'), make('small'));
      button.addEventListener('click', ({ detail }) => {
        // A pointer's click comes after its drop, which knows whether it was a move.
        if (detail === 0) this.#hands.remove(number);
      });
      button.dataset.number = String(number);
      this.#markers.set(number, button);
      this.element.append(button);
    }
    const { name, sign, tint } = markerWords(value.kind);
    button.className = `marker ${tint}`;
    button.classList.toggle('pending', isPending);
    const [icon, by] = button.children;
    if (icon instanceof HTMLElement) setText(icon, sign);
    if (by instanceof HTMLElement) setText(by, value.by);
    button.title = `${name} by ${value.by}`;
    button.ariaLabel = `${name} by ${value.by}. Enter removes it, arrow keys move it.`;
    if (this.#drag?.number !== number || this.#drag.at === null) setPlace(button, value);
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0 || !(event.target instanceof Element)) return;
    const marker = event.target.closest('.marker');
    if (marker instanceof HTMLElement) {
      const number = Number(marker.dataset.number);
      const from = { x: event.clientX, y: event.clientY };
      this.#drag = { number, pointer: event.pointerId, from, at: null };
      this.element.setPointerCapture(event.pointerId);
    } else if (this.#kind !== null) {
      this.#hands.put(this.#kind, this.#placeOf(event));
    }
  }

  #follow(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag === null || event.pointerId !== drag.pointer) return;
    const [x, y] = [event.clientX - drag.from.x, event.clientY - drag.from.y];
    if (drag.at === null && Math.hypot(x, y) < DRAG_PX) return;
    drag.at = this.#placeOf(event);
    const marker = this.#markers.get(drag.number);
    if (marker !== undefined) setPlace(marker, drag.at);
  }

  /** A press that did not move its marker removes it. */
  #drop(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag === null || event.pointerId !== drag.pointer) return;
    this.#drag = null;
    if (event.type === 'pointercancel') return this.#putBack(drag.number);
    if (drag.at === null) this.#hands.remove(drag.number);
    else this.#hands.move(drag.number, drag.at);
  }

  #putBack(number: number): void {
    const [marker, shown] = [this.#markers.get(number), this.#shown.get(number)];
    if (marker !== undefined && shown !== undefined) setPlace(marker, shown.value);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const way = arrow(event);
    const marker = event.target instanceof HTMLButtonElement ? event.target : null;
    if (marker !== null) {
      const number = Number(marker.dataset.number);
      const shown = this.#shown.get(number)?.value;
      if (way !== null && shown !== undefined) {
        this.#hands.move(number, placeAt(shown.x + way.x, shown.y + way.y));
      } else if (event.key === 'Delete' || event.key === 'Backspace') this.#hands.remove(number);
      else return;
    } else if (way !== null) {
      this.#at = placeAt(this.#at.x + way.x, this.#at.y + way.y);
      setPlace(this.#cross, this.#at);
    } else if (event.key === 'Enter' || event.key === ' ') {
      if (this.#kind !== null && !event.repeat) this.#hands.put(this.#kind, this.#at);
    } else if (event.key === 'Escape') {
      this.choose(null, false);
      this.#hands.lost();
    } else return;
    // Nothing of this is a hit.
    event.preventDefault();
    event.stopPropagation();
  }

  #placeOf(event: PointerEvent): Place {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return placeAt(
      (EDGE * (event.clientX - left)) / width,
      (EDGE * (event.clientY - top)) / height,
    );
  }

  /** Shows a call for a moment. */
  shout({ kind, by }: CallOut): void {
    const line = make('p');
    line.append(make('strong', callWords(kind)), make('span', by));
    this.banner.append(line);
    while (this.banner.children.length > SHOUTS_MAX) this.banner.firstElementChild?.remove();
    setTimeout(() => line.remove(), SHOUT_MS);
  }
}

function isNews(before: Shown<Marker> | undefined, now: Shown<Marker>): boolean {
  return before?.value !== now.value || before.isPending !== now.isPending;
}

/** Positions go through properties: the page's policy allows no style in its HTML. */
function setPlace(element: HTMLElement, { x, y }: Place): void {
  element.style.setProperty('--x', String(x / EDGE));
  element.style.setProperty('--y', String(y / EDGE));
}

function arrow({ key, shiftKey }: KeyboardEvent): Place | null {
  const step = shiftKey ? STEP.far : STEP.near;
  switch (key) {
    case 'ArrowLeft':
      return { x: -step, y: 0 };
    case 'ArrowRight':
      return { x: step, y: 0 };
    case 'ArrowUp':
      return { x: 0, y: -step };
    case 'ArrowDown':
      return { x: 0, y: step };
  }
  return null;
}
