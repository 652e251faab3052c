// The game in a real browser, against the real server: joined, hit, killed, resumed, counted once.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { expectInBooks, join, scenes, start, visit } from './scene';
import { until, weakBoss } from './server';

scenes();

it('two pages join, hit, and each sees the damage of the other', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  const bob = await join(server.url, 'Bob');
  await ada.says('#players', '2');
  await ada.strike(5);
  await ada.strike(1, 1);
  await bob.says('#stream', 'from others');
  await ada.shot('desktop');
  await bob.strike(3);
  await ada.says('#stream', 'from others');
  const adas = await expectInBooks(server, 'Ada', ada);
  const bobs = await expectInBooks(server, 'Bob', bob);
  expect(adas).toBeGreaterThanOrEqual(5 * 100 + 600);
  expect(bobs).toBeGreaterThanOrEqual(3 * 100);
  for (const player of [ada, bob]) {
    await until('the bar arrives', async () => (await player.hp()) === 50_000_000 - adas - bobs);
  }
});

it('a killed server comes back, both go on, and what was pending counts once', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  const bob = await join(server.url, 'Bob');
  await ada.strike(4);
  await bob.strike(2);
  await ada.answered();
  const before = await ada.ownDamage();
  // Some of these are on their way when the server dies, the others are made without one.
  await ada.strike(2);
  await server.kill();
  await ada.says('#notice-text', 'Connection lost');
  await ada.strike(3);
  await bob.strike(2);
  expect(await ada.pending()).toBeGreaterThanOrEqual(3);
  await ada.shot('connection-lost');
  await server.restart();
  await ada.isLive();
  await bob.isLive();
  const adas = await expectInBooks(server, 'Ada', ada);
  const bobs = await expectInBooks(server, 'Bob', bob);
  expect(adas).toBeGreaterThanOrEqual(before + 3 * 100);
  expect(await ada.text('#notice-text')).toBe('');
  const { generations } = await server.ledger();
  expect(generations[0]?.hp).toBe(50_000_000 - adas - bobs);
  await ada.strike(1);
  expect(await expectInBooks(server, 'Ada', ada)).toBeGreaterThan(adas);
  await until('the bar is right', async () => {
    const { generations } = await server.ledger();
    return (await bob.hp()) === generations[0]?.hp;
  });
});

it('the keyboard alone joins and hits', async () => {
  const server = await start();
  const ada = await visit(server.url, 'Ada');
  await ada.page.keyboard.type('  ');
  await ada.page.keyboard.press('Enter');
  await ada.says('#name-error', 'has a name');
  await ada.shot('join');
  await ada.page.keyboard.type('Ada');
  await ada.page.keyboard.press('Enter');
  await ada.isLive();
  for (const key of ['Space', 'Enter', '1', '2', '3', '3']) await ada.page.keyboard.press(key);
  const own = await expectInBooks(server, 'Ada', ada);
  expect(own).toBeGreaterThanOrEqual(3 * 100 + 600 + 2500);
  for (const _ of ['War room', 'Strike']) await ada.page.keyboard.press('Tab');
  await ada.shot('keyboard');
  expect(await ada.page.evaluate(() => document.activeElement?.textContent)).toContain('Strike');
  await ada.page.keyboard.press('Space');
  expect(await expectInBooks(server, 'Ada', ada)).toBeGreaterThan(own);
});

it('the form stays until there is a name, also where nothing may be stored', async () => {
  const server = await start();
  const ada = await visit(server.url, 'Ada');
  await ada.page.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, {
        get: () => {
          throw new DOMException('forbidden', 'SecurityError');
        },
      });
    }
  });
  await ada.page.reload();
  for (let press = 0; press < 4; press += 1) await ada.page.keyboard.press('Escape');
  await ada.page.fill('#name', 'Ada');
  await ada.page.click('#enter');
  await ada.isLive();
  await ada.page.keyboard.press('Space');
  expect(await expectInBooks(server, 'Ada', ada)).toBeGreaterThanOrEqual(100);
  expect(ada.complaints).toEqual([]);
});

