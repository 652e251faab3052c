// A scene: a browser, and what a test starts in it, gone when the test is over.

import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launch, Player } from './player';
import { type Options, Server, until } from './server';

/** What a scene needs behind the pages. */
interface Part {
  run(): Promise<void>;
  stop(): Promise<void>;
}

let browser: Browser;
let parts: Part[] = [];
let players: Player[] = [];

/** Sets the stage for a file's tests. */
export function scenes(): void {
  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(() => browser.close());

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await Promise.allSettled(players.map(shotOfFailure));
    const complaints = players.flatMap((player) => player.complaints);
    const ends = [
      ...players.map((player) => player.page.context().close()),
      // Who needs a part goes before it.
      ...parts.toReversed().map((part) => part.stop()),
    ];
    players = [];
    parts = [];
    await Promise.all(ends);
    expect(complaints).toEqual([]);
  });
}

function shotOfFailure(player: Player, index: number): Promise<string> {
  return player.shot(`failed-${index}`);
}

/** Brings in a part. It is known before it runs, so what fails half-way is ended, too. */
export async function bring<P extends Part>(part: P): Promise<P> {
  parts.push(part);
  await part.run();
  return part;
}

export function start(options: Options = {}): Promise<Server> {
  return bring(new Server(options));
}

type Visitor = Parameters<typeof Player.visit> extends [unknown, ...infer Rest] ? Rest : never;

/** Opens a page, without joining. */
export async function visit(...visitor: Visitor): Promise<Player> {
  const player = await Player.visit(browser, ...visitor);
  players.push(player);
  return player;
}

export async function join(...visitor: Visitor): Promise<Player> {
  const player = await visit(...visitor);
  await player.enter();
  return player;
}

/** What a page was told must be what the books have. */
export async function expectInBooks(server: Server, name: string, player: Player): Promise<number> {
  await player.answered();
  const told = await player.ownDamage();
  await until(
    `the ledger has ${told} for ${name}`,
    async () => (await server.damageOf(name)) === told,
  );
  return told;
}
