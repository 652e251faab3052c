// The leaderboard and the end of a life: where this player stands, and what was won.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { placeOf, rankOf } from '../src/board';
import type { Board, Gen, PlayerId, ShardMessage, Tally } from '../src/protocol';
import { ShardType, Status } from '../src/protocol';
import { type Game, newGame, nextFrame, nextLifeMs, openVictory } from '../src/store';
import { stepsDone } from '../src/victory';
import { ordinal, place, settlement, share } from '../src/view/text';
import { board, boss, spoils, state, welcome } from './shard';

function boardOf(message: ShardMessage): Board {
  if (message[0] !== ShardType.Board) throw new Error('a board');
  return message[1];
}

/** Ten at the top, 2,000 in all. */
const crowd = boardOf(
  board(
    Array.from({ length: 10 }, (_, index) => 1000 - 10 * index),
    [
      [11, 900],
      [50, 100],
      [2000, 10],
    ],
  ),
);

const player = (id: number): PlayerId => {
  const [type, body] = welcome({ player: id });
  if (type !== ShardType.Welcome) throw new Error('a Welcome');
  return body.player;
};

function tallies(damage: number, late = 0): Tally[] {
  const generation: Gen = crowd.generation;
  return [{ generation, hits: 1, damage, late }];
}

function heard(messages: [at: number, message: ShardMessage][], game = newGame()): Game {
  return messages.reduce(
    (game, [at, message]) => nextFrame(game, [{ kind: 'message', at, message }], at, 16),
    game,
  );
}

describe('a rank', () => {
  it('is found by damage as in the golden vectors', () => {
    const golden = new URL('../../protocol/golden/ranks.json', import.meta.url);
    const cases: { board: Board; ranks: Record<string, number> }[] = JSON.parse(
      readFileSync(golden, 'utf8'),
    );
    expect(cases.length).toBeGreaterThan(0);
    for (const { board, ranks } of cases) {
      const damages = Object.keys(ranks);
      const found = damages.map((damage) => [damage, rankOf(board, Number(damage))]);
      expect(Object.fromEntries(found)).toEqual(ranks);
    }
  });

  it('is exact among the best, about right below, and none without damage', () => {
    expect(placeOf(crowd, player(3), [])).toEqual({ rank: 3, of: 2000, isExact: true });
    expect(placeOf(crowd, player(99), tallies(150))).toEqual({
      rank: 50,
      of: 2000,
      isExact: false,
    });
    expect(placeOf(crowd, player(99), [])).toBeNull();
    expect(placeOf(crowd, player(99), tallies(500, 500)), 'late damage is none').toBeNull();
    const other = { ...crowd, generation: 2 as Gen };
    expect(placeOf(other, player(99), tallies(500)), 'of another life').toBeNull();
  });

  it('of somebody whom the board does not have yet is behind those whom it has', () => {
    expect(placeOf(crowd, player(99), tallies(5))).toEqual({
      rank: 2001,
      of: 2001,
      isExact: false,
    });
    const few = boardOf(board([300, 200]));
    expect(placeOf(few, player(99), tallies(250))).toEqual({ rank: 3, of: 3, isExact: false });
    const nobody = boardOf(board([]));
    expect(placeOf(nobody, player(99), tallies(250))).toEqual({ rank: 1, of: 1, isExact: false });
  });

  it('is said in words', () => {
    expect(place({ rank: 123, of: 2000, isExact: false }, 2000)).toBe(
      'You are about #123 of 2,000',
    );
    expect(place({ rank: 3, of: 40, isExact: true }, 40)).toBe('You are #3 of 40');
    expect(place(null, 0)).toContain('Nobody');
    expect(place(null, 7)).toContain('7 players');
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 1023].map(ordinal)).toEqual(
      '1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th 1,023rd'.split(' '),
    );
    expect([share(1, 3), share(1, 4), share(1, 1e9), share(0, 5), share(1, 0)]).toEqual([
      '33.3 %',
      '25.0 %',
      'under 0.01 %',
      '0.00 %',
      '0.00 %',
    ]);
  });
});

