// Applied edits a second in frames of 100: a shared map of 1,000 keys beside a loop of one's own.
//
// Both begin with what came over the wire of one frame. The loop of one's own gets objects, and
// decodes nothing; the shared map gets the bytes of the authority's answer, checks and counts them.

import { enableMapSet, freeze, produce } from 'immer';
import { expect, it } from 'vitest';
import { close } from '../src/bytes';
import * as m from '../src/shared/messages';
import { AnswerType, RequestType, toGroupName } from '../src/shared/messages';
import { Replica } from '../src/shared/replica';
import * as u from '../src/ucore';

enableMapSet();

interface Marker {
  x: number;
  y: number;
  label: string;
}
const Marker: u.Form<Marker> = u.struct('Marker', {
  x: [0, u.i32],
  y: [1, u.i32],
  label: [2, u.text],
});
const KEYS = 1_000;
const EDITS = 100;
const FRAMES = 400;
const ROUNDS = 15;

const first = (): Map<number, Marker> => {
  return new Map(Array.from({ length: KEYS }, (_, key) => [key, { x: key, y: 0, label: 'here' }]));
};
const key = (frame: number, edit: number) => (frame * 37 + edit * 7) % KEYS;

type Kind = 'field' | 'value';

/** What an edit of a frame is as a list of one update. */
function updates(kind: Kind, frame: number, edits: number[]): Uint8Array {
  const all = edits.flatMap((edit) => {
    const at = key(frame, edit);
    if (kind === 'field') return [2, at, 1, frame];
    return [0, at, [frame, edit, 'moved']];
  });
  return close(all);
}

/** The bytes of one frame's page: so many entries, which have its edits among them. */
function page(kind: Kind, frame: number, entries: number): Uint8Array {
  const share = EDITS / entries;
  const all = Array.from({ length: entries }, (_, index) => {
    const edits = Array.from({ length: share }, (_, of) => index * share + of);
    const writer = new Uint8Array(16).fill(index);
    const edit = close([writer, frame + 1, true, updates(kind, frame, edits)]);
    return [frame * entries + index + 1, new Uint8Array(20), edit];
  });
  const head = (frame + 1) * entries;
  return close([1, [AnswerType.Page, [null, all, head, null]]]);
}

function replica(): Replica<Map<number, Marker>> {
  const form = u.umap(u.u32, Marker);
  const group = toGroupName('bench');
  const spec = { group, form, schema: m.schemaOf(form), first: new Map(), seq: 0 };
  const made = new Replica(spec);
  const at = u.decodeState(m.Seen, close([0, new Uint8Array(20)]));
  const request = made.poll(0) as m.GroupRequest;
  const value = u.encodeState(form, first());
  const page = { base: { at, value }, entries: [], head: at.version, kept: null };
  made.handleAnswer({ now: 0, luck: 0 }, request, read(m.encodeAnswer(1, [AnswerType.Page, page])));
  return made;
}

function read(bytes: Uint8Array): m.GroupAnswer {
  const [, answer] = m.decodeAnswer(bytes);
  if (answer?.[0] === AnswerType.Page) return answer;
  throw new Error('it should be a page');
}

/** Microseconds a frame of the shared map. */
function shared(pages: readonly Uint8Array[]): number {
  const map = replica();
  const began = performance.now();
  for (const bytes of pages) {
    const request = map.poll(0);
    if (request === null || request[0] !== RequestType.Follow) throw new Error('it should follow');
    map.handleAnswer({ now: 0, luck: 0 }, request, read(bytes));
    if (map.view.size !== KEYS) throw new Error('a key was lost');
  }
  const us = ((performance.now() - began) * 1_000) / pages.length;
  expect(map.resyncs).toBe(0);
  return us;
}

/** The same of a loop of one's own, with one `produce` a frame, or one for each edit. */
function own(kind: Kind, produces: 'frame' | 'edit', frames: number): number {
  let state = freeze(first(), true);
  const all = Array.from({ length: frames }, (_, frame) => {
    return Array.from({ length: EDITS }, (_, edit) => ({ at: key(frame, edit), frame, edit }));
  });
  const apply = (draft: Map<number, Marker>, { at, frame, edit }: (typeof all)[0][0]) => {
    const marker = draft.get(at);
    if (kind === 'value') draft.set(at, { x: frame, y: edit, label: 'moved' });
    else if (marker !== undefined) marker.x = frame;
  };
  const began = performance.now();
  for (const edits of all) {
    if (produces === 'frame') {
      state = produce(state, (draft) => {
        for (const edit of edits) apply(draft, edit);
      });
    } else {
      for (const edit of edits) state = produce(state, (draft) => apply(draft, edit));
    }
    if (state.size !== KEYS) throw new Error('a key was lost');
  }
  return ((performance.now() - began) * 1_000) / frames;
}

const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
const perSecond = (us: number) => `${Math.round((EDITS / us) * 1_000_000).toLocaleString('en')}`;

for (const kind of ['field', 'value'] as const) {
  it(`a ${kind} of a shared map's markers`, () => {
    const cases = [1, 10, 100].map((entries) => {
      const pages = Array.from({ length: FRAMES }, (_, frame) => page(kind, frame, entries));
      return { entries, pages, us: [] as number[] };
    });
    const [frames, edits]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      // In turn, so that whatever slows the machine down slows all of them.
      for (const one of cases) one.us.push(shared(one.pages));
      frames.push(own(kind, 'frame', FRAMES));
      edits.push(own(kind, 'edit', FRAMES / 40));
    }
    const [byFrame, byEdit] = [median(frames), median(edits)];
    const lines = [
      `own loop, one produce a frame: ${perSecond(byFrame)} edits/s`,
      `own loop, one produce an edit: ${perSecond(byEdit)} edits/s`,
    ];
    for (const { entries, us } of cases) {
      const mine = median(us);
      const ratio = (byFrame / mine).toFixed(2);
      lines.push(`shared, ${entries} entries a frame: ${perSecond(mine)} edits/s, ${ratio} x`);
    }
    process.stdout.write(`${kind}:\n  ${lines.join('\n  ')}\n`);
  });
}
