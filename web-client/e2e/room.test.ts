// The war room in real browsers: shared across shards, edited at once, kept, refused where wrong.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { Redis, Service } from './authority';
import type { Player } from './player';
import { bring, join, scenes, start } from './scene';
import { until } from './server';

scenes();

const PHONE = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** Opens the panel, and waits until the room is there. */
async function plan(player: Player): Promise<void> {
  await player.page.click('#room-button');
  await player.says('#room .line', 'Live');
}

async function note(player: Player, text: string): Promise<void> {
  await player.page.fill('#room-note', text);
  await player.page.press('#room-note', 'Enter');
}

/** Puts a marker by pointer, at parts of the arena. */
async function mark({ page }: Player, kind: string, x: number, y: number): Promise<void> {
  await page.click(`#room .tool:has-text("${kind}")`);
  const { width, height } = (await page.locator('#room-field').boundingBox()) ?? fail();
  await page.click('#room-field', { position: { x: x * width, y: y * height } });
  await page.click(`#room .tool:has-text("${kind}")`);
}

function fail(): never {
  throw new Error('it is not there');
}

const notes = ({ page }: Player) => page.locator('#room .notes .text').allTextContents();
const markers = ({ page }: Player) => page.locator('#room-field .marker').count();

it('two pages on two shards of one authority plan together', async () => {
  await planTogether((await bring(new Service())).url);
});

it('two pages on two shards of one Redis plan together', async () => {
  await planTogether((await bring(new Redis())).url);
});

async function planTogether(authority: string): Promise<void> {
  const shards = await Promise.all([1, 2].map((id) => start({ shard: { id, authority } })));
  const [ada, bob] = await Promise.all([
    join(shards[0]?.url ?? '', 'Ada'),
    join(shards[1]?.url ?? '', 'Bob', PHONE),
  ]);
  await ada.shot('room-before');
  await plan(ada);
  await ada.shot('room-empty');
  await plan(bob);
  await bob.shot('room-empty-phone');
  await mark(ada, 'Target', 0.3, 0.4);
  await until('Bob sees the marker', async () => (await markers(bob)) === 1);
  await note(bob, 'Its left knee is weak');
  await ada.says('#room .notes', 'Its left knee is weak');
  await ada.page.click('#room .row button:has-text("Hit now!")');
  await bob.says('#room-banner', 'Hit now!');
  await bob.shot('room-call-phone');
  await bob.page.click('#room button:has-text("Who is ready?")');
  await ada.page.click('#room button[aria-label="Yes, ready"]');
  await bob.page.click('#room button[aria-label="No, not ready"]');
  for (const player of [ada, bob]) {
    await player.says('#room .answers', 'Ada');
    await player.says('#room .answers', 'Bob');
  }
  await ada.shot('room-full');
  await bob.shot('room-full-phone');
}

it('the same note, written anew by both at once, keeps the words of both', async () => {
  const { url: authority } = await bring(new Service());
  const shards = await Promise.all([1, 2].map((id) => start({ shard: { id, authority } })));
  const [ada, bob] = await Promise.all([
    join(shards[0]?.url ?? '', 'Ada'),
    join(shards[1]?.url ?? '', 'Bob'),
  ]);
  const both = [ada, bob];
  await Promise.all(both.map(plan));
  await note(ada, 'Hit its knee');
  await bob.says('#room .notes', 'Hit its knee');
  for (let round = 0; round < 8; round += 1) {
    for (const { page } of both) {
      await page.locator('#room .notes button[aria-label="Write this note anew"]').first().click();
    }
    const words = [`Hit its left knee ${round}`, `Hit its knee hard ${round}`];
    // Each writes in the very moment of the other one, so that one of them comes too late.
    await Promise.all(both.map((player, index) => note(player, words[index] ?? '')));
    for (const player of both) for (const word of words) await player.says('#room .notes', word);
    for (const player of both) await player.says('#room .line', 'all saved');
    expect(await notes(ada)).toEqual(await notes(bob));
    expect((await notes(ada)).filter((text) => words.includes(text))).toHaveLength(2);
  }
  const lines = await Promise.all(both.map((player) => player.text('#room .line')));
  expect(lines.join(' '), 'some ran again').toMatch(/changes? run again/);
  await ada.shot('room-notes');
});

it('a reload keeps the room, and a killed server comes back to it', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  const bob = await join(server.url, 'Bob', PHONE);
  await plan(ada);
  await plan(bob);
  await mark(ada, 'Danger', 0.7, 0.6);
  await note(ada, 'Stay away from its horns');
  await ada.says('#room .line', 'all saved');
  await ada.page.reload();
  await ada.isLive();
  expect(await ada.page.locator('#room').count(), 'nothing is loaded before').toBe(0);
  await plan(ada);
  await ada.says('#room .notes', 'Stay away from its horns');
  expect(await markers(ada)).toBe(1);
  await server.kill();
  await ada.says('#room .line', 'Offline');
  await note(ada, 'written without a server');
  await bob.says('#room .line', 'Offline');
  await mark(bob, 'Gather', 0.2, 0.8);
  await ada.says('#room .line', '1 change of yours will follow');
  await ada.shot('room-offline');
  await bob.shot('room-offline-phone');
  await server.restart();
  for (const player of [ada, bob]) {
    await player.says('#room .notes', 'written without a server');
    await until('both markers are there', async () => (await markers(player)) === 2);
    await player.says('#room .line', 'all saved');
  }
  expect(await notes(ada)).toEqual(await notes(bob));
});

