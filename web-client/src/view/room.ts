// The war room on the page, loaded when it is opened for the first time: a panel beside the arena,
// and what stands on the arena.

import { backoffMs } from '../backoff';
import type { CallKind, CallOut } from '../generated/room';
import { WarRoom } from '../generated/room';
import { Calls } from '../room/calls';
import { callOut, moveMarker, type Plan, putMarker, removeMarker } from '../room/plans';
import { type Line, pictureOf } from '../room/shown';
import { type Shared, shared } from '../shared';
import { byId } from './dom';
import css from './room.css?url';
import { Field } from './room-field';
import { Panel } from './room-panel';

/** Random numbers of markers are below this. */
const NUMBERS = 2 ** 31;

const main = document.querySelector('main') ?? document.body;
const button = byId('room-button', HTMLButtonElement);
const board = byId('board', HTMLElement);

/** The structure, once it is known which one. */
let room: Shared<WarRoom> | null = null;
/** How it stands with finding that out. */
let search: Line = { text: 'Connecting …', tone: 'wait' };
let name: () => string = () => '';
const calls = new Calls();

const field = new Field({
  put: (kind, at) => change(putMarker(Math.floor(Math.random() * NUMBERS), kind, at, name())),
  move: (number, at) => change(moveMarker(number, at, name())),
  remove: (number) => change(removeMarker(number)),
  chosen: (kind) => panel.choose(kind),
  lost: () => panel.focus(),
});

const panel = new Panel({
  close,
  change,
  call,
  choose: (kind, byKey) => field.choose(kind, byKey),
  name: () => name(),
});

let begun: Promise<void> | null = null;

/** Opens or closes the panel. `who` gives the player's name. */
export async function toggle(who: () => string): Promise<void> {
  name = who;
  begun ??= begin();
  await begun;
  if (panel.isOpen) close();
  else open();
}

function open(): void {
  setOpen(true);
  draw();
  panel.focus();
}

function close(): void {
  field.choose(null, false);
  setOpen(false);
  button.focus();
}

function setOpen(isOpen: boolean): void {
  main.classList.toggle('planning', isOpen);
  button.ariaExpanded = String(isOpen);
  panel.setOpen(isOpen);
  field.setOpen(isOpen);
}

/** Brings in its looks, and begins to share the room. */
async function begin(): Promise<void> {
  await looks();
  byId('corner', HTMLElement).after(field.element, field.banner);
  board.before(panel.element);
  button.setAttribute('aria-controls', panel.element.id);
  void share();
}

function looks(): Promise<void> {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = css;
  return new Promise((resolve) => {
    // Without them it looks poor, and works.
    link.onload = () => resolve();
    link.onerror = () => resolve();
    document.head.append(link);
  });
}

/** Shares the war room of the boss that this server plays, however long it takes to learn which. */
async function share(): Promise<void> {
  for (let failures = 0; room === null; failures += 1) {
    try {
      const answer = await fetch('api/leaderboard');
      const { boss }: { boss: number } = await answer.json();
      room = shared(`war-room/${boss}`, WarRoom);
    } catch {
      search = { text: 'Offline: the server does not say which boss this is.', tone: 'wait' };
      draw();
      await new Promise((over) => setTimeout(over, Math.random() * backoffMs(failures)));
    }
  }
  room.subscribe(draw);
  draw();
}

/** Changes the room. If that can't be, the panel says why. */
function change(plan: Plan): Promise<boolean> {
  if (room === null) {
    panel.say('The war room is not here yet: wait until the line above says that it is live.');
    return Promise.resolve(false);
  }
  panel.say('');
  const done = room.mutate(plan).then(
    () => true,
    (error: Error) => {
      panel.say(sentence(error.message));
      return false;
    },
  );
  draw();
  return done;
}

async function call(kind: CallKind): Promise<void> {
  const own: CallOut = { kind, by: name() };
  if (room !== null) {
    calls.made(own);
    field.shout(own);
  }
  if (!(await change(callOut(own.kind, own.by)))) calls.failed(own);
}

/** One new picture, with the frame in which something has changed. */
function draw(): void {
  if (room === null) return panel.drawLine(search);
  const { state, view, status } = room;
  const picture = pictureOf(state, view, status, name());
  field.draw(picture.markers);
  panel.draw(picture);
  for (const fresh of calls.take(state.calls, status.kind === 'live')) field.shout(fresh);
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
