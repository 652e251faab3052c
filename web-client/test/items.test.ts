// Each value has one spelling, and every other one is refused, as in `ucore/src/wire/reader.rs`.

import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { open } from '../src/items';
import * as u from '../src/ucore';

/** A head in hexadecimal and bytes behind it. */
const bytes = (head: string, len = 0): number[] => {
  return [...Buffer.from(head.replaceAll(' ', ''), 'hex'), ...new Uint8Array(len)];
};

/** A message of one item. */
const read = <T>(form: u.Form<T>, item: number[]): T => {
  return u.decodeState(form, Uint8Array.of(0x91, ...item));
};

/** The length of a list of zeros, in a list, so that it has a header of its own. */
const readList = (head: string, len: number): number => {
  return read(u.list(u.list(u.u8)), bytes(head, len))[0]?.length ?? -1;
};

describe('an integer', () => {
  const spelled: [form: u.Form<number>, value: number, right: string, wrong: string[]][] = [
    [u.u64, 0, '00', ['cc 00', 'd0 00', 'cd 0000', 'ca 00000000', 'cb 0000000000000000']],
    [u.u64, 0x7f, '7f', ['cc 7f', 'd0 7f', 'd1 007f']],
    [u.u64, 0x80, 'cc 80', ['cd 0080', 'd1 0080']],
    [u.u64, 0xff, 'cc ff', ['cd 00ff']],
    [u.u64, 0x100, 'cd 0100', ['ce 00000100']],
    [u.u64, 0xffff, 'cd ffff', ['ce 0000ffff', 'd2 0000ffff']],
    [u.u64, 0x1_0000, 'ce 00010000', ['cf 0000000000010000']],
    [u.u64, 0xffff_ffff, 'ce ffffffff', ['cf 00000000ffffffff']],
    [u.u64, 2 ** 32, 'cf 0000000100000000', ['d3 0000000100000000', 'cb 41f0000000000000']],
    [u.i64, 5, '05', ['d0 05', 'cc 05', 'd1 0005', 'd2 00000005', 'd3 0000000000000005']],
    [u.i64, -1, 'ff', ['d0 ff', 'd1 ffff', 'd2 ffffffff', 'd3 ffffffffffffffff']],
    [u.i64, -0x20, 'e0', ['d0 e0']],
    [u.i64, -0x21, 'd0 df', ['d1 ffdf']],
    [u.i64, -0x80, 'd0 80', ['d1 ff80']],
    [u.i64, -0x81, 'd1 ff7f', ['d2 ffffff7f']],
    [u.i64, -0x8000, 'd1 8000', ['d2 ffff8000']],
    [u.i64, -0x8001, 'd2 ffff7fff', ['d3 ffffffffffff7fff']],
    [u.i64, -0x8000_0000, 'd2 80000000', ['d3 ffffffff80000000']],
    [u.i64, -0x8000_0001, 'd3 ffffffff7fffffff', ['cb c1e0000000200000']],
    [u.i64, 2 ** 53 - 1, 'cf 001fffffffffffff', ['cf 0020000000000000', 'cf ffffffffffffffff']],
    [u.i64, 1 - 2 ** 53, 'd3 ffe0000000000001', ['d3 ffe0000000000000', 'd3 8000000000000000']],
  ];

  for (const [form, value, right, wrong] of spelled) {
    it(`${value} is ${right} alone`, () => {
      expect(read(form, bytes(right))).toBe(value);
      for (const bad of wrong) expect(() => read(form, bytes(bad)), bad).toThrow(u.DecodeError);
      for (let len = 0; len < bytes(right).length; len += 1) {
        expect(() => read(form, bytes(right).slice(0, len))).toThrow('is cut off');
      }
    });
  }

  it('without a sign is not negative, and each stays in its range', () => {
    for (const bad of ['ff', 'd0 80', 'd3 ffffffff7fffffff']) {
      expect(() => read(u.u64, bytes(bad)), bad).toThrow('item 0 is no integer');
    }
    expect(read(u.i8, bytes('d0 80'))).toBe(-128);
    expect(() => read(u.i8, bytes('d1 ff7f'))).toThrow(u.DecodeError);
    expect(read(u.i8, bytes('7f'))).toBe(127);
    expect(() => read(u.i8, bytes('cc 80'))).toThrow(u.DecodeError);
    expect(() => read(u.u8, bytes('cd 0100'))).toThrow('item 0 is beyond 255');
  });
});

