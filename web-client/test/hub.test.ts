// Shared structures on one connection, as a page has them: frames, lost links, time-outs.

import { describe, expect, it } from 'vitest';
import type { Events } from '../src/connection';
import { Hub, type Shared, shared, sharedList, sharedMap, sharedStack } from '../src/shared';
import * as m from '../src/shared/messages';
import { RequestType } from '../src/shared/messages';
import * as u from '../src/ucore';
import { Authority } from './authority';

/** A page in memory with its server: nothing moves but when it is told to. */
class Page {
  readonly authority: Authority;
  readonly hub: Hub;
  now = 0;
  /** Whether the server takes connections, and whether it answers. */
  isUp = true;
  isSilent = false;
  losesAnswers = false;
  hasNoAnswers = false;
  sent: m.DoorRequest[] = [];
  opened: { events: Events; isClosed: boolean }[] = [];
  private timers: { at: number; run: () => void }[] = [];
  private frames: (() => void)[] = [];
  private parked: { events: Events; number: m.Asked; request: m.DoorRequest }[] = [];

  constructor(authority = new Authority(), id = 1) {
    this.authority = authority;
    this.hub = new Hub({
      open: (events) => this.open(events),
      now: () => this.now,
      random: () => 0.5,
      later: (ms, run) => {
        const timer = { at: this.now + ms, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((other) => other !== timer);
        };
      },
      frame: (run) => this.frames.push(run),
      secret: (len) => new Uint8Array(len).fill(id++),
    });
  }

  get frameCount(): number {
    return this.frames.length;
  }

  private open(events: Events) {
    const wire = { events, isClosed: false };
    this.opened.push(wire);
    return {
      send: (bytes: Uint8Array) => {
        const [number, request] = m.decodeRequest(bytes);
        if (request === null) throw new Error('nothing was asked');
        this.sent.push(request);
        this.parked.push({ events, number, request });
      },
      close: () => {
        wire.isClosed = true;
      },
    };
  }

  /** The newest wire. */
  get wire(): { events: Events; isClosed: boolean } {
    const wire = this.opened.at(-1);
    if (wire === undefined) throw new Error('nothing was opened');
    return wire;
  }

  /** The server answers what it can. */
  answer(): void {
    const parked = this.parked;
    this.parked = [];
    for (const letter of parked) {
      const { request, number, events } = letter;
      const isWaiting = request[0] === RequestType.Follow && !this.authority.hasNews(request[1]);
      if (this.isSilent || isWaiting) this.parked.push(letter);
      else {
        const said = this.hasNoAnswers ? null : this.authority.answer(request);
        const answer = m.encodeAnswer(number, said);
        if (!this.losesAnswers) events.received(answer);
      }
    }
  }

  /** One frame is drawn. */
  frame(): void {
    const frames = this.frames;
    this.frames = [];
    for (const run of frames) run();
  }

  /** Frames and answers, until nothing moves. */
  settle(): void {
    if (this.isUp && this.opened.length > 0 && !this.wire.isClosed) this.wire.events.opened();
    for (let left = 100; left > 0; left -= 1) {
      this.frame();
      this.answer();
      if (this.frames.length === 0) return;
    }
    throw new Error('it never comes to rest');
  }

  cut(reason = ''): void {
    this.parked = [];
    this.wire.isClosed = true;
    this.wire.events.closed(1006, reason);
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.now = due.at;
      this.timers = this.timers.filter((other) => other !== due);
      due.run();
    }
    this.now = end;
  }
}

/** What became of a promise. */
async function fate(of: Promise<void>): Promise<string> {
  return of.then(
    () => 'done',
    (error: Error) => error.message,
  );
}

function pages(): [Page, Page] {
  const authority = new Authority();
  return [new Page(authority, 1), new Page(authority, 100)];
}

function list(page: Page, name = 'names'): Shared<string[]> {
  return sharedList(name, u.text, { hub: page.hub });
}

