// What is written has one spelling: the shortest, as other writers of MessagePack know it.

import { decode, encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { close, Float } from '../src/bytes';
import * as u from '../src/ucore';

const integers = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -70_000, max: 70_000 }),
  fc.constantFrom(...[7, 8, 15, 16, 31, 32].flatMap((by) => [2 ** by - 1, 2 ** by, -(2 ** by)])),
);

describe('items', () => {
  it('are the bytes of any other writer', () => {
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        integers,
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(tie('tree'), { maxLength: 20 }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(tree), (items) => {
        expect(close(items)).toEqual(encode(items));
      }),
      { numRuns: 2_000 },
    );
    for (const len of [31, 32, 255, 256, 65_535, 65_536]) {
      const items = ['x'.repeat(len), new Uint8Array(len), Array.from({ length: len }, () => 0)];
      expect(close(items)).toEqual(encode(items));
    }
  });

  it('may be floating-point numbers, also whole ones', () => {
    expect(close([new Float(64, 1)])).toEqual(
      Uint8Array.of(0x91, 0xcb, 0x3f, 0xf0, ...[0, 0, 0, 0, 0, 0]),
    );
    expect(close([new Float(32, -0)])).toEqual(Uint8Array.of(0x91, 0xca, 0, 0, 0, 0));
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.float({ noNaN: true }), (f64, f32) => {
        const form = u.tuple(u.f64, u.f32);
        const read = u.decodeState(form, u.encodeState(form, [f64, f32]));
        expect(read).toEqual([f64 + 0, f32 + 0]);
      }),
    );
  });

  it('that no reader takes are not written', () => {
    for (const bad of [2 ** 53, 0.5, Number.NaN, undefined, {}, new Map(), 1n]) {
      expect(() => close([bad]), String(bad)).toThrow(u.EncodeError);
    }
    const cases: [u.Form<never>, unknown][] = [
      [u.u8, 256],
      [u.u8, -1],
      [u.i8, -129],
      [u.f32, 0.1],
      [u.f64, Number.NaN],
      [u.bool, 1],
      [u.nil, 0],
      [u.char, 'ab'],
      [u.text, '\udc00'],
      [u.bytes(2), '00'],
      [u.blob, [1]],
      [u.umap(u.tuple(u.u8, u.u8), u.u8), new Map([['x', 1]])],
    ] as [u.Form<never>, unknown][];
    for (const [form, value] of cases) {
      expect(() => u.encodeState(form, value as never), String(value)).toThrow(u.EncodeError);
    }
    expect(decode(close([]))).toEqual([]);
  });
});
