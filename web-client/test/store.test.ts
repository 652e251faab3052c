// What the page makes of presses and messages: shown at once, answered, taken back, counted once.

import { describe, expect, it } from 'vitest';
import { PENDING_MAX, skillOfKey } from '../src/input';
import type { ShardMessage } from '../src/protocol';
import { RefusalReason, Status } from '../src/protocol';
import { type Effect, type Event, type Game, newGame, nextFrame } from '../src/store';
import { ack, boss, SKILLS, state, welcome } from './shard';

const [STRIKE, HEAVY] = SKILLS;

/** A page that has joined a boss with 1000 HP. */
class Page {
  game: Game = newGame();
  now = 0;

  constructor() {
    this.hears(welcome(), boss(1, 1000), state({ tick: 1 }));
  }

  frame(...events: Event[]): void {
    this.game = nextFrame(this.game, events, this.now, 16);
  }

  hears(...messages: ShardMessage[]): void {
    this.frame(...messages.map((message): Event => ({ kind: 'message', at: this.now, message })));
  }

  hits(count = 1, skill = STRIKE): void {
    if (!skill) throw new Error('there are skills');
    const one: Event = { kind: 'press', at: this.now, skill: skill.id };
    this.frame(...Array.from({ length: count }, () => one));
  }

  tally(hits: number, damage: number) {
    return [{ generation: 1, hits, damage, late: 0 }];
  }

  get goal(): number | undefined {
    return this.game.bar?.goal;
  }

  /** The effects of one kind, oldest first. */
  effects<K extends Effect['kind']>(kind: K): Extract<Effect, { kind: K }>[] {
    return this.game.effects.filter(
      (one): one is Extract<Effect, { kind: K }> => one.kind === kind,
    );
  }
}

describe('own hits', () => {
  it('move the bar at once, and stay until the truth counts them, each once', () => {
    const page = new Page();
    page.hits();
    expect(page.goal).toBe(900);
    page.hears(
      ack({ tick: 2, seq: 1, tallies: page.tally(1, 100) }),
      state({ tick: 2, counted: 1 }),
    );
    expect(page.goal, 'accepted, not counted').toBe(900);
    page.hits();
    expect(page.goal, 'a second hit below the accepted one').toBe(800);
    page.hears(state({ tick: 3, hp: 900, counted: 2 }));
    expect(page.goal, 'the first is in the truth').toBe(800);
    page.hears(ack({ tick: 4, seq: 2, tallies: page.tally(2, 200) }));
    page.hears(state({ tick: 5, hp: 800, counted: 4 }));
    expect(page.goal).toBe(800);
    expect(page.game.others).toBe(0);
  });

  it('show what a critical hit did more', () => {
    const page = new Page();
    page.hits(2);
    page.hears(ack({ tick: 2, seq: 2, tallies: page.tally(2, 300) }));
    expect(page.effects('crit').map(({ damage }) => damage)).toEqual([100]);
    expect(page.goal).toBe(700);
  });

  it('hold the bar when nobody says at which tick they were accepted', () => {
    for (const late of ['folded', 'welcome'] as const) {
      const page = new Page();
      page.hits();
      const told = { tick: 5, seq: 1, tallies: page.tally(1, 100) };
      page.hears(
        late === 'folded' ? ack({ ...told, folded: true }) : welcome({ ...told, resumed: true }),
      );
      page.hears(state({ tick: 6, hp: 1000, counted: 3 }));
      expect(page.goal, 'the truth may lack it').toBe(900);
      page.hears(state({ tick: 7, hp: 900, counted: 4 }));
      expect(page.goal, 'the truth may hold it').toBe(900);
      page.hears(state({ tick: 8, hp: 900, counted: 5 }));
      expect(page.goal).toBe(900);
      expect(page.game.others).toBe(0);
    }
  });

  it('are taken back with the reason when they are refused', () => {
    const page = new Page();
    page.hits(2);
    expect(page.goal).toBe(800);
    const refused = [{ seq: 2, reason: RefusalReason.Rate }];
    page.hears(ack({ tick: 2, seq: 2, tallies: page.tally(1, 100), refused }));
    expect(page.goal).toBe(900);
    expect(page.effects('taken back')).toMatchObject([
      { seq: 2, damage: 100, reason: RefusalReason.Rate },
    ]);
    expect(page.game.pending).toEqual([]);
  });

  it('wait in a bounded list', () => {
    const page = new Page();
    page.hits(PENDING_MAX + 3);
    expect(page.game.pending).toHaveLength(PENDING_MAX);
    expect(page.effects('idle')).toHaveLength(3);
  });

  it('need a boss that is alive and a skill that is ready', () => {
    const page = new Page();
    page.hits(2, HEAVY);
    expect(page.game.pending).toHaveLength(1);
    page.now = 3_200;
    page.hits(1, HEAVY);
    expect(page.game.pending).toHaveLength(2);
    page.hears(state({ tick: 2, hp: 0, status: Status.Defeated }));
    page.hits();
    expect(page.game.pending).toHaveLength(2);
    expect(page.effects('idle').map(({ why }) => why)).toEqual(['cooling down', 'defeated']);
  });

  it('give their skill back when they did not count', () => {
    const page = new Page();
    page.hits(1, HEAVY);
    page.hears(ack({ tick: 2, seq: 1, refused: [{ seq: 1, reason: RefusalReason.NotReady }] }));
    page.hits(1, HEAVY);
    expect(page.game.pending).toHaveLength(1);
  });
});