describe('a length', () => {
  it('of a text is in its shortest form', () => {
    for (const [head, len] of [
      ['a0', 0],
      ['bf', 0x1f],
      ['d9 20', 0x20],
      ['d9 ff', 0xff],
      ['da 0100', 0x100],
      ['da ffff', 0xffff],
      ['db 00010000', 0x1_0000],
    ] as const) {
      expect(read(u.text, bytes(head, len)).length, head).toBe(len);
      if (len > 0) expect(() => read(u.text, bytes(head, len - 1))).toThrow('is cut off');
    }
    for (const [head, len] of [
      ['d9 1f', 0x1f],
      ['da 00ff', 0xff],
      ['db 0000ffff', 0xffff],
    ] as const) {
      expect(() => read(u.text, bytes(head, len)), head).toThrow('is not in its shortest form');
    }
  });

  it('of bytes is in its shortest form', () => {
    for (const [head, len] of [
      ['c4 00', 0],
      ['c4 ff', 0xff],
      ['c5 0100', 0x100],
      ['c5 ffff', 0xffff],
      ['c6 00010000', 0x1_0000],
    ] as const) {
      expect(read(u.bytes(len), bytes(head, len)).length, head).toBe(2 * len);
    }
    for (const [head, len] of [
      ['c5 00ff', 0xff],
      ['c6 0000ffff', 0xffff],
    ] as const) {
      expect(() => read(u.bytes(len), bytes(head, len)), head).toThrow(
        'is not in its shortest form',
      );
    }
    expect(() => read(u.bytes(2), bytes('c4 03', 3))).toThrow('item 0 is not 2 bytes');
  });

  it('of a list is in its shortest form, and no more than the bytes that are left', () => {
    for (const [head, len] of [
      ['90', 0],
      ['9f', 0xf],
      ['dc 0010', 0x10],
      ['dc ffff', 0xffff],
      ['dd 00010000', 0x1_0000],
    ] as const) {
      expect(readList(head, len), head).toBe(len);
      if (len > 0) expect(() => readList(head, len - 1), head).toThrow('item 0 is cut off');
    }
    for (const [head, len] of [
      ['dc 000f', 0xf],
      ['dd 0000ffff', 0xffff],
    ] as const) {
      expect(() => readList(head, len), head).toThrow('item 0 is not in its shortest form');
    }
  });

  it('of the message itself is held to the same, and nothing follows it', () => {
    const whole = (head: string) => u.decodeState(u.u8, Uint8Array.from(bytes(head)));
    expect(whole('91 07')).toBe(7);
    expect(() => whole('')).toThrow('the message is cut off');
    expect(() => whole('91')).toThrow('the message is cut off');
    expect(() => whole('07')).toThrow('the message is not a list');
    expect(() => whole('dc 0001 07')).toThrow('the message is not in its shortest form');
    expect(() => whole('90')).toThrow('item 0 is missing');
    expect(() => whole('92 07 07')).toThrow('item 1 is too much');
    expect(() => whole('91 07 07')).toThrow('the message ends before its bytes do');
  });
});

describe('a floating-point number', () => {
  it('has its width, and is neither NaN nor a negative zero', () => {
    expect(read(u.f32, bytes('ca 3fc00000'))).toBe(1.5);
    expect(read(u.f64, bytes('cb 3ff8000000000000'))).toBe(1.5);
    expect(read(u.f64, bytes('cb 3ff0000000000000'))).toBe(1);
    expect(read(u.f32, bytes('ca 00000000'))).toBe(0);
    expect(read(u.f64, bytes('cb fff0000000000000'))).toBe(Number.NEGATIVE_INFINITY);
    for (const bad of ['01', 'cb 3ff8000000000000', 'ca 7fc00000', 'ca 80000000', 'ca 3fc000']) {
      expect(() => read(u.f32, bytes(bad)), bad).toThrow(u.DecodeError);
    }
    for (const bad of ['01', 'ca 3fc00000', 'cb 7ff8000000000000', 'cb 8000000000000000']) {
      expect(() => read(u.f64, bytes(bad)), bad).toThrow(u.DecodeError);
    }
  });
});

