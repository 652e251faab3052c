// A server as a user starts it: the binary, a free port, a directory of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SCENARIO = new URL('../../protocol/src/default-scenario.toml', import.meta.url).pathname;

/** One player's line in the ledger. */
interface Line {
  name: string;
  damage: number;
  late: number;
}

interface Ledger {
  generations: { hp: number; journals: { players: Line[] }[] }[];
}

/** Options of `worldboss play` beyond port and directory. */
export interface Options {
  bots?: number;
  /** A scenario's text. */
  scenario?: string;
}

export class Server {
  url = '';
  private child: ChildProcess | null = null;
  private readonly data = mkdtempSync(join(tmpdir(), 'worldboss-'));
  private readonly options: string[];

  private constructor({ bots = 0, scenario }: Options) {
    this.options = bots > 0 ? ['--bots', String(bots)] : ['--no-bots'];
    if (scenario !== undefined) {
      const file = join(this.data, 'scenario.toml');
      writeFileSync(file, scenario);
      this.options.push('--scenario', file);
    }
  }

  static async start(options: Options = {}): Promise<Server> {
    const server = new Server(options);
    await server.run('127.0.0.1:0');
    return server;
  }

  private async run(listen: string): Promise<void> {
    const bin = process.env.WORLDBOSS_BIN;
    if (!bin)
      throw new Error('WORLDBOSS_BIN names no binary; run `cargo xtask test --only browser`');
    const data = join(this.data, 'game');
    const args = ['play', '--listen', listen, '--data', data, ...this.options];
    const child = spawn(bin, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { WORLDBOSS_LOG: 'warn' },
    });
    this.child = child;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${code}`);
    });
    // It also ends when a test is over.
    ended.catch(() => {});
    const url = new Promise<string>((found) => {
      // Goes on reading for ever, so that the server never waits for a reader.
      createInterface({ input: child.stdout }).on('line', (line) => {
        const address = /Play:\s+(\S+)/.exec(line)?.[1];
        if (address !== undefined) found(address);
      });
    });
    this.url = await Promise.race([url, ended]);
    await until('the server is ready', async () => (await fetch(`${this.url}readyz`)).ok);
  }

  /** Ends it as a power cut of the process would. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** The next process on the same data and port. */
  async restart(): Promise<void> {
    await this.run(new URL(this.url).host);
  }

  /** The next process on the same port, whose disk knows nothing of the fight. */
  async restartWithoutItsDisk(): Promise<void> {
    const game = join(this.data, 'game');
    const shards = readdirSync(game).filter((name) => name !== 'authority');
    for (const name of shards) rmSync(join(game, name), { recursive: true });
    await this.restart();
  }

  async ledger(): Promise<Ledger> {
    return (await fetch(`${this.url}api/ledger`)).json() as Promise<Ledger>;
  }

  /** The damage that the books have for a name, in all lives. */
  async damageOf(name: string): Promise<number> {
    const { generations } = await this.ledger();
    const lines = generations.flatMap(({ journals }) => journals.flatMap(({ players }) => players));
    const own = lines.filter((line) => line.name === name);
    return own.reduce((sum, { damage, late }) => sum + damage + late, 0);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** The boss that comes along, with fewer HP. */
export async function weakBoss(hpMax: number): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(SCENARIO, 'utf8');
  return text
    .replace(/hp_max = \d+/, `hp_max = ${hpMax}`)
    .replace('respawn_s = 5', 'respawn_s = 1');
}

/** Waits for a condition that must come. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    if (await condition().catch(() => false)) return;
    if (Date.now() > end) throw new Error(`this did not come: ${what}`);
    // Looks again a little later, so that looking does not become the load.
    await new Promise((again) => setTimeout(again, 25));
  }
}
