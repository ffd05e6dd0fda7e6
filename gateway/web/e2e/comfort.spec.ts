// For those who see little or get dizzy: everything at twice the size, nothing that moves.
import type { Page } from '@playwright/test';

import { createDiscussion, goTo, message, openChatWith, openDetails, say, sees, signIn } from './screens';
import { type Company, expect, test } from './world';

/** What can be used or read and does not fit: beyond the edge, or cut off without a sign of it. */
async function cut(page: Page, screen: string): Promise<string[]> {
  return page.evaluate((name) => {
    const width = document.documentElement.clientWidth;
    const found: string[] = [];
    if (document.documentElement.scrollWidth > width) found.push(`${name} scrolls sideways`);
    for (const one of document.querySelectorAll<HTMLElement>('button, a, input, textarea, label, h1, h2, p, dt, dd, [role=article]')) {
      if (!one.checkVisibility({ visibilityProperty: true }) || one.closest('.visually-hidden, [class*=skip]')) continue;
      const box = one.getBoundingClientRect();
      if (box.width === 0 || box.height === 0) continue;
      const style = getComputedStyle(one);
      const clipped = style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && one.scrollWidth > one.clientWidth + 1;
      if (box.left < -1 || box.right > width + 1 || clipped) {
        found.push(`${name}: ${one.outerHTML.slice(0, 140)} ${Math.round(box.left)}..${Math.round(box.right)} of ${width}`);
      }
    }
    return found;
  }, screen);
}

test('at 200 % every screen fits: nothing is cut and nothing scrolls sideways', async ({ company, people, viewport }) => {
  // A browser that shows everything twice as large has half as many pixels of ours.
  const half = { width: viewport!.width / 2, height: viewport!.height / 2 };
  const wang = await people.stranger();
  await wang.setViewportSize(half);
  await wang.goto('/');
  await expect(wang.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  const faults = await cut(wang, 'sign-in');
  await signIn(wang, company.admin.login, company.admin.password);
  await openChatWith(wang, company.li.name);
  await say(wang, '很长的一段话。'.repeat(30));
  await say(wang, 'https://example.com/a/very/long/address/'.padEnd(200, 'x'));
  await sees(wang, 'https://example.com');
  faults.push(...(await cut(wang, 'chat')));
  await goTo(wang, '通讯录');
  faults.push(...(await cut(wang, 'directory')));
  await wang.getByRole('link', { name: new RegExp(company.li.name) }).first().click();
  await expect(wang.getByRole('button', { name: '发消息' })).toBeVisible();
  faults.push(...(await cut(wang, 'person')));
  await createDiscussion(wang, '这是一个名字很长很长的讨论组', [company.wang.name, company.li.name]);
  await openDetails(wang);
  await expect(wang.getByRole('button', { name: '解散讨论' })).toBeVisible();
  faults.push(...(await cut(wang, 'details')));
  await wang.getByRole('button', { name: '添加成员' }).click();
  await expect(wang.getByRole('dialog', { name: '添加成员' }).getByRole('checkbox').first()).toBeAttached();
  faults.push(...(await cut(wang, 'more members')));
  await wang.keyboard.press('Escape');
  await wang.getByRole('button', { name: '解散讨论' }).click();
  await expect(wang.getByRole('dialog', { name: /解散/ })).toBeVisible();
  faults.push(...(await cut(wang, 'a question')));
  for (const section of ['profile', 'sessions', 'password', 'preferences']) {
    await wang.goto(`/me/${section}`);
    await expect(wang.getByRole('heading', { level: 1 }).last()).toBeVisible();
    faults.push(...(await cut(wang, section)));
  }
  faults.push(...(await cutForAdministrators(wang)));
  expect(faults).toEqual([]);
});

async function cutForAdministrators(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const [address, there] of [
    ['/chats/new', page.getByRole('dialog', { name: '发起讨论' })],
    ['/directory/disabled', page.getByText('没有停用的帐号')],
    ['/chats/0000000000000000000000000z', page.getByText('这个会话不存在')],
    ['/no/such/place', page.getByText('找不到这个页面')],
    ['/directory/add', page.getByRole('dialog', { name: '添加同事' })],
  ] as const) {
    await page.goto(address);
    await expect(there).toBeVisible();
    faults.push(...(await cut(page, address)));
  }
  const dialog = page.getByRole('dialog');
  await dialog.getByText('批量添加').click();
  await dialog.getByLabel('粘贴名单').fill('一位名字很长很长的同事 a-very-long-login-name-of-somebody@example.com\n没有帐号的人');
  faults.push(...(await cut(page, 'a list of people')));
  await dialog.getByRole('button', { name: '全部添加' }).click();
  await expect(page.getByTestId('credential')).toBeVisible();
  faults.push(...(await cut(page, 'sheet')));
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('combobox', { name: '找人或会话' })).toBeFocused();
  faults.push(...(await cut(page, 'switcher')));
  return faults;
}

declare global {
  interface Window {
    moved: string[];
  }
}

/** What moves while a person goes through the usual places. */
async function movements(page: Page, company: Company, text: string): Promise<string[]> {
  await page.addInitScript(() => {
    window.moved = [];
    const note = (event: Event) => {
      const target = event.target as HTMLElement;
      const moving = target.getAnimations().some((one) => Number(one.effect?.getComputedTiming().duration) > 0);
      if (moving) window.moved.push(`${event.type} ${target.outerHTML.slice(0, 100)}`);
    };
    for (const type of ['transitionrun', 'animationstart']) document.addEventListener(type, note, true);
  });
  await page.goto('/');
  await signIn(page, company.wang.login, company.wang.password);
  await openChatWith(page, company.li.name);
  await say(page, text);
  await sees(page, text);
  await message(page, text).hover();
  await message(page, text).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: '复制文字' }).click();
  await goTo(page, '会话');
  await page.getByTestId('conversation').first().hover();
  await page.getByRole('button', { name: '发起讨论' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  return page.evaluate(() => window.moved);
}

test('who wants no motion gets none', async ({ company, people }) => {
  const wang = await people.stranger();
  await wang.emulateMedia({ reducedMotion: 'reduce' });
  expect(await movements(wang, company, '不要动')).toEqual([]);
  // The same way through the screens moves where nobody minds.
  const other = await people.stranger();
  await other.emulateMedia({ reducedMotion: 'no-preference' });
  expect((await movements(other, company, '可以动')).length).toBeGreaterThan(0);
});