describe('shared structures', () => {
  it('are maps, lists, stacks and whatever else has a form', async () => {
    const [one, two] = pages();
    const both = [one, two].map(({ hub }) => ({
      map: sharedMap('map', u.i32, u.uvec(u.text), { hub }),
      list: sharedList('list', u.text, { hub }),
      stack: sharedStack('stack', u.u8, { hub }),
      number: shared('number', u.counter, { hub }),
      code: shared('code', u.codes('Mood', u.u8, { Unknown: 0, Calm: 1 }), { hub, first: 1 }),
    }));
    const [here, there] = both;
    if (here === undefined || there === undefined) throw new Error('there are two');
    one.settle();
    const all = [
      here.map.mutate((map) => map.set(1, ['a'])),
      here.list.mutate((list) => list.push('b')),
      here.stack.mutate((stack) => stack.push(3)),
      here.number.mutate((number) => number + 4),
    ];
    one.settle();
    expect(await Promise.all(all.map(fate))).toEqual(['done', 'done', 'done', 'done']);
    two.settle();
    expect(there.map.view).toEqual(new Map([[1, ['a']]]));
    expect(there.list.view).toEqual(['b']);
    expect(there.stack.view).toEqual([3]);
    expect(there.number.view).toBe(4);
    expect(there.code.view).toBe(1);
    expect(one.opened).toHaveLength(1);
    expect(() => sharedList('No', u.u8, { hub: one.hub })).toThrow('a name has 1 to 64');
    expect(() => shared('a', u.codes('M', u.u8, { A: 1 }), { hub: one.hub })).toThrow(
      'begins with',
    );
  });

  it('gather what is done and what comes until the frame, and tell it once', async () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    let told = 0;
    const stop = names.subscribe(() => {
      told += 1;
    });
    page.sent = [];
    const all = ['a', 'b', 'c'].map((name) => names.mutate((draft) => draft.push(name)));
    expect(names.view).toEqual(['a', 'b', 'c']);
    expect([page.sent, told, page.frameCount]).toEqual([[], 0, 1]);
    page.frame();
    expect(page.sent.map(([type]) => type)).toEqual([RequestType.Propose]);
    expect([told, names.status.pending]).toEqual([1, 3]);
    const { view, status } = names;
    page.answer();
    expect(names.status).toBe(status);
    page.settle();
    expect(names.view).toBe(view);
    expect(names.status).toEqual({
      kind: 'live',
      why: '',
      pending: 0,
      resyncs: 0,
      reruns: 0,
      version: 1,
    });
    expect(told).toBe(2);
    expect(await Promise.all(all.map(fate))).toEqual(['done', 'done', 'done']);
    stop();
    void names.mutate((draft) => draft.pop());
    page.settle();
    expect(told).toBe(2);
    // At rest, nothing is drawn and one question waits for news.
    expect(page.frameCount).toBe(0);
  });

  it('come back by themselves with what was done meanwhile, each once', async () => {
    const [one, two] = pages();
    const [here, there] = [list(one), list(two)];
    one.settle();
    two.settle();
    const first = here.mutate((names) => names.push('first'));
    one.frame();
    one.losesAnswers = true;
    one.answer();
    expect(one.authority.group('names').entries).toHaveLength(1);
    one.losesAnswers = false;
    one.cut('it restarts');
    one.frame();
    expect(here.status).toMatchObject({ kind: 'offline', why: 'it restarts', pending: 1 });
    const second = here.mutate((names) => names.push('second'));
    void there.mutate((names) => names.push('other'));
    two.settle();
    one.wait(5_000);
    expect(one.opened).toHaveLength(2);
    one.settle();
    two.settle();
    expect(await Promise.all([first, second].map(fate))).toEqual(['done', 'done']);
    expect(here.view).toEqual(there.view);
    expect([...here.view].sort()).toEqual(['first', 'other', 'second']);
  });

  it('give a silent server up after the time it may take', () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    page.isSilent = true;
    void names.mutate((draft) => draft.push('a')).catch(() => {});
    page.frame();
    page.wait(9_999);
    expect(page.wire.isClosed).toBe(false);
    page.wait(1);
    expect(page.opened[0]?.isClosed).toBe(true);
    page.isSilent = false;
    page.wait(5_000);
    page.settle();
    expect(names.state).toEqual(['a']);
  });

  it('wait longer each time for a server that is not there, up to five seconds', () => {
    const page = new Page();
    list(page);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const { now } = page;
      page.cut();
      const count = page.opened.length;
      while (page.opened.length === count) page.wait(1);
      waits.push(page.now - now);
    }
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_600, 2_500, 2_500]);
    page.cut();
    const count = page.opened.length;
    page.hub.hurry();
    expect(page.opened).toHaveLength(count + 1);
    page.hub.hurry();
    expect(page.opened).toHaveLength(count + 1);
  });

  it('drop a server that says what nobody can read', () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    for (const bytes of [[], [0x92, 1], [0x92, 1, 0x92, 9, 0x90], [0xc1]]) {
      page.wire.events.received(Uint8Array.from(bytes));
      expect(page.wire.isClosed).toBe(true);
      page.frame();
      expect(names.status).toMatchObject({ kind: 'offline' });
      expect(names.status.why).toContain('unreadable');
      page.wait(5_000);
      page.settle();
      expect(names.status).toMatchObject({ kind: 'live' });
    }
  });

  it('leave when they are closed, and the last one takes the link along', async () => {
    const page = new Page();
    const [names, others] = [list(page), list(page, 'others')];
    page.settle();
    void names.mutate((draft) => draft.push('a'));
    page.settle();
    page.sent = [];
    names.close();
    names.close();
    expect(page.sent.map(([type]) => type)).toEqual([RequestType.Leave]);
    expect(names.status).toMatchObject({ kind: 'ended', why: 'this structure was closed' });
    expect(await fate(names.mutate(() => {}))).toBe('this structure was closed');
    expect(names.view).toEqual(['a']);
    expect(page.wire.isClosed).toBe(false);
    others.close();
    expect(page.wire.isClosed).toBe(true);
    page.wait(60_000);
    expect(page.opened).toHaveLength(1);
    const again = list(page);
    expect(page.opened).toHaveLength(2);
    page.settle();
    expect(again.view).toEqual(['a']);
  });

  it('tell a refusal to those who wait, and end', async () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    void names.mutate((draft) => draft.push('a'));
    page.settle();
    expect(() => list(page)).toThrow('share that one');
    const other = new Page(page.authority, 7);
    const wrong = sharedList('names', u.u8, { hub: other.hub });
    const change = wrong.mutate((draft) => draft.push(1));
    other.settle();
    expect(await fate(change)).toContain('another type under this name');
    expect(wrong.status.kind).toBe('ended');
    page.authority.isBeginning = false;
    const none = sharedList('none', u.u8, { hub: page.hub });
    page.settle();
    expect(none.status).toMatchObject({ kind: 'loading', why: expect.stringContaining('begun') });
  });

  it('say who the page is before anything else, and the same on each link', () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    expect(page.sent.map(([type]) => type).slice(0, 2)).toEqual([
      RequestType.Introduce,
      RequestType.Follow,
    ]);
    const [first] = page.sent;
    page.cut();
    page.wait(5_000);
    page.sent = [];
    page.wire.events.opened();
    page.frame();
    expect(page.sent).toEqual([first]);
    expect(names.status.kind).toBe('loading');
    page.settle();
    expect(names.status.kind).toBe('live');
  });

  it('ask again a little later when the server has no answer', async () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    page.hasNoAnswers = true;
    const change = names.mutate((draft) => draft.push('a'));
    page.sent = [];
    for (let frame = 0; frame < 20; frame += 1) {
      page.frame();
      page.answer();
    }
    expect(page.sent.length).toBeLessThan(3);
    expect(names.status).toMatchObject({ kind: 'live', pending: 1 });
    page.hasNoAnswers = false;
    page.wait(5_000);
    page.settle();
    expect(await fate(change)).toBe('done');
    expect(names.state).toEqual(['a']);
  });

  it('ask no more often than a server bears', async () => {
    const page = new Page();
    const names = list(page);
    page.settle();
    page.sent = [];
    const all: Promise<void>[] = [];
    for (let frame = 0; frame < 120; frame += 1) {
      all.push(names.mutate((draft) => draft.push('a')));
      page.frame();
      page.answer();
      page.wait(10);
    }
    expect(page.sent.length).toBeLessThan(m.DOOR_RATE_MAX + 1.2 * m.DOOR_RATE_MAX);
    page.wait(5_000);
    page.settle();
    expect(await Promise.all(all.map(fate))).toEqual(all.map(() => 'done'));
    expect(page.opened).toHaveLength(1);
  });

  it('go on counting where the same structure is opened again', async () => {
    const page = new Page();
    const first = list(page);
    const others = list(page, 'others');
    page.settle();
    void first.mutate((names) => names.push('a'));
    page.settle();
    first.close();
    const again = list(page);
    page.settle();
    const change = again.mutate((names) => names.push('b'));
    page.settle();
    expect(await fate(change)).toBe('done');
    expect(again.state).toEqual(['a', 'b']);
    others.close();
  });
});
