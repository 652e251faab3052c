// What the type checker cannot see: pure files read no clock and no dice, and nothing is cast.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../src/', import.meta.url);
const all = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => {
  return name.endsWith('.ts');
});

/** The codecs of shared structures. */
const SHARED = [
  'shared/messages.ts',
  'shared/recipe.ts',
  'shared/same.ts',
  'shared/schema.ts',
  'shared/updates.ts',
];

/** A file without its comments. */
function code(name: string): string {
  const text = readFileSync(new URL(name, SRC), 'utf8');
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

/** The lines of some files that hold something. */
function lines(names: string[], pattern: RegExp): string[] {
  return names.flatMap((name) => {
    const found = code(name).split('\n');
    return found.filter((line) => pattern.test(line)).map((line) => `${name}: ${line.trim()}`);
  });
}

describe('the sources', () => {
  it('cast where bytes become values alone', () => {
    const codecs = ['bytes.ts', 'codec.ts', 'items.ts', 'forms.ts', 'ucore.ts', ...SHARED];
    const others = all.filter((name) => !codecs.includes(name));
    const cast = /(?<!\*) as (?!const\b)|\bunknown\b|: any\b|<any>/;
    expect(lines(others, cast)).toEqual([]);
    for (const name of codecs) expect(lines([name], cast).length).toBeGreaterThan(0);
  });

  it('read clocks and dice where they meet the browser alone', () => {
    const edges = ['main.ts', 'shared/page.ts'];
    const pure = all.filter((name) => !edges.includes(name) && !name.startsWith('view/'));
    const impure = /\bDate\b|\bperformance\b|Math\.random|\bsetTimeout\b|\bdocument\b|\bwindow\b/;
    expect(lines(pure, impure)).toEqual([]);
    for (const name of edges) expect(lines([name], impure).length).toBeGreaterThan(0);
  });
});
