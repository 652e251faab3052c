// The war room's pure half: what hands do to it, what it shows, and which calls are news.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as room from '../src/generated/room';
import { CallKind, MarkerKind, WarRoom } from '../src/generated/room';
import { Calls } from '../src/room/calls';
import * as plans from '../src/room/plans';
import { line, pictureOf } from '../src/room/shown';
import { CALLS, callWords, MARKERS, markerWords } from '../src/room/words';
import type { Status } from '../src/shared/member';
import { run } from '../src/shared/recipe';
import { firstValue } from '../src/shared/schema';
import { updatesOf } from '../src/shared/updates';

const LIVE: Status = { kind: 'live', why: '', pending: 0, resyncs: 0, reruns: 0, version: 1 };
const NOTE = { text: 'Hit its knee', by: 'Ada' };
const empty = () => firstValue(WarRoom);

/** The room after some plans; one that throws says why. */
function made(before: WarRoom, ...all: plans.Plan[]): WarRoom {
  const ran = run(before, all);
  if (ran.kind === 'thrown') throw ran.reason;
  // Whatever is done can be said in updates.
  updatesOf(WarRoom, before, ran.after, ran.patches);
  return ran.after;
}

describe('plans of the war room', () => {
  it('put, move and remove markers', () => {
    const put = made(empty(), plans.putMarker(7, MarkerKind.Danger, { x: 1, y: 2 }, 'Ada'));
    expect([...put.markers]).toEqual([[7, { kind: MarkerKind.Danger, x: 1, y: 2, by: 'Ada' }]]);
    const moved = made(put, plans.moveMarker(7, { x: 3, y: 4 }, 'Bob'));
    expect(moved.markers.get(7)).toEqual({ kind: MarkerKind.Danger, x: 3, y: 4, by: 'Bob' });
    expect(made(moved, plans.removeMarker(7)).markers.size).toBe(0);
    expect(made(empty(), plans.moveMarker(7, { x: 3, y: 4 }, 'Bob'))).toEqual(empty());
    const more = made(put, plans.putMarker(8, MarkerKind.Post, { x: 1, y: 2 }, 'Bob'));
    expect([...made(more, plans.removeMarkers([7, 9])).markers.keys()]).toEqual([8]);
  });

  it('put no marker on a full arena', () => {
    const put = (number: number) => plans.putMarker(number, MarkerKind.Post, { x: 0, y: 0 }, 'A');
    const all = Array.from({ length: room.ROOM_MARKERS_MAX }, (_, number) => put(number));
    const full = made(empty(), ...all);
    expect(() => made(full, put(99))).toThrow('Remove some first');
  });

  it('know no place beside the arena', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (x, y) => {
        const at = plans.placeAt(x, y);
        for (const value of [at.x, at.y]) {
          expect(Number.isInteger(value) && value >= 0 && value <= plans.EDGE).toBe(true);
        }
      }),
    );
  });

  it('keep so many calls, the newest', () => {
    const calls = Array.from({ length: room.ROOM_CALLS_MAX + 3 }, (_, index) => {
      return plans.callOut(CALLS[index % CALLS.length] ?? CallKind.Now, `p${index}`);
    });
    const called = calls.reduce((before, call) => made(before, call), empty());
    expect(called.calls).toHaveLength(room.ROOM_CALLS_MAX);
    expect(called.calls.map(({ by }) => by).slice(-1)).toEqual(['p22']);
    expect(called.calls[0]?.by).toBe('p3');
  });

  it('ask who is ready, and take answers to that alone', () => {
    const asked = made(empty(), plans.askWhoIsReady());
    const answered = made(asked, plans.answer(1, true, 'Ada'), plans.answer(1, false, 'Bob'));
    expect([...answered.ready]).toEqual([
      ['Ada', true],
      ['Bob', false],
    ]);
    const again = made(answered, plans.askWhoIsReady());
    expect([again.round, again.ready.size]).toEqual([2, 0]);
    expect(() => made(again, plans.answer(1, true, 'Ada'))).toThrow('asked again');
    const last = made({ ...empty(), round: 2 ** 32 - 1 }, plans.askWhoIsReady());
    expect(last.round).toBe(0);
  });

  it('write notes, and lose nobody’s words', () => {
    const written = made(empty(), plans.addNote('Hit its knee', 'Ada'));
    const left = plans.editNote(NOTE, 'Hit its left knee', 'Ada');
    const hard = plans.editNote(NOTE, 'Hit its knee hard', 'Bob');
    for (const order of [
      [left, hard],
      [hard, left],
    ]) {
      const both = made(written, ...order).notes.map(({ text }) => text);
      expect(both.sort()).toEqual(['Hit its knee hard', 'Hit its left knee']);
    }
    const removed = made(written, left, plans.removeNote(NOTE));
    expect(removed.notes).toEqual([{ text: 'Hit its left knee', by: 'Ada' }]);
    const full = { ...empty(), notes: Array.from({ length: room.ROOM_NOTES_MAX }, () => NOTE) };
    expect(() => made(full, plans.addNote('more', 'Bob'))).toThrow('Remove one first');
  });

  it('say what is no note', () => {
    expect(plans.noteText(' a\tb\n ')).toEqual({ text: 'a b' });
    expect(plans.noteText(' \n ')).toEqual({ mistake: 'A note says something.' });
    expect(plans.noteText('𝄞'.repeat(140))).toEqual({ text: '𝄞'.repeat(140) });
    expect(plans.noteText('x'.repeat(141))).toEqual({
      mistake: 'At most 140 characters, these are 141.',
    });
  });
});

