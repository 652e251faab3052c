// A player in a real browser: a page, what it says, and what a hand can do on it.

import { mkdirSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { until } from './server';

export const SCREENSHOTS = new URL('../../target/screenshots/', import.meta.url).pathname;

/** Debian's Chromium; no sandbox, because tests also run as root in containers. */
export function launch(): Promise<Browser> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export class Player {
  /** What the browser complained about: violations of the policy, exceptions, failed loads. */
  readonly complaints: string[] = [];
  readonly page: Page;
  private readonly name: string;

  private constructor(page: Page, name: string) {
    this.page = page;
    this.name = name;
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      // A socket that is refused while the server is away is no mistake of the page.
      const isLost = message.text().includes('WebSocket connection');
      if (message.type() === 'error' && !isLost) this.complaints.push(message.text());
    });
  }

  /** Opens the page, without joining. */
  static async visit(
    browser: Browser,
    url: string,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<Player> {
    const context = await browser.newContext({
      viewport: { width: 1100, height: 760 },
      ...options,
    });
    const player = new Player(await context.newPage(), name);
    await player.page.goto(url);
    return player;
  }

  /** Joins the fight. */
  async enter(): Promise<void> {
    await this.page.fill('#name', this.name);
    await this.page.click('#enter');
    await this.isLive();
  }

  async isLive(): Promise<void> {
    await this.says('#link', 'live');
    await this.page.waitForSelector('#skills button[aria-disabled="false"]');
  }

  text(selector: string): Promise<string> {
    return this.page.$eval(selector, (element) => element.textContent ?? '');
  }

  async says(selector: string, text: string): Promise<void> {
    await until(`${this.name} reads "${text}"`, async () =>
      (await this.text(selector)).includes(text),
    );
  }

  async number(selector: string): Promise<number> {
    return Number((await this.text(selector)).replaceAll(',', ''));
  }

  ownDamage(): Promise<number> {
    return this.number('#own');
  }

  async pending(): Promise<number> {
    await this.drawn();
    return this.number('#pending');
  }

  /** A press is shown with the next frame. */
  private async drawn(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
    });
  }

  /** HP as drawn. */
  async hp(): Promise<number> {
    return Number((await this.text('#hp')).split('/')[0]?.replaceAll(',', ''));
  }

  /** The bar stands at this HP, in two looks: nobody hits, so nothing is reckoned either. */
  async rests(hp: number): Promise<void> {
    let before = Number.NaN;
    await until(`${this.name}'s bar rests at ${hp}`, async () => {
      const last = before;
      before = await this.hp();
      return last === hp && before === hp;
    });
  }

  async strike(times = 1, skill = 0): Promise<void> {
    const button = this.page.locator('#skills button').nth(skill);
    for (let hit = 0; hit < times; hit += 1) await button.click();
  }

  answered(): Promise<void> {
    return until(`${this.name} has all answers`, async () => (await this.pending()) === 0);
  }

  async shot(name: string): Promise<string> {
    const path = `${SCREENSHOTS}${name}.png`;
    await this.page.screenshot({ path });
    return path;
  }
}
