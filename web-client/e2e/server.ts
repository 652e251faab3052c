// A server as a user starts it: the binary, a free port, a directory of its own.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process, worldboss } from './process';

const SCENARIO = new URL('../../protocol/src/default-scenario.toml', import.meta.url).pathname;

/** One player's line in the ledger. */
interface Line {
  name: string;
  damage: number;
  late: number;
}

interface Journal {
  shard: number | null;
  players: Line[];
}

interface Ledger {
  generations: { hp: number; journals: Journal[] }[];
}

/** What is started, beyond port and directory. */
export interface Options {
  /** A shard alone, and where its authority is. Else it is `worldboss play`. */
  shard?: { id: number; authority: string };
  /** Bots of `worldboss play`. */
  bots?: number;
  /** Groups that pages may share. */
  share?: string[];
  /** A scenario's text. */
  scenario?: string;
}

export class Server {
  url = '';
  private readonly process = new Process();
  private readonly data = mkdtempSync(join(tmpdir(), 'worldboss-'));
  private readonly args: string[];

  constructor({ shard, bots = 0, share = [], scenario }: Options) {
    if (shard === undefined) {
      this.args = ['play', ...(bots > 0 ? ['--bots', String(bots)] : ['--no-bots'])];
    } else {
      const { id, authority } = shard;
      this.args = ['shard', '--shard-id', String(id), '--authority', authority, '--guests'];
    }
    this.args.push(...share.flatMap((group) => ['--share', group]));
    if (scenario !== undefined) {
      const file = join(this.data, 'scenario.toml');
      writeFileSync(file, scenario);
      this.args.push('--scenario', file);
    }
  }

  /** Starts it, and waits until it takes hits. */
  async run(listen = '127.0.0.1:0'): Promise<void> {
    const args = [...this.args, '--listen', listen, '--data', join(this.data, 'game')];
    const address = /(?:Play:|shard \d+ listens on)\s+(http\S+)/;
    this.url = await this.process.start(worldboss(), args, address);
    await until('the server is ready', async () => (await fetch(`${this.url}readyz`)).ok);
  }

  /** Ends it as a power cut of the process would. */
  kill(): Promise<void> {
    return this.process.kill();
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

/** The boss that comes along, with fewer HP, back after so many seconds, and no luck for anyone. */
export async function weakBoss(hpMax: number, respawnS = 1): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(SCENARIO, 'utf8');
  return text
    .replace(/hp_max = \d+/, `hp_max = ${hpMax}`)
    .replace('respawn_s = 5', `respawn_s = ${respawnS}`)
    .replace(/crit_percent = \d+/g, 'crit_percent = 0');
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
