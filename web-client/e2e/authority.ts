// Where the truth of several shards lives: an authority with a port of its own, or a Redis.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Process, worldboss } from './process';

abstract class Authority {
  /** What shards call it. */
  url = '';
  protected readonly process = new Process();
  protected readonly data = mkdtempSync(join(tmpdir(), 'worldboss-'));

  abstract run(): Promise<void>;

  async stop(): Promise<void> {
    await this.process.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** `worldboss authority serve`. */
export class Service extends Authority {
  async run(): Promise<void> {
    const store = ['--store', `embedded:${this.data}`];
    const args = ['authority', 'serve', '--listen', '127.0.0.1:0', ...store];
    this.url = await this.process.start(worldboss(), args, /listens on (ws\S+)/);
  }
}

/** Starts on ports that somebody else was faster to take. */
const STARTS_MAX = 10;

/** A `redis-server` that has on its disk what it has answered. */
export class Redis extends Authority {
  async run(): Promise<void> {
    for (let start = 1; ; start += 1) {
      const port = await freePort();
      const net = ['--bind', '127.0.0.1', '--port', String(port), '--dir', this.data];
      const disk = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
      this.url = `redis://127.0.0.1:${port}`;
      try {
        await this.process.start('redis-server', [...net, ...disk], /Ready to accept/);
        return;
      } catch (error) {
        const isTaken =
          error instanceof Error && error.message.includes('Failed listening on port');
        if (!isTaken || start === STARTS_MAX) throw error;
      }
    }
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
