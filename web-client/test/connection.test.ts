// The link: greeted, lost, back by itself with everything unanswered, or gone for good.

import { describe, expect, it } from 'vitest';
import { backoffMs } from '../src/backoff';
import { decodePlayer, encodeShard } from '../src/codec';
import { Connection, type Events, GONE_MS, type Link } from '../src/connection';
import type { Pending } from '../src/prediction';
import type { PlayerMessage, ShardMessage } from '../src/protocol';
import { PlayerType, PROTOCOL } from '../src/protocol';
import { state, welcome } from './shard';

/** A network in memory, with a clock that only moves when it is told to. */
class Net {
  links: Link[] = [];
  sent: PlayerMessage[] = [];
  opened: { events: Events; isClosed: boolean }[] = [];
  random = 0.999;
  private now = 0;
  private timers: { at: number; run: () => void }[] = [];
  readonly connection: Connection;

  constructor() {
    const around = {
      open: (events: Events) => {
        const wire = { events, isClosed: false };
        this.opened.push(wire);
        return {
          send: (bytes: Uint8Array) => {
            const message = decodePlayer(bytes);
            if (message) this.sent.push(message);
          },
          close: () => {
            wire.isClosed = true;
          },
        };
      },
      now: () => this.now,
      random: () => this.random,
      later: (ms: number, run: () => void) => {
        const timer = { at: this.now + ms, run };
        this.timers.push(timer);
        return () => {
          this.timers = this.timers.filter((other) => other !== timer);
        };
      },
    };
    const listener = { link: (link: Link) => this.links.push(link), message: () => {} };
    this.connection = new Connection(around, listener, 0);
    this.connection.connect({ name: 'Ada', session: null });
  }

  get wire(): Events {
    const wire = this.opened.at(-1);
    if (!wire) throw new Error('nothing was opened');
    return wire.events;
  }

  get link(): Link | undefined {
    return this.links.at(-1);
  }

  says(message: ShardMessage): void {
    this.wire.received(encodeShard(message));
  }

  join(greeting = welcome()): void {
    this.wire.opened();
    this.says(greeting);
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.now = due.at;
      this.timers = this.timers.filter((other) => other !== due);
      due.run();
    }
    this.now = end;
  }

  /** The sequences of the hits that were sent, since the last look. */
  takeHits(): number[] {
    const hits = this.sent.flatMap(([type, body]) => (type === PlayerType.Hit ? [body.seq] : []));
    this.sent = [];
    return hits;
  }
}

function pending(from: number, to: number): Pending[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const hit = { generation: 1, seq: from + index, skill: 1 };
    // biome-ignore lint/suspicious/noExplicitAny: a literal of a test
    return { hit: hit as any, damage: 100 };
  });
}

describe('a connection', () => {
  it('says hello, and sends hits in order once it is welcome', () => {
    const net = new Net();
    net.connection.flush(pending(1, 2));
    net.wire.opened();
    expect(net.sent).toEqual([[1, { protocol: PROTOCOL, name: 'Ada', session: null, every: 0 }]]);
    net.connection.flush(pending(1, 2));
    net.says(welcome());
    expect(net.link).toEqual({ kind: 'live' });
    net.connection.flush(pending(1, 2));
    net.connection.flush(pending(1, 3));
    expect(net.takeHits()).toEqual([1, 2, 3]);
  });

  it('comes back with its token, and sends again what is unanswered', () => {
    const net = new Net();
    net.join();
    net.connection.flush(pending(1, 3));
    net.sent = [];
    net.wire.closed(1006, '');
    expect(net.link).toMatchObject({ kind: 'waiting', attempt: 1 });
    net.wait(100);
    net.wire.opened();
    expect(net.sent[0]?.[1]).toMatchObject({ session: '00112233445566778899aabbccddeeff' });
    net.says(welcome({ resumed: true, seq: 1 }));
    net.connection.flush(pending(2, 3));
    expect(net.takeHits()).toEqual([2, 3]);
  });

  it('never sends more in a tick than a shard allows', () => {
    const net = new Net();
    net.join();
    net.connection.flush(pending(1, 64));
    expect(net.takeHits()).toHaveLength(20);
    net.connection.flush(pending(1, 64));
    expect(net.takeHits()).toEqual([]);
    net.says(state({ tick: 1 }));
    net.connection.flush(pending(1, 64));
    expect(net.takeHits()).toEqual(Array.from({ length: 20 }, (_, index) => index + 21));
  });

  it('waits longer each time, by a random part of at most five seconds', () => {
    expect([0, 1, 2, 5, 6, 99].map(backoffMs)).toEqual([100, 200, 400, 3_200, 5_000, 5_000]);
    const net = new Net();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      net.random = attempt % 2;
      const before = net.opened.length;
      net.wire.closed(1006, '');
      for (waits.push(0); net.opened.length === before; net.wait(50))
        waits[attempt - 1] = (waits[attempt - 1] ?? 0) + 50;
    }
    expect(waits).toEqual([100, 50, 400, 50]);
  });

  it('waits as long as a stopping or full shard asks for, and no other one', () => {
    const net = new Net();
    net.join();
    net.wire.closed(1012, 'this server is stopping; retry_ms=1500');
    expect(net.link).toEqual({
      kind: 'waiting',
      attempt: 1,
      retryAt: 1500,
      why: 'this server is stopping',
    });
    net.wait(1500);
    net.wire.closed(1008, 'retry_ms=900000');
    expect(net.link).toMatchObject({ kind: 'waiting', retryAt: expect.closeTo(1700, 0) });
  });

  it('is gone after a minute without a welcome, and starts again when it is asked to', () => {
    const net = new Net();
    net.join();
    const fail = () => {
      net.wire.closed(1006, '');
      net.wait(5_000);
    };
    for (let failures = 0; failures < GONE_MS / 5_000; failures += 1) fail();
    expect(net.link).toMatchObject({ kind: 'connecting' });
    net.wire.closed(1006, '');
    expect(net.link).toEqual({ kind: 'gone', why: 'the server does not answer' });
    const before = net.opened.length;
    net.wait(GONE_MS);
    expect(net.opened).toHaveLength(before);
    net.connection.connect();
    expect(net.link).toEqual({ kind: 'connecting', attempt: 1 });
    net.join(welcome({ resumed: true }));
    expect(net.link).toEqual({ kind: 'live' });
  });

  it('stays away when another tab took the session, or only a reload helps', () => {
    for (const [code, kind] of [
      [4006, 'replaced'],
      [4004, 'outdated'],
      [4002, 'outdated'],
      [4005, 'unwelcome'],
    ] as const) {
      const net = new Net();
      net.join();
      net.wire.closed(code, 'because');
      expect(net.link).toMatchObject({ kind });
      net.wait(GONE_MS);
      expect(net.opened).toHaveLength(1);
    }
  });

  it('ends a link that is silent or unreadable, and does not hear what it says later', () => {
    const net = new Net();
    net.join();
    net.wait(6_000);
    expect(net.opened[0]?.isClosed).toBe(true);
    expect(net.link).toMatchObject({ kind: 'waiting', why: 'the server is silent' });
    net.wait(100);
    net.opened[0]?.events.closed(4004, '');
    expect(net.link).toMatchObject({ kind: 'connecting' });
    net.wire.received(Uint8Array.of(0xc1));
    expect(net.link).toMatchObject({ kind: 'waiting', why: expect.stringContaining('unreadable') });
  });
});
