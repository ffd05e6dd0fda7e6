// What can be done with a message: under a resting finger, and by keyboard.
import type { Page } from '@playwright/test';

import { composer, message, openChatWith, say, sees, signIn } from './screens';
import { expect, test } from './world';

/** A finger on the glass, as the browser hears it from the machine. */
class Finger {
  private constructor(private readonly send: (type: string, points: { x: number; y: number }[]) => Promise<unknown>) {}

  static async on(page: Page): Promise<Finger> {
    const line = await page.context().newCDPSession(page);
    return new Finger((type, touchPoints) =>
      line.send('Input.dispatchTouchEvent', { type: type as 'touchStart', touchPoints }),
    );
  }

  down = (x: number, y: number) => this.send('touchStart', [{ x, y }]);
  move = (x: number, y: number) => this.send('touchMove', [{ x, y }]);
  up = () => this.send('touchEnd', []);
}

async function top(page: Page, text: string): Promise<number> {
  return (await message(page, text).boundingBox())!.y;
}

/** Until the list stands still: after a finger has thrown it, it goes on by itself. */
async function stands(page: Page, text: string): Promise<void> {
  let before = Number.NaN;
  await expect
    .poll(async () => {
      const now = await top(page, text);
      const moved = now - before;
      before = now;
      return moved;
    })
    .toBe(0);
}

/** The middle of a message, where it can be touched: it may have been thrown out of sight. */
async function middle(page: Page, text: string): Promise<{ x: number; y: number }> {
  await stands(page, text);
  await message(page, text).scrollIntoViewIfNeeded();
  await stands(page, text);
  const box = (await message(page, text).boundingBox())!;
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

test('a resting finger opens the menu of a message, a scrolling one does not', async ({ company, people, hasTouch }) => {
  test.skip(hasTouch !== true, 'the desk has a mouse');
  const wang = await people.stranger();
  await wang.clock.install();
  await wang.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await wang.goto('/');
  await signIn(wang, company.wang.login, company.wang.password);
  await openChatWith(wang, company.li.name);
  for (let line = 1; line <= 30; line += 1) await say(wang, `第${line}句 https://example.com/${line}`);
  await sees(wang, '第30句');
  const menu = wang.getByRole('menu');
  const finger = await Finger.on(wang);

  const from = await middle(wang, '第25句');
  await finger.down(from.x, from.y);
  for (let step = 1; step <= 20; step += 1) await finger.move(from.x, from.y + step * 10);
  // The list has moved along with the finger, which then stays for longer than a press.
  await expect.poll(() => top(wang, '第25句')).toBeGreaterThan(from.y + 50);
  await wang.clock.fastForward(1_000);
  await finger.up();
  await expect(menu).toHaveCount(0);

  // One that is in the midst now: at the edge lies the button that leads to the newest.
  const at = await middle(wang, '第20句');
  await finger.down(at.x, at.y);
  await expect(menu).toBeVisible();
  await finger.up();
  // Lifting the finger is no click: it follows no link and closes nothing.
  await expect(menu).toBeVisible();
  expect(wang.context().pages()).toHaveLength(1);
  expect(await wang.evaluate(() => getSelection()?.toString())).toBe('');
  await wang.getByRole('menuitem', { name: '复制文字' }).tap();
  await expect(menu).toHaveCount(0);
  expect(await wang.evaluate(() => navigator.clipboard.readText())).toBe('第20句 https://example.com/20');
});

test('the keyboard walks through the messages, opens the menu and leads back to writing', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await wang.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openChatWith(wang, company.li.name);
  for (const text of ['一', '二', '三']) await say(wang, text);
  await sees(wang, '三');
  await composer(wang).press('Shift+Tab');
  await expect(wang.getByTestId('history')).toBeFocused();
  await wang.keyboard.press('ArrowUp');
  await expect(message(wang, '三')).toBeFocused();
  await wang.keyboard.press('ArrowUp');
  await expect(message(wang, '二')).toBeFocused();
  await wang.keyboard.press('Enter');
  await expect(wang.getByRole('menuitem', { name: '复制文字' })).toBeFocused();
  await wang.keyboard.press('Enter');
  await expect(wang.getByRole('menu')).toHaveCount(0);
  expect(await wang.evaluate(() => navigator.clipboard.readText())).toBe('二');
  await expect(message(wang, '二')).toBeFocused();
  await wang.keyboard.press('Escape');
  await expect(composer(wang)).toBeFocused();
});
