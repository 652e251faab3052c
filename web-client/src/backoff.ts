// How long to wait before something is tried again.

const FIRST_MS = 100;
const MAX_MS = 5_000;

/** The longest wait before a repetition, counted from 0. */
export function backoffMs(repetition: number): number {
  return Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(repetition, 10));
}
