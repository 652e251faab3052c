// Rust and TypeScript agree on every byte: the golden vectors bind both.

import { readdirSync, readFileSync } from 'node:fs';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DecodeError,
  decodePlayer,
  encodePlayer,
  encodeShard,
  parseGen,
  parseToken,
  ShardReader,
} from '../src/codec';
import { RefusalReason, ShardType } from '../src/protocol';
import { message } from './shard';

const GOLDEN = new URL('../../protocol/golden/', import.meta.url);
/** Whose message a golden vector is. The log is the authority's alone; others are no messages. */
const SIDES = {
  'hello.json': 'player',
  'hello-resume.json': 'player',
  'hit.json': 'player',
  'welcome.json': 'shard',
  'ack.json': 'shard',
  'state.json': 'shard',
  'change.json': 'shard',
  'boss.json': 'shard',
  'board.json': 'shard',
  'spoils.json': 'shard',
  'log.json': 'nobody',
  'ranks.json': 'nobody',
  'reckoning.json': 'nobody',
} as const;

const twin = (name: string): unknown => JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8'));
const vector = (name: string): Uint8Array => {
  return new Uint8Array(readFileSync(new URL(name.replace('.json', '.msgpack'), GOLDEN)));
};

/** The first message of a connection. */
const decodeShard = (bytes: Uint8Array) => new ShardReader().read(bytes);

describe('golden vectors', () => {
  it('are all known here', () => {
    // What servers say to each other is none of the page's business; groups have their own test.
    const isHere = (name: string) => /^(?!sync-|group-).*\.json$/.test(name);
    const names = readdirSync(GOLDEN).filter(isHere);
    expect(names.sort()).toEqual(Object.keys(SIDES).sort());
  });

  for (const [name, side] of Object.entries(SIDES)) {
    if (side === 'nobody' || name === 'change.json') continue;
    it(`${name} is read with its fields in order, and written back to the same bytes`, () => {
      const bytes = vector(name);
      if (side === 'player') {
        const message = decodePlayer(bytes);
        // Compared as text, so that the order of the fields counts too.
        expect(JSON.stringify(message)).toBe(JSON.stringify(twin(name)));
        expect(message && encodePlayer(message)).toEqual(bytes);
      } else {
        const message = decodeShard(bytes);
        expect(JSON.stringify(message)).toBe(JSON.stringify(twin(name)));
        expect(message && encodeShard(message)).toEqual(bytes);
      }
    });
  }
});

describe('a Change', () => {
  const after = decodeShard(vector('state.json'));
  const before = message(ShardType.State, { ...Object(after?.[1]), tick: 4001, hp: 31_440_000 });

  it('makes the State before it the next one, which stays itself', () => {
    const reader = new ShardReader();
    const first = reader.read(encodeShard(before));
    expect(reader.read(vector('change.json'))).toEqual(after);
    expect(first).toEqual(before);
  });

  it('is refused without a State, with an unknown field, or with too much', () => {
    expect(() => decodeShard(vector('change.json'))).toThrow(DecodeError);
    for (const body of [[8192, 1], [5, 1], [1, 1, 1], [1, -1], []]) {
      const reader = new ShardReader();
      reader.read(encodeShard(before));
      expect(() => reader.read(encode([5, body])), String(body)).toThrow(DecodeError);
      expect(reader.read(vector('change.json'))).toEqual(after);
    }
  });
});

describe('what is refused', () => {
  const player = 0x2000_0000_0000_00n;
  const welcome = (id: unknown, token: unknown = new Uint8Array(16)): Uint8Array => {
    return encode([1, [token, id, true, 1, 100, 1, 1, 0, []]], { useBigInt64: true });
  };

  it('integers above 2^53 - 1, and none below', () => {
    expect(decodeShard(welcome(player - 1n))?.[1]).toMatchObject({ player: 2 ** 53 - 1 });
    expect(() => decodeShard(welcome(player))).toThrow(DecodeError);
  });

  it('fields of another type, count or range', () => {
    for (const bad of [1.5, -1, '1', null, []]) {
      expect(() => decodeShard(welcome(bad)), String(bad)).toThrow(DecodeError);
    }
    expect(() => decodeShard(welcome(1, new Uint8Array(15)))).toThrow(DecodeError);
    expect(() => decodeShard(encode([2, [1, 2, []]]))).toThrow(DecodeError);
    expect(() => decodeShard(encode([2, [1, 2, [], [[1, -1]]]]))).toThrow(DecodeError);
    expect(() => decodeShard(encode([2, [1, 2, [], []], 3]))).toThrow(DecodeError);
  });

  it('bytes behind the end, and any other bytes, by an error of its own', () => {
    expect(() => decodeShard(Uint8Array.of(...vector('ack.json'), 0))).toThrow(DecodeError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeShard(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('nothing that a newer shard may say: its types are skipped, its codes unknown', () => {
    expect(decodeShard(encode([9, 'news']))).toBeNull();
    const ack = decodeShard(encode([2, [1, 2, [], [[1, 99]], false]]));
    expect(ack?.[1]).toMatchObject({ refused: [{ seq: 1, reason: RefusalReason.Unknown }] });
    expect(() => decodeShard(encode([2, [1, 2, [], [[1, 256]], false]]))).toThrow(
      'item 1.3.0.1 is beyond',
    );
  });

  it('a stored generation that is none', () => {
    expect(['0', '7', '999999999'].map(parseGen)).toEqual([0, 7, 999_999_999]);
    for (const bad of [null, '', '-1', '1.5', '9999999999', 'x']) expect(parseGen(bad)).toBeNull();
  });

  it('a stored token that is none', () => {
    expect(parseToken('00ff'.repeat(8))).toBe('00ff'.repeat(8));
    for (const bad of [null, '', '00', 'x'.repeat(32)]) expect(parseToken(bad)).toBeNull();
  });
});
