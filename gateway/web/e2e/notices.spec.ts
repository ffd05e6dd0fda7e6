// Desktop notices: asked for by a click, one for each conversation, only while nobody looks.
import type { Page } from '@playwright/test';

import { goTo, openChatWith, say, signIn } from './screens';
import { expect, test } from './world';

interface Shown {
  title: string;
  body: string | undefined;
  tag: string | undefined;
}

/** Chooses and waits until it holds: the browser is asked in between. */
async function choose(page: Page, choice: string): Promise<void> {
  await page.getByText(choice).click();
  await expect(page.getByRole('radio', { name: choice })).toBeChecked();
}

test('who asked for notices gets one while not looking, without the text unless wanted', async ({ company, people }) => {
  const li = await people.stranger();
  await li.context().grantPermissions(['notifications']);
  // The browser's own notices cannot be read back: what the page asks it to show is noted on the way.
  await li.addInitScript(() => {
    const shown: Shown[] = [];
    const Real = Notification;
    class Noted extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        shown.push({ title, body: options?.body, tag: options?.tag });
      }
    }
    Object.assign(window, { Notification: Noted, shown });
  });
  const shown = () => li.evaluate(() => (window as unknown as { shown: Shown[] }).shown);
  await li.goto('/');
  await li.getByLabel('帐号').fill(company.li.login);
  await li.getByLabel('密码', { exact: true }).fill(company.li.password);
  await li.getByRole('button', { name: '登录', exact: true }).click();
  await goTo(li, '我');
  await li.getByRole('link', { name: /外观和语言/ }).click();
  await choose(li, '只显示来自谁');

  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '看着屏幕');
  // It has come, while Li looks: what is shown from here on is for messages after it.
  await expect(li).toHaveTitle(/^\(1\)/);
  await li.evaluate(() => {
    document.hasFocus = () => false;
  });
  await say(wang, '机密的报价');
  await expect.poll(shown).toEqual([{ title: company.wang.name, body: '发来新消息', tag: expect.any(String) }]);
  await choose(li, '显示内容');
  await say(wang, '可以看到的话');
  await expect.poll(async () => (await shown()).at(-1)?.body).toBe('可以看到的话');
  await choose(li, '不通知');
  await say(wang, '安静');
  await expect(li).toHaveTitle(/^\(4\)/);
  expect(await shown()).toHaveLength(2);
});

declare global {
  interface Window {
    tones: number;
  }
}

/** A sound is this many tones. */
const TONES = 2;

test('a message sounds while nobody looks, once in three seconds, and not where it is switched off', async ({ company, people }) => {
  const li = await people.stranger();
  await li.clock.install();
  // The browser's own sounds cannot be heard back: what the page plays is noted.
  await li.addInitScript(() => {
    const node = { connect: (to: unknown) => to };
    const gain = { setValueAtTime: () => {}, exponentialRampToValueAtTime: () => {} };
    window.tones = 0;
    class Noted {
      currentTime = 0;
      destination = node;
      resume = () => Promise.resolve();
      createGain = () => ({ ...node, gain });
      createOscillator = () => ({ ...node, frequency: {}, stop: () => {}, start: () => void (window.tones += 1) });
    }
    Object.assign(window, { AudioContext: Noted });
  });
  await li.goto('/');
  await signIn(li, company.li.login, company.li.password);
  await goTo(li, '我');
  await li.getByRole('link', { name: /外观和语言/ }).click();
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  /** Once it has come, and the page has asked its other windows whether it may sound. */
  const heard = async (text: string, count: number) => {
    await say(wang, text);
    await expect(li).toHaveTitle(new RegExp(String.raw`^\(${count}\)`));
    await li.evaluate(() => navigator.locks.query().then(() => navigator.locks.query()).then(() => {}));
    return li.evaluate(() => window.tones);
  };
  const focus = (has: boolean) =>
    li.evaluate((has) => {
      document.hasFocus = () => has;
      window.dispatchEvent(new Event(has ? 'focus' : 'blur'));
    }, has);
  await focus(true);
  expect(await heard('看着屏幕', 1)).toBe(0);
  await li.clock.pauseAt(Date.now() + 60_000);
  await focus(false);
  expect(await heard('没有看', 2)).toBe(TONES);
  expect(await heard('马上又一条', 3)).toBe(TONES);
  await li.clock.runFor(3_000);
  expect(await heard('过了三秒', 4)).toBe(2 * TONES);
  await li.clock.runFor(3_000);
  await li.getByRole('checkbox', { name: '提示音' }).uncheck();
  expect(await heard('安静', 5)).toBe(2 * TONES);
});
