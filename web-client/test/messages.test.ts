// What pages and the doors of their servers say to each other: the golden vectors bind both.

import { readdirSync, readFileSync } from 'node:fs';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as m from '../src/shared/messages';
import { AnswerType } from '../src/shared/messages';
import { DecodeError, decodeState, encodeState } from '../src/ucore';

const GOLDEN = new URL('../../protocol/golden/', import.meta.url);
/** Whose message a golden vector is. Pages found nothing, and keep nothing. */
const SIDES = {
  'group-propose.json': 'page',
  'group-follow.json': 'page',
  'group-join.json': 'page',
  'group-leave.json': 'page',
  'group-introduce.json': 'page',
  'group-proposed.json': 'log',
  'group-page.json': 'log',
  'group-kept.json': 'door',
  'group-refused.json': 'door',
  'group-introduced.json': 'door',
  'group-found.json': 'nobody',
  'group-founded.json': 'nobody',
  'group-checkpoint.json': 'nobody',
  'group-dispute.json': 'nobody',
} as const;

const twin = (name: string): string => {
  return JSON.stringify(JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8')));
};
/** A message, behind the number 7. */
const vector = (name: string): Uint8Array => {
  const bytes = readFileSync(new URL(name.replace('.json', '.msgpack'), GOLDEN));
  return Uint8Array.of(0x92, 7, ...bytes);
};
/** As text, so that the order of the fields counts too. */
const text = (message: unknown): string => {
  return JSON.stringify(message, (_, value) => {
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  });
};

describe('golden vectors of groups', () => {
  it('are all known here', () => {
    const names = readdirSync(GOLDEN).filter((name) => /^group-.*\.json$/.test(name));
    expect(names.sort()).toEqual(Object.keys(SIDES).sort());
  });

  for (const [name, side] of Object.entries(SIDES)) {
    if (side === 'nobody') continue;
    it(`${name} is read and written to the byte`, () => {
      const bytes = vector(name);
      if (side === 'page') {
        const [number, request] = m.decodeRequest(bytes);
        expect([number, text(request)]).toEqual([7, twin(name)]);
        expect(request && m.encodeRequest(7, request)).toEqual(bytes);
        return;
      }
      const [number, answer] = m.decodeAnswer(bytes);
      expect([number, answer?.[0]]).toEqual([7, JSON.parse(twin(name))[0]]);
      if (answer === null) throw new Error('it is an answer');
      if (answer[0] === AnswerType.Page || answer[0] === AnswerType.Proposed) return;
      expect(text(answer)).toBe(twin(name));
      expect(m.encodeAnswer(7, answer)).toEqual(bytes);
    });
  }

  it('of a log have the places of what pages look at later', () => {
    const [, answer] = m.decodeAnswer(vector('group-proposed.json'));
    if (answer?.[0] !== AnswerType.Proposed) throw new Error('it is a Proposed');
    const { page } = answer[1];
    const [entry] = page.entries;
    if (entry === undefined) throw new Error('it has an entry');
    const [, { page: said }] = JSON.parse(twin('group-proposed.json'));
    expect(m.chainOf(page, entry)).toBe(said.entries[0].chain);
    const edit = m.readEdit(Uint8Array.from(Buffer.from(said.entries[0].edit, 'hex')));
    expect(m.writerOf(page, entry)).toBe(edit.writer);
    expect(text(m.updatesIn(page, entry))).toBe(text(edit.updates));
    expect([page.base, page.kept, page.head]).toEqual([said.base, said.kept, said.head]);
    const [, joined] = m.decodeAnswer(vector('group-page.json'));
    if (joined?.[0] !== AnswerType.Page) throw new Error('it is a Page');
    expect(text(joined[1].base)).toBe(text(JSON.parse(twin('group-page.json'))[1].base));
  });
});

describe('what a door says', () => {
  it('may be that there is no answer', () => {
    const bytes = Uint8Array.of(0x92, 7, 0xc0);
    expect(m.decodeAnswer(bytes)).toEqual([7, null]);
    expect(m.encodeAnswer(7, null)).toEqual(bytes);
  });

  it('is refused if it is of an unknown type, or has too much', () => {
    for (const bad of [[7], [7, []], [7, [9, []]], [7, null, 1], [7, [5, [3], 1]], [-1, null]]) {
      expect(() => m.decodeAnswer(encode(bad)), text(bad)).toThrow(DecodeError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          m.decodeAnswer(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('names refusals of today, whatever a newer one says', () => {
    const [, answer] = m.decodeAnswer(encode([7, [5, [99]]]));
    expect(answer).toEqual([AnswerType.Refused, { why: m.GroupRefusal.Unknown }]);
    expect(encodeState(m.Refused, decodeState(m.Refused, encode([3])))).toEqual(encode([3]));
  });
});