describe('a connection that comes back', () => {
  it('leaves unanswered hits pending, and takes the answered ones off by the tallies', () => {
    const page = new Page();
    page.hits(3);
    page.hears(welcome({ resumed: true, tick: 9, seq: 2, tallies: page.tally(1, 100) }));
    expect(page.game.pending.map(({ hit }) => hit.seq)).toEqual([3]);
    expect(page.effects('taken back')).toMatchObject([{ seq: 2, reason: null }]);
    page.hears(state({ tick: 10, hp: 900, counted: 9 }));
    expect(page.goal).toBe(800);
    expect(page.game.others, 'own damage is not the others').toBe(0);
    page.hits();
    expect(page.game.pending.map(({ hit }) => hit.seq)).toEqual([3, 4]);
  });

  it('to a shard that lost the session takes all back and counts from one again', () => {
    const page = new Page();
    page.hits(2);
    page.hears(welcome({ resumed: false, tick: 0 }), state({ tick: 1 }));
    expect(page.game.pending).toEqual([]);
    expect(page.effects('taken back')).toHaveLength(2);
    expect(page.goal).toBe(1000);
    page.hits();
    expect(page.game.pending.map(({ hit }) => hit.seq)).toEqual([1]);
  });

  it('takes a state of an earlier tick from another process, not on the same connection', () => {
    const page = new Page();
    page.hears(state({ tick: 50, hp: 700 }), state({ tick: 49, hp: 800 }));
    expect(page.game.truth?.hp).toBe(700);
    page.hears(welcome({ resumed: true, tick: 20 }), state({ tick: 21, hp: 650 }));
    expect(page.game.truth?.hp).toBe(650);
  });

  it('to a shard with an older disk takes back what was accepted later', () => {
    const page = new Page();
    page.hits();
    page.hears(ack({ tick: 2, seq: 1, tallies: page.tally(1, 100) }), state({ tick: 2 }));
    expect(page.goal, 'accepted, not counted').toBe(900);
    page.hears(welcome({ resumed: true, tick: 1, seq: 0 }), state({ tick: 2, counted: 1 }));
    expect(page.goal, 'the truth will not count it').toBe(1000);
    expect(page.game.tallies, 'no tally is what the session has').toEqual([]);
  });

  it('to a shard with an older disk takes back no more than its tally lacks', () => {
    const page = new Page();
    page.hits(3);
    page.hears(ack({ tick: 5, seq: 2, tallies: page.tally(2, 200), folded: true }));
    page.hears(state({ tick: 6, counted: 3 }));
    page.hears(ack({ tick: 7, seq: 3, tallies: page.tally(3, 300) }));
    expect(page.goal, 'nobody said when the first two were accepted').toBe(700);
    page.hears(welcome({ resumed: true, tick: 6, seq: 2, tallies: page.tally(2, 200) }));
    expect(page.goal, 'the first two are still accepted').toBe(800);
    page.hears(state({ tick: 7, counted: 4 }));
    expect(page.goal, 'the truth may lack them').toBe(800);
    page.hears(state({ tick: 8, hp: 800, counted: 7 }));
    expect(page.goal).toBe(800);
    expect(page.game.others, 'own damage is not the others').toBe(0);
  });

  it('to a shard with an older disk counts what its ticks accept once more', () => {
    for (const kept of [0, 1]) {
      const page = new Page();
      page.hits(2);
      page.hears(ack({ tick: 2, seq: 2, tallies: page.tally(2, 200) }));
      page.hears(state({ tick: 50, hp: 800, counted: 50 }));
      const tallies = kept === 0 ? [] : page.tally(1, 100);
      page.hears(welcome({ resumed: true, tick: 1, seq: kept, tallies }));
      expect(page.game.counted, 'of ticks that come once more, nothing is counted').toBe(1);
      page.hears(state({ tick: 2, hp: 800, counted: 1 }));
      expect(page.goal, 'the truth has what the disk lacks').toBe(800);
      page.hits();
      page.hears(ack({ tick: 3, seq: 3, tallies: page.tally(kept + 1, kept * 100 + 150) }));
      page.hears(state({ tick: 3, hp: 800, counted: 2 }));
      expect(page.effects('crit').map(({ damage }) => damage)).toEqual([50]);
      expect(page.goal, 'accepted, not counted').toBe(650);
      page.hears(state({ tick: 4, hp: 650, counted: 3 }));
      expect(page.goal).toBe(650);
      expect(page.game.others).toBe(0);
    }
  });

  it('for good takes the unanswered hits back', () => {
    const page = new Page();
    page.hits(2);
    page.frame({ kind: 'link', link: { kind: 'waiting', attempt: 3, retryAt: 9, why: '' } });
    expect(page.game.pending).toHaveLength(2);
    page.frame({ kind: 'link', link: { kind: 'gone', why: '' } });
    expect(page.game.pending).toEqual([]);
    expect(page.goal).toBe(1000);
    page.hits();
    expect(page.game.pending, 'nothing can be hit').toEqual([]);
  });

  it('to a page that was loaded anew goes on with the session', () => {
    const page = new Page();
    page.game = newGame();
    page.hears(welcome({ resumed: true, seq: 7, tallies: page.tally(7, 700) }), boss(1, 1000));
    page.hears(state({ tick: 9, hp: 300, counted: 8 }));
    page.hits();
    expect(page.game.pending.map(({ hit }) => hit.seq)).toEqual([8]);
    expect(page.effects('crit')).toEqual([]);
  });
});

