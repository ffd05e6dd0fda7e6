// Keys: lists, the switcher and the details are reached and left without a mouse.
import type { Locator, Page } from '@playwright/test';

import { InputMethod } from './pinyin';
import { composer, goTo, openChatWith, openDetails } from './screens';
import { expect, test } from './world';

/** Down, down, up, to the last, to the first, and no further. */
async function walks(page: Page, rows: Locator): Promise<void> {
  const count = await rows.count();
  expect(count).toBeGreaterThan(2);
  await rows.first().focus();
  for (const [key, at] of [
    ['ArrowDown', 1],
    ['ArrowDown', 2],
    ['ArrowUp', 1],
    ['End', count - 1],
    ['ArrowDown', count - 1],
    ['Home', 0],
    ['ArrowUp', 0],
  ] as const) {
    await page.keyboard.press(key);
    await expect(rows.nth(at), `${key} leads to row ${at}`).toBeFocused();
  }
}

test('arrows, Home and End walk through the chats, the colleagues and what the switcher finds', async ({ company, people }) => {
  for (const name of ['报价', '项目组', '午饭']) {
    const user_ids = [company.wang.user_id, company.li.user_id];
    await company.api.call('conversation.create_discussion', { name, user_ids });
  }
  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await expect(wang.getByTestId('conversation')).toHaveCount(3);
  await walks(wang, wang.getByTestId('conversation'));
  const name = await wang.getByTestId('conversation').first().innerText();
  await wang.keyboard.press('ArrowDown');
  await goTo(wang, '通讯录');
  const list = wang.getByRole('navigation', { name: '同事列表' });
  await expect(list.getByRole('link')).toHaveCount(3);
  await walks(wang, list.getByRole('link'));
  await wang.keyboard.press('Enter');
  await expect(wang).toHaveURL(/\/directory\/\w{20,}/);
  expect(name).toContain('午饭');

  const field = wang.getByRole('combobox', { name: '找人或会话' });
  const chosen = wang.getByRole('option', { selected: true });
  await wang.keyboard.press('Meta+k');
  await expect(field).toBeFocused();
  await expect(wang.getByRole('option')).toHaveCount(3);
  await expect(chosen).toContainText('午饭');
  for (const [key, says] of [['ArrowDown', '项目组'], ['ArrowDown', '报价'], ['ArrowDown', '午饭'], ['ArrowUp', '报价']] as const) {
    await field.press(key);
    await expect(chosen, key).toContainText(says);
  }
  await field.press('Escape');
  await expect(field).toHaveCount(0);

  // The first letters of a name are enough; Enter that belongs to the input method opens nothing.
  await wang.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  const pinyin = await InputMethod.on(field);
  await pinyin.compose('ln');
  await expect(chosen).toContainText('李娜');
  await pinyin.enter();
  await pinyin.commit('ln');
  await expect(field).toHaveValue('ln');
  await expect(chosen).toContainText('李娜');
  await expect(composer(wang)).toHaveCount(0);
  await field.press('Enter');
  await expect(composer(wang)).toBeVisible();
  await expect(wang.getByRole('heading', { name: '李娜' })).toBeVisible();
});

test('Escape closes the details, beside the chat and as a drawer, and the focus is where it was', async ({ company, people, viewport }) => {
  test.skip(viewport!.width < 700, 'on the phone they are a screen of their own');
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  const opener = wang.getByRole('button', { name: '详情' });
  const title = wang.getByRole('heading', { name: '会话详情' });
  await openDetails(wang);
  await expect(title).toBeVisible();
  await wang.getByRole('button', { name: '和 TA 一起发起讨论' }).focus();
  await wang.keyboard.press('Escape');
  await expect(title).toHaveCount(0);

  await wang.setViewportSize({ width: 1024, height: 768 });
  // The page has heard of it when it is painted again: a key before that would open the details of the width before.
  await wang.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(painted)))));
  await opener.focus();
  await expect(opener).toBeFocused();
  await wang.keyboard.press('Enter');
  const drawer = wang.getByRole('dialog', { name: '会话详情' });
  await expect(drawer.getByRole('button', { name: '和 TA 一起发起讨论' })).toBeVisible();
  await wang.keyboard.press('Tab');
  await expect(drawer.locator(':focus')).toHaveCount(1);
  await wang.keyboard.press('Escape');
  await expect(drawer).toHaveCount(0);
  await expect(opener).toBeFocused();
});
