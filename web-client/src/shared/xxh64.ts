// XXH64 with seed 0: the hash of states and schemas, as in `ucore::bytes_hash`.

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const wrap = (value: bigint) => BigInt.asUintN(64, value);
const turn = (value: bigint, by: bigint) => wrap(value << by) | (value >> (64n - by));
const round = (sum: bigint, lane: bigint) => wrap(turn(wrap(sum + lane * P2), 31n) * P1);
const merge = (sum: bigint, lane: bigint) => wrap((sum ^ round(0n, lane)) * P1 + P4);

/** The hash, as 16 hexadecimal digits. */
export function xxh64(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number) => view.getBigUint64(at, true);
  const len = bytes.length;
  let at = 0;
  let sum = P5;
  if (len >= 32) {
    let [a, b, c, d] = [wrap(P1 + P2), P2, 0n, wrap(-P1)];
    for (; at + 32 <= len; at += 32) {
      a = round(a, word(at));
      b = round(b, word(at + 8));
      c = round(c, word(at + 16));
      d = round(d, word(at + 24));
    }
    sum = wrap(turn(a, 1n) + turn(b, 7n) + turn(c, 12n) + turn(d, 18n));
    for (const lane of [a, b, c, d]) sum = merge(sum, lane);
  }
  sum = wrap(sum + BigInt(len));
  for (; at + 8 <= len; at += 8) sum = wrap(turn(sum ^ round(0n, word(at)), 27n) * P1 + P4);
  if (at + 4 <= len) {
    sum = wrap(turn(sum ^ wrap(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < len; at += 1) {
    sum = wrap(turn(sum ^ wrap(BigInt(view.getUint8(at)) * P5), 11n) * P1);
  }
  sum = wrap((sum ^ (sum >> 33n)) * P2);
  sum = wrap((sum ^ (sum >> 29n)) * P3);
  return (sum ^ (sum >> 32n)).toString(16).padStart(16, '0');
}