describe('the end of a life', () => {
  it('is said step by step, and a boss without HP is not dead before it is said', () => {
    const said = [1, 2, 3, 4, 5, 6].map((status) => settlement(status as Status, 0, null));
    expect(new Set(said).size).toBe(6);
    expect(said[0]).not.toContain('fallen');
    expect(settlement(Status.Alive, 1, null)).toBeNull();
    expect([1, 2, 3, 4, 5, 6].map((status) => stepsDone(status as Status))).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });

  it('takes no hit as soon as no HP is left', () => {
    let game = heard([
      [0, welcome()],
      [0, boss(1, 1000)],
      [0, state({ tick: 1, hp: 0 })],
    ]);
    const skill = game.spec?.skills[0];
    if (!skill) throw new Error('there are skills');
    game = nextFrame(game, [{ kind: 'press', at: 5, skill: skill.id }], 5, 16);
    expect(game.pending).toEqual([]);
  });

  it('says when the next boss comes, if it saw the rewards announced', () => {
    const until = (status: Status): [number, ShardMessage][] => [
      [0, welcome()],
      [0, boss(1, 1000)],
      [50, state({ tick: 1, hp: 0, status })],
      [1_000, state({ tick: 2, hp: 0, status: Status.Rewarded })],
      [1_100, state({ tick: 3, hp: 0, status: Status.Rewarded })],
    ];
    const seen = heard(until(Status.Credited));
    expect(nextLifeMs(1_100, seen)).toBe(4_900);
    expect(nextLifeMs(9_000, seen)).toBe(0);
    expect(settlement(Status.Rewarded, 0, nextLifeMs(1_100, seen))).toContain('in 5 s');
    expect(nextLifeMs(1_100, heard(until(Status.Rewarded))), 'who comes later').toBeNull();
    const again = heard([[2_000, welcome({ resumed: true })]], seen);
    const next = heard([[6_000, state({ tick: 60, generation: 2 })]], again);
    expect(nextLifeMs(6_000, next)).toBeNull();
  });
});

describe('a victory', () => {
  const fallen: [number, ShardMessage][] = [
    [0, welcome()],
    [0, boss(1, 1000)],
    [0, state({ tick: 1, hp: 0, status: Status.Rewarded })],
    [0, spoils(1, [1, 9])],
  ];

  it('names what was won, also a reward that the scenario lacks', () => {
    const game = heard(fallen);
    expect(openVictory(game)).toEqual({
      generation: 1,
      boss: 'Test',
      rank: 2,
      players: 9,
      damage: 300,
      credit: 250,
      hpMax: 1000,
      rewards: ['Cinder', 'reward 9'],
    });
  });

  it('stays until it is put away, and does not come back with the next connection', () => {
    let game = heard([[1, state({ tick: 2, generation: 2 })]], heard(fallen));
    expect(openVictory(game)?.generation).toBe(1);
    game = nextFrame(game, [{ kind: 'dismiss' }], 9, 16);
    expect(openVictory(game)).toBeNull();
    game = heard(
      [
        [2, welcome({ resumed: true, generation: 2 })],
        [2, spoils(1)],
      ],
      game,
    );
    expect(openVictory(game)).toBeNull();
    game = heard([[3, spoils(2)]], game);
    expect(openVictory(game)?.generation).toBe(2);
  });

  it('of another session is one of its own', () => {
    let game = nextFrame(heard(fallen), [{ kind: 'dismiss' }], 9, 16);
    game = heard([[1, welcome({ resumed: false })]], game);
    expect(openVictory(game), 'what was put away does not come back').toBeNull();
    expect(openVictory(heard([[2, spoils(1)]], game))?.generation).toBe(1);
    const open = heard([[1, welcome({ resumed: false })]], heard(fallen));
    expect(openVictory(open), 'what is being read stays').not.toBeNull();
  });
});