describe('a text', () => {
  it('is UTF-8 without exceptions, and all of it', () => {
    expect(read(u.text, bytes('a7 efbbbf f09f9982'))).toBe('\ufeff\u{1f642}');
    for (const bad of ['a1 80', 'a1 ff', 'a2 c080', 'a3 eda080', 'a4 f4908080', 'a2 c3 28']) {
      expect(() => read(u.text, bytes(bad)), bad).toThrow('item 0 is not UTF-8');
    }
    expect(read(u.char, bytes('a4 f09f9982'))).toBe('\u{1f642}');
    expect(() => read(u.char, bytes('a0'))).toThrow(u.DecodeError);
    expect(() => read(u.char, bytes('a2 6162'))).toThrow(u.DecodeError);
  });
});

describe('an item', () => {
  it('of another kind is refused by every form, as are maps and extensions', () => {
    const kinds = {
      integer: [u.u64, '07'],
      number: [u.f64, 'cb 3ff8000000000000'],
      bool: [u.bool, 'c3'],
      nil: [u.nil, 'c0'],
      text: [u.text, 'a1 61'],
      bytes: [u.bytes(1), 'c4 01 07'],
      list: [u.list(u.list(u.u8)), '91 07'],
    } as const;
    const foreign = ['80', '81 07 07', 'de 0000', 'df 00000000', 'd4 07 07', 'c7 00 07', 'c1'];
    for (const [name, [form]] of Object.entries(kinds)) {
      const others = Object.entries(kinds).filter(([other]) => other !== name);
      for (const bad of [...others.map(([, [, item]]) => item), ...foreign]) {
        expect(() => read<unknown>(form, bytes(bad)), `${name} ${bad}`).toThrow(u.DecodeError);
      }
    }
  });

  it('that is read is written back to the same bytes', () => {
    const form = u.list(u.tuple(u.i64, u.text, u.option(u.u64), u.list(u.bool), u.bytes(2)));
    const one = fc.tuple(
      fc.maxSafeInteger(),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.option(fc.maxSafeNat()),
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.uint8Array({ minLength: 2, maxLength: 2 }),
    );
    const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 255 }));
    const messages = fc.array(one, { maxLength: 3 }).map((all) => encode(all.flat()));
    let taken = 0;
    fc.assert(
      fc.property(messages, fc.array(change, { maxLength: 3 }), (message, changes) => {
        const all = [...message];
        for (const [at, drop, to] of changes) all.splice(at % all.length, drop, to);
        const wire = Uint8Array.from(all);
        try {
          const value = u.decodeState(form, wire);
          taken += 1;
          expect(u.encodeState(form, value)).toEqual(wire);
        } catch (error) {
          if (!(error instanceof u.DecodeError)) throw error;
          expect(changes).not.toEqual([]);
        }
      }),
      { numRuns: 2000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

describe('headers of lists in lists', () => {
  const LEN = 64 * 1024;
  const repeated = (head: string): Uint8Array => {
    const one = bytes(head);
    return Uint8Array.from({ length: LEN }, (_, at) => one[at % one.length] ?? 0);
  };
  /** As long as each may be: what is left behind it. */
  const honest = Uint8Array.from({ length: LEN }, (_, at) => {
    const left = LEN - 3 - (at - (at % 3));
    return [0xdc, left >> 8, left & 0xff][at % 3] ?? 0;
  });

  const refused = [u.list(u.list(u.u8)), u.umap(u.text, u.u8), u.option(u.u8), u.u8];

  it('are refused without a list of what they announce', () => {
    for (const wire of [repeated('dc ffff'), repeated('dd 0000ffff'), honest]) {
      for (const form of refused) {
        expect(() => u.decodeState<unknown>(form, wire)).toThrow(u.DecodeError);
      }
    }
    const before = process.memoryUsage().heapUsed;
    let grown = Number.NaN;
    const deep = (items: u.Items, levels: number): number => {
      if (levels > 0) return items.array((inner) => deep(inner, levels - 1));
      grown = process.memoryUsage().heapUsed - before;
      return items.uint();
    };
    expect(() => deep(open(honest), 500)).toThrow(/^item 0(\.0){500} is no integer$/);
    // Lists of what these 500 announce would take 250 MB.
    expect(grown).toBeLessThan(2 ** 25);
  });
});