it('a phone plays by touch, and nothing leaves its screen', async () => {
  const server = await start({ bots: 6 });
  const phone = {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  };
  const ada = await join(server.url, 'Ada', phone);
  await ada.page.locator('#skills button').first().tap();
  await ada.page.locator('#skills button').nth(2).tap();
  await ada.page.touchscreen.tap(190, 380);
  await ada.shot('phone');
  const own = await expectInBooks(server, 'Ada', ada);
  expect(own).toBeGreaterThanOrEqual(2 * 100 + 2500);
  const size = await ada.page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const small = Array.from(document.querySelectorAll('button:not([hidden])')).filter((button) => {
      const { width, height } = button.getBoundingClientRect();
      return width > 0 && (width < 44 || height < 44);
    });
    return { scrollWidth, scrollHeight, small: small.length };
  });
  expect(size).toEqual({ scrollWidth: 390, scrollHeight: 844, small: 0 });
});

it('a refused hit is taken back with the reason', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada', { reducedMotion: 'reduce' });
  // More than a bucket of 16 holds, faster than it fills.
  await ada.page.evaluate(() => {
    const button = document.querySelector('#skills button');
    for (let hit = 0; hit < 30; hit += 1) if (button instanceof HTMLElement) button.click();
  });
  await ada.says('#floats', 'too fast');
  await ada.shot('refused');
  const own = await expectInBooks(server, 'Ada', ada);
  await ada.rests(50_000_000 - own);
});

it('a shard that is gone for good is said to be, and its pending hits are taken back', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  await ada.page.clock.install();
  await ada.strike(2);
  const own = await expectInBooks(server, 'Ada', ada);
  await ada.rests(50_000_000 - own);
  await server.kill();
  await ada.says('#notice-text', 'Connection lost');
  await ada.strike(3);
  expect(await ada.pending()).toBe(3);
  await until('it gives up', async () => {
    await ada.page.clock.fastForward(4_000);
    return (await ada.text('#link')) === 'gone';
  });
  await ada.says('#notice-text', 'taken back');
  expect(await ada.pending()).toBe(0);
  await ada.rests(50_000_000 - own);
  await ada.shot('gone');
  await server.restart();
  await ada.page.click('#retry');
  await ada.isLive();
  await ada.strike(1);
  expect(await expectInBooks(server, 'Ada', ada)).toBeGreaterThan(own);
});

it('a session that its shard has lost is begun anew', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  await ada.strike(2);
  const own = await expectInBooks(server, 'Ada', ada);
  await server.kill();
  await ada.says('#notice-text', 'Connection lost');
  await ada.strike(2);
  await server.restartWithoutItsDisk();
  await ada.isLive();
  await ada.answered();
  expect(await ada.ownDamage()).toBe(0);
  expect(await server.damageOf('Ada')).toBe(own);
  await ada.strike(1);
  await until('it counts', async () => (await server.damageOf('Ada')) > own);
});

it('a reload goes on with the session, and a second tab is a second player', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  await ada.strike(3);
  const own = await expectInBooks(server, 'Ada', ada);
  await ada.page.reload();
  await ada.isLive();
  await until('the damage is still there', async () => (await ada.ownDamage()) === own);
  const tab = await ada.page.context().newPage();
  await tab.goto(server.url);
  expect(await tab.inputValue('#name')).toBe('Ada');
  await tab.click('#enter');
  await ada.says('#players', '2');
  // A copied tab has the session too: one of them plays on.
  const token = await ada.page.evaluate(() => sessionStorage.getItem('worldboss.session') ?? '');
  await tab.evaluate((value) => sessionStorage.setItem('worldboss.session', value), token);
  await tab.reload();
  await ada.says('#notice-text', 'another tab');
  await ada.shot('replaced');
  await ada.page.click('#retry');
  await ada.isLive();
});

it('a boss that falls comes again', async () => {
  const server = await start({ scenario: await weakBoss(2_000) });
  const ada = await join(server.url, 'Ada');
  await ada.strike(1, 2);
  await ada.says('#notice-text', 'has fallen');
  await until('the bar is empty', async () => (await ada.hp()) === 0);
  await ada.shot('fallen');
  await ada.says('#life', 'life 2');
  await until('it is whole', async () => (await ada.hp()) === 2_000);
  await ada.strike(1);
  await ada.answered();
  await until('it bleeds', async () => (await ada.hp()) < 2_000);
});

