// Desktop notices: asked for by a click, one for each conversation, only while nobody looks.
import type { Page } from '@playwright/test';

import { goTo, openChatWith, say } from './screens';
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