it('what is not allowed is refused to its writer, and disturbs nobody', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  const bob = await join(server.url, 'Bob');
  await plan(ada);
  await plan(bob);
  // The same page, whose hands are not held: a name that is none.
  await bob.page.evaluate(() => {
    const from = Array.from;
    Object.assign(Array, {
      from: (value: unknown, ...rest: []) => {
        return typeof value === 'string' ? ['one'] : from(value as [], ...rest);
      },
    });
    document.querySelector('#room-note')?.removeAttribute('maxlength');
  });
  await bob.page.fill('#room-note', 'x'.repeat(200));
  await bob.page.press('#room-note', 'Enter');
  await bob.says('#room .said', 'against the rules');
  await bob.shot('room-refused');
  await note(bob, 'short enough');
  await ada.says('#room .notes', 'short enough');
  await until('Bob has saved', async () => (await bob.text('#room .line')).includes('all saved'));
  expect(await notes(ada)).toEqual(['short enough']);
  expect(await notes(bob)).toEqual(['short enough']);
});

it('the keyboard alone plans, and a closed panel still shows what others do', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada');
  const bob = await join(server.url, 'Bob');
  const { keyboard } = ada.page;
  await keyboard.press('w');
  await ada.says('#room .line', 'Live');
  const pressed = () => ada.page.evaluate(() => document.activeElement?.textContent ?? '');
  expect(await pressed()).toBe('Close');
  await keyboard.press('Tab');
  expect(await pressed()).toContain('Target');
  const before = await ada.ownDamage();
  await keyboard.press('Enter');
  for (let step = 0; step < 4; step += 1) await keyboard.press('ArrowLeft');
  await ada.shot('room-cross');
  await keyboard.press('Enter');
  await until('the marker is there', async () => (await markers(ada)) === 1);
  const marker = ada.page.locator('#room-field .marker');
  const place = () => marker.evaluate((element) => element.style.getPropertyValue('--x'));
  expect(Number(await place())).toBeCloseTo(0.4, 3);
  await plan(bob);
  expect(await markers(bob)).toBe(1);
  await marker.focus();
  await keyboard.press('Shift+ArrowRight');
  await until('it moved', async () => Number(await place()) === 0.5);
  await keyboard.press('Delete');
  await until('Bob sees it go', async () => (await markers(bob)) === 0);
  await keyboard.press('w');
  await until('it is closed', async () => !(await ada.page.locator('#room').isVisible()));
  expect(await pressed()).toBe('War room');
  expect(await ada.ownDamage(), 'nothing of this was a hit').toBe(before);
  await mark(bob, 'Post', 0.5, 0.5);
  await bob.page.click('#room .row button:has-text("Hold!")');
  await ada.says('#room-banner', 'Hold!');
  await until('Ada sees it', async () => (await markers(ada)) === 1);
  await ada.shot('room-closed');
  // What stands on the arena lets hits through.
  await marker.evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    const under = document.elementFromPoint(left + 20, top + 20);
    if (under?.id !== 'arena') throw new Error(`a hit would meet ${under?.id}`);
  });
});

it('a phone plans by touch, and nothing leaves its screen', async () => {
  const server = await start();
  const ada = await join(server.url, 'Ada-with-a-name-of-24-ch', PHONE);
  await plan(ada);
  await ada.page.locator('#room .tool').nth(2).tap();
  const { x, y, width, height } = (await ada.page.locator('#room-field').boundingBox()) ?? fail();
  await ada.page.touchscreen.tap(x + 2, y + 2);
  await ada.page.touchscreen.tap(x + width - 2, y + height - 2);
  await until('both are there', async () => (await markers(ada)) === 2);
  await ada.page.locator('#room .tool').nth(2).tap();
  for (let call = 0; call < 5; call += 1) {
    await ada.page.locator('#room .row button').nth(call).tap();
  }
  await note(ada, 'W'.repeat(140));
  await ada.says('#room .line', 'all saved');
  await ada.shot('room-phone');
  expect(await layout(ada.page)).toEqual({
    scrollWidth: 390,
    scrollHeight: 844,
    small: [],
    out: [],
  });
  await ada.page.locator('#room').evaluate((room) => room.scrollTo(0, 10_000));
  await ada.shot('room-phone-notes');
  expect(await layout(ada.page)).toEqual({
    scrollWidth: 390,
    scrollHeight: 844,
    small: [],
    out: [],
  });
  await ada.page.locator('#room-field .marker').first().tap();
  await until('a tap removes it', async () => (await markers(ada)) === 1);
  await drag(ada.page);
  await ada.page.click('#room header button');
  await ada.shot('room-phone-closed');
});

/** A finger's drag moves the marker to the middle. */
async function drag(page: Page): Promise<void> {
  const box = async (selector: string) => (await page.locator(selector).boundingBox()) ?? fail();
  const [marker, field] = [await box('#room-field .marker'), await box('#room-field')];
  const from = { x: marker.x + marker.width / 2, y: marker.y + marker.height / 2 };
  const to = { x: field.x + field.width / 2, y: field.y + field.height / 2 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x - 30, to.y - 30, { steps: 4 });
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
  await until('it moved', async () => {
    const now = await box('#room-field .marker');
    return Math.hypot(now.x + now.width / 2 - to.x, now.y + now.height / 2 - to.y) < 2;
  });
}

/** What is too small for a finger, and what leaves the screen. */
function layout(page: Page): Promise<object> {
  return page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const all = Array.from(document.querySelectorAll('#room button, #room input, .marker'));
    const boxes = all.map((element) => ({ element, box: element.getBoundingClientRect() }));
    const seen = boxes.filter(({ box }) => box.width > 0);
    const text = ({ element }: (typeof boxes)[0]) => element.textContent ?? '';
    const small = seen.filter(({ box }) => box.width < 44 || box.height < 44).map(text);
    const out = seen.filter(({ box }) => box.left < 0 || box.right > innerWidth).map(text);
    return { scrollWidth, scrollHeight, small, out };
  });
}