it('a victory is told to both who had a part in it, until they put it away', async () => {
  const server = await start({ scenario: await weakBoss(3_000, 4) });
  const ada = await join(server.url, 'Ada');
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
  const bob = await join(server.url, '<b>Bob</b>', phone);
  const eve = await join(server.url, 'Eve');
  await ada.strike(2);
  await ada.says('#place', '#1 of 1');
  await bob.strike(1);
  await bob.says('#board-button', '#2');
  await bob.page.click('#board-button');
  await bob.says('#best', '<b>Bob</b>');
  await bob.shot('board-phone');
  await bob.page.click('#board-close');
  await ada.says('#place', '#1 of 2');
  expect(await eve.text('#place')).toContain('2 players');
  await ada.shot('board');
  await ada.strike(1, 2);
  await ada.strike(1, 1);
  await ada.says('#notice-text', 'has fallen');
  await ada.shot('fallen');
  await ada.says('#notice-text', 'The next boss in');
  await ada.page.waitForSelector('#victory:not([hidden])');
  await bob.page.waitForSelector('#victory:not([hidden])');
  await ada.shot('victory');
  await bob.shot('victory-phone');
  expect(await ada.text('#victory-title')).toBe('Morvath, the Ember Colossus has fallen');
  expect(await ada.text('#victory-rank')).toBe('1st');
  expect(await bob.text('#victory-rank')).toBe('2nd');
  expect(await bob.text('#victory-rank-of')).toBe('of 2 in life 1');
  for (const player of [ada, bob]) {
    expect(await player.number('#victory-damage')).toBe(await player.ownDamage());
    expect(await player.text('#victory-rewards')).toContain('Cinder of Morvath');
  }
  await ada.says('#life', 'life 2');
  await ada.shot('victory-next-life');
  await ada.page.click('#victory-close');
  await bob.page.locator('#victory-close').tap();
  for (const player of [ada, bob])
    await player.page.waitForSelector('#victory', { state: 'hidden' });
  await ada.page.reload();
  await ada.isLive();
  await bob.strike(1);
  await ada.says('#best', '<b>Bob</b>');
  expect(await ada.page.isVisible('#victory'), 'it is not told twice').toBe(false);
  expect(await eve.page.isVisible('#victory'), 'she had no part').toBe(false);
});

it('the page is small, cached by hash, and closed to everything else', async () => {
  const server = await start();
  const index = await fetch(server.url);
  const tag = index.headers.get('etag') ?? '';
  expect(index.headers.get('cache-control')).toBe('no-cache');
  expect(index.headers.get('content-security-policy')).toContain(
    "default-src 'none'; script-src 'self'",
  );
  expect(index.headers.get('x-content-type-options')).toBe('nosniff');
  expect(index.headers.get('referrer-policy')).toBe('no-referrer');
  expect((await fetch(server.url, { headers: { 'If-None-Match': tag } })).status).toBe(304);
  const html = await index.text();
  const files = Array.from(html.matchAll(/(?:src|href)="\.\/([^"]+)"/g), ([, path]) => path ?? '');
  let bytes = gzipSync(html).length;
  for (const path of new Set(files)) {
    const file = await fetch(new URL(path, server.url));
    expect(file.status, path).toBe(200);
    expect(file.headers.get('cache-control'), path).toBe('public, max-age=31536000, immutable');
    bytes += gzipSync(new Uint8Array(await file.arrayBuffer())).length;
  }
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(bytes, 'bytes that index.html loads, compressed').toBeLessThanOrEqual(60_000);
  expect((await fetch(new URL('assets/none.js', server.url))).status).toBe(404);
});

it('looks as the README shows it', async () => {
  const server = await start({ bots: 12, scenario: await weakBoss(400_000) });
  const ada = await join(server.url, 'Ada', { viewport: { width: 900, height: 640 } });
  await until('the fight is under way', async () => (await ada.hp()) < 330_000);
  await ada.strike(4);
  await ada.strike(1, 1);
  await ada.page.mouse.click(430, 300);
  const path = await ada.shot('page');
  expect(readFileSync(path).length).toBeLessThan(150_000);
});