describe('the picture of the war room', () => {
  it('dims what the server does not have yet', () => {
    const old = plans.putMarker(1, MarkerKind.Post, { x: 1, y: 1 }, 'Ada');
    const state = made(empty(), old, plans.addNote('old', 'Ada'), plans.callOut(CallKind.Now, 'A'));
    const fresh = plans.putMarker(2, MarkerKind.Post, { x: 1, y: 1 }, 'Ada');
    const call = plans.callOut(CallKind.Hold, 'Ada');
    const view = made(state, fresh, plans.addNote('new', 'Ada'), call, plans.askWhoIsReady());
    const picture = pictureOf(state, view, LIVE, 'Ada');
    const dim = (all: Iterable<{ isPending: boolean }>) => {
      return Array.from(all, ({ isPending }) => isPending);
    };
    expect(dim(picture.markers.values())).toEqual([false, true]);
    expect(dim(picture.notes)).toEqual([false, true]);
    expect(picture.calls.map(({ value }) => value.kind)).toEqual([CallKind.Hold, CallKind.Now]);
    expect(dim(picture.calls)).toEqual([true, false]);
    expect(dim(pictureOf(view, view, LIVE, 'Ada').notes)).toEqual([false, false]);
  });

  it('has no question before anybody asked, and shows who is ready first', () => {
    expect(pictureOf(empty(), empty(), LIVE, 'Ada').question).toBeNull();
    const asked = made(empty(), plans.askWhoIsReady(), plans.answer(1, false, 'Ada'));
    const view = made(asked, plans.answer(1, true, 'Cid'), plans.answer(1, true, 'Bob'));
    const question = pictureOf(asked, view, LIVE, 'Ada').question;
    expect(question?.own).toBe(false);
    expect(question?.answers).toEqual([
      { value: { by: 'Bob', isReady: true }, isPending: true },
      { value: { by: 'Cid', isReady: true }, isPending: true },
      { value: { by: 'Ada', isReady: false }, isPending: false },
    ]);
  });

  it('says how it stands with the link and with own changes', () => {
    const said = (status: Partial<Status>) => line({ ...LIVE, ...status });
    expect(said({})).toEqual({ text: 'Live · all saved', tone: 'good' });
    expect(said({ pending: 1, reruns: 2 }).text).toBe(
      'Live · 1 change on the way · 2 changes run again',
    );
    expect(said({ kind: 'loading' }).text).toBe('Connecting …');
    expect(said({ kind: 'loading', why: 'nobody began it' }).text).toBe(
      'Waiting: nobody began it.',
    );
    expect(said({ kind: 'offline', why: 'it restarts', pending: 2 }).text).toBe(
      'Offline: it restarts. 2 changes of yours will follow.',
    );
    expect(said({ kind: 'ended', why: 'no' })).toEqual({ text: 'Closed: no.', tone: 'bad' });
  });

  it('has words for everything', () => {
    expect(new Set(MARKERS.map((kind) => markerWords(kind).name)).size).toBe(MARKERS.length);
    expect(new Set(CALLS.map(callWords)).size).toBe(CALLS.length);
    expect(markerWords(MarkerKind.Unknown).name).toBe('Marker');
    expect(callWords(CallKind.Unknown)).toBe('Attention!');
  });
});

describe('calls', () => {
  const call = (by: string, kind: CallKind = CallKind.Now) => ({ kind, by });

  it('that were there before are no news', () => {
    const calls = new Calls();
    const before = [call('Ada')];
    expect(calls.take(before, true)).toEqual([]);
    expect(calls.take(before, true)).toEqual([]);
    expect(calls.take([...before, call('Bob')], true)).toEqual([call('Bob')]);
  });

  it('of this page are shown by it, and not again', () => {
    const calls = new Calls();
    calls.take([], true);
    const [own, failed] = [call('Ada'), call('Ada', CallKind.Hold)];
    calls.made(own);
    calls.made(failed);
    calls.failed(failed);
    const other = call('Bob');
    const state = [other, { ...own }, { ...failed }];
    expect(calls.take(state, true)).toEqual([other, failed]);
    expect(calls.take([...state, { ...own }], true)).toEqual([own]);
  });

  it('of a full list are news too, also if all say the same', () => {
    const calls = new Calls();
    const full = Array.from({ length: room.ROOM_CALLS_MAX }, () => call('Ada'));
    calls.take(full, true);
    expect(calls.take([...full.slice(1), call('Ada')], true)).toEqual([call('Ada')]);
  });

  it('that came anew as other objects are told apart by their words', () => {
    const calls = new Calls();
    calls.take([call('Ada'), call('Bob')], true);
    expect(calls.take([call('Ada'), call('Bob'), call('Cid')], true)).toEqual([call('Cid')]);
    expect(calls.take([call('Bob')], true)).toEqual([call('Bob')]);
  });

  it('that came while nobody listened are no news later', () => {
    const calls = new Calls();
    calls.take([], true);
    const state = [call('Bob')];
    expect(calls.take(state, false)).toEqual([]);
    expect(calls.take(state, true)).toEqual([]);
  });
});