describe('a truth that was rolled back', () => {
  it('is followed upwards, once it lacks nothing that is known to be missing', () => {
    const page = new Page();
    page.hears(state({ tick: 2, hp: 700 }));
    page.hears(state({ tick: 3, hp: 900 }));
    expect(page.goal).toBe(900);
    page.hits();
    page.hears(state({ tick: 4, hp: 950 }));
    expect(page.goal, 'the answer is on its way').toBe(800);
  });
});

describe('the others', () => {
  it('did what the truth lost beyond own counted damage', () => {
    const page = new Page();
    page.hits();
    page.hears(ack({ tick: 2, seq: 1, tallies: page.tally(1, 100) }), state({ tick: 2, hp: 950 }));
    expect(page.game.others).toBe(50);
    page.hears(state({ tick: 3, hp: 800, counted: 2 }));
    expect(page.game.others).toBe(100);
    page.hears(state({ tick: 4, generation: 2, hp: 1000, counted: 3 }));
    expect(page.game.others).toBe(0);
  });
});

describe('keys', () => {
  it('name skills by their place; Space and Enter the first', () => {
    const { spec } = new Page().game;
    expect([' ', 'Enter', '1', '2', '3', '4', 'a', ''].map((key) => skillOfKey(spec, key))).toEqual(
      [1, 1, 1, 2, 3, null, null, null],
    );
    expect(skillOfKey(null, '1')).toBeNull();
  });
});
