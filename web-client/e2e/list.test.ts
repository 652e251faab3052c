// The example list: a Rust program and a page share it, and write into it at once.

import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { Player } from './player';
import { Process, worldboss } from './process';
import { bring, scenes, start, visit } from './scene';
import { until } from './server';

scenes();

const LINES = 40;

/** `cargo run --example list`, typed into and read. */
class Program {
  private readonly process = new Process();
  private readonly url: string;
  /** What it has shown last, and what it shows. */
  private shown: string[] = [];

  constructor(url: string) {
    this.url = url.replace('http', 'ws').replace(/\/$/, '');
  }

  async run(): Promise<void> {
    const program = join(dirname(worldboss()), 'examples', 'list');
    await this.process.start(program, [this.url], /write lines/, (line) => {
      if (line === '--') this.shown = [];
      else this.shown.push(line);
    });
  }

  type(line: string): void {
    this.process.type(line);
  }

  stop(): Promise<void> {
    return this.process.kill();
  }

  shows(lines: readonly string[]): Promise<void> {
    return until('the program shows the list', async () => {
      return JSON.stringify(this.shown) === JSON.stringify(lines);
    });
  }
}

async function lines({ page }: Player): Promise<string[]> {
  const all = await page.locator('#items li').allTextContents();
  return all.map((text) => text.replace(' Remove', ''));
}

it('a program and a page write into one list at once, and nothing is lost', async () => {
  const server = await start({ share: ['demo/list'] });
  const page = await visit(new URL('list.html', server.url).href, 'the page');
  await page.says('#status', 'no program has begun');
  const program = await bring(new Program(server.url));
  await page.says('#status', 'live');
  program.type('from the program');
  await page.says('#items', 'from the program');

  const add = async (line: string) => {
    await page.page.fill('#text', line);
    await page.page.press('#text', 'Enter');
  };
  for (let line = 0; line < LINES; line += 1) {
    program.type(`program ${line}`);
    await add(`page ${line}`);
  }
  await until('the page has all', async () => (await lines(page)).length === 1 + 2 * LINES);
  await until('all is saved', async () => (await page.text('#status')) === 'live');
  const all = await lines(page);
  const of = (who: string) => Array.from({ length: LINES }, (_, line) => `${who} ${line}`);
  // Whoever was late has written again, and each in the order of one's own.
  expect(all.filter((line) => line.startsWith('program '))).toEqual(of('program'));
  expect(all.filter((line) => line.startsWith('page '))).toEqual(of('page'));
  await program.shows(all);

  await page.page.locator('#items li:has-text("page 0") button').first().click();
  await program.shows(all.filter((line) => line !== 'page 0'));
  await server.kill();
  await page.says('#status', 'offline');
  await add('written without a server');
  await server.restart();
  await page.says('#status', 'live');
  await until('the page has saved', async () => (await page.text('#status')) === 'live');
  await program.shows([...all.filter((line) => line !== 'page 0'), 'written without a server']);
  await page.shot('list');
});
