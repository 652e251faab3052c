// A process of a test: started, listened to, and ended by its id, whatever becomes of the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Those that run. None of them outlives the tests, even if these end in the middle of a scene. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Last words that are kept for the case that it ends. */
const SAID_MAX = 10;

export class Process {
  private child: ChildProcess | null = null;

  /**
   * Starts a program, and waits for a line that fits; gives back its part in brackets. What else it
   * says on stdout is heard.
   */
  async start(
    program: string,
    args: readonly string[],
    pattern: RegExp,
    heard: (line: string) => void = () => {},
  ): Promise<string> {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // What the tester has set must not change what is tested.
      env: { PATH: process.env.PATH, WORLDBOSS_LOG: 'warn,worldboss=info' },
    });
    this.child = child;
    running.add(child);
    const said: string[] = [];
    const ended = once(child, 'close').then(
      ([code]) => {
        throw new Error(`${program} ended with ${code}, saying:\n${said.join('\n')}`);
      },
      (cause) => {
        const cure = '`cargo xtask test --only tools` says what is missing';
        throw new Error(`${program} did not start; ${cure}`, { cause });
      },
    );
    // It also ends when a test is over.
    ended.catch(() => {}).finally(() => running.delete(child));
    const found = new Promise<string>((resolve) => {
      // Goes on reading for ever, so that the program never waits for a reader.
      const listen = (stream: Readable, rest: (line: string) => void) => {
        createInterface({ input: stream }).on('line', (line) => {
          if (said.push(line) > SAID_MAX) said.shift();
          const fits = pattern.exec(line);
          if (fits) resolve(fits[1] ?? line);
          else rest(line);
        });
      };
      listen(child.stdout, heard);
      listen(child.stderr, (line) => process.stderr.write(`${line}\n`));
    });
    return Promise.race([found, ended]);
  }

  /** Types a line. */
  type(line: string): void {
    this.child?.stdin?.write(`${line}\n`);
  }

  /** Ends it as a power cut of the process would. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** The binary under test. */
export function worldboss(): string {
  const bin = process.env.WORLDBOSS_BIN;
  if (bin) return bin;
  throw new Error('WORLDBOSS_BIN names no binary; run `cargo xtask test --only browser`');
}
