// Bots: a tool gets an address from whoever runs the discussion, and what it posts there is seen as a tool's.
import type { Page } from '@playwright/test';

import type { Account } from './api';
import { audit, otherwise } from './looks/audit';
import { misfits } from './looks/fits';
import { BROKEN } from './looks/state';
import { Wire } from './looks/wire';
import { InputMethod } from './pinyin';
import { composer, event, goTo, message, openDetails, row, said, say, sees, signIn, unread } from './screens';
import { type Company, expect, test } from './world';

// A worker of the page would fetch past the hand on the line.
test.use({ serviceWorkers: 'block' });

const TALK = '发布';
/** The widths of a table that details lie over. */
const TABLET = { width: 1024, height: 768 };

interface Made {
  bot: { bot_id: string };
  path: string;
}

/** A discussion of all three; the administrator made it. */
async function begin({ api, wang, li }: Company): Promise<string> {
  const { conversation_id } = await api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name: TALK,
    user_ids: [wang.user_id, li.user_id],
  });
  return conversation_id;
}

async function opened(page: Page): Promise<Page> {
  await goTo(page, '会话');
  await row(page, TALK).click();
  await openDetails(page);
  return page;
}

/** As `curl -d` does it, without a word about what it is. */
async function posts(address: string, text: string): Promise<number> {
  return (await fetch(address, { method: 'POST', body: JSON.stringify({ text }) })).status;
}

const bots = (page: Page) => page.getByRole('region', { name: '机器人' });
const bot = (page: Page, name: string) => bots(page).getByRole('listitem').filter({ hasText: name });
const addButton = (page: Page) => bots(page).getByRole('button', { name: '添加机器人' });
const sheet = (page: Page, name: string) => page.getByRole('dialog', { name: `“${name}”的地址` });
const kept = (page: Page) => page.getByTestId('kept');

async function adds(page: Page, name: string): Promise<string> {
  await addButton(page).click();
  const dialog = page.getByRole('dialog', { name: '添加机器人' });
  await dialog.getByLabel('名称').fill(name);
  await dialog.getByRole('button', { name: '添加', exact: true }).click();
  await expect(sheet(page, name)).toBeVisible();
  return kept(page).first().innerText();
}

async function act(page: Page, name: string, what: string): Promise<void> {
  await bots(page).getByRole('button', { name: `${name} 的操作` }).click();
  await page.getByRole('menuitem', { name: what }).click();
}

/** Signed in, with a note of everybody that the page asks the directory for. */
async function watched(page: Page, account: Account): Promise<string[]> {
  const asked: string[] = [];
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const [, method, params] = JSON.parse(String(payload)) as [number, string, { user_ids?: string[] }];
      if (method === 'directory.get') asked.push(...(params.user_ids ?? []));
    }),
  );
  page.on('request', (request) => {
    if (request.url().endsWith('/directory.get')) asked.push(...(request.postDataJSON() as { user_ids: string[] }).user_ids);
  });
  await page.goto('/');
  await signIn(page, account.login, account.password);
  return asked;
}

/** All that the browser keeps for this page, and where it is. */
function keeps(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const all: unknown[] = [location.href, history.state, { ...localStorage }, { ...sessionStorage }];
    const answer = <T>(asking: IDBRequest<T>) =>
      new Promise<T>((done, failed) => {
        asking.addEventListener('success', () => done(asking.result));
        asking.addEventListener('error', () => failed(asking.error));
      });
    for (const { name } of await indexedDB.databases()) {
      const open = await answer(indexedDB.open(name ?? ''));
      for (const store of open.objectStoreNames) all.push(await answer(open.transaction(store).objectStore(store).getAll()));
      open.close();
    }
    return JSON.stringify(all);
  });
}

test('PLAT-i10 a manager adds a bot by keyboard, a tool posts to its address, and everybody sees it as a tool’s', async ({ company, people }) => {
  await begin(company);
  const wang = await people.stranger();
  const asked = await watched(wang, company.wang);
  await goTo(wang, '会话');
  const boss = await opened(await people.signedIn(company.admin));
  await boss.context().grantPermissions(['clipboard-read', 'clipboard-write']);

  await expect(bots(boss).getByText('让构建、监控等工具把消息发到这里')).toBeVisible();
  await addButton(boss).press('Enter');
  const name = boss.getByRole('textbox', { name: '名称' });
  await expect(name).toBeFocused();
  // Enter that belongs to the input method adds nothing.
  const pinyin = await InputMethod.on(name);
  await pinyin.compose('goujian');
  await pinyin.enter();
  await pinyin.commit('构建');
  await expect(name).toHaveValue('构建');
  await expect(kept(boss)).toHaveCount(0);
  await name.press('Enter');

  await expect(sheet(boss, '构建').getByText('地址只显示这一次，知道它的人都能在这里发消息')).toBeVisible();
  const address = await kept(boss).first().innerText();
  expect(address).toMatch(new RegExp(String.raw`^${new URL(boss.url()).origin}/hooks/\S{20,}$`));
  await expect(kept(boss)).toHaveText([address, `curl -d '{"text":"你好"}' ${address}`]);
  await expect(boss.getByRole('button', { name: '复制地址' })).toBeFocused();
  await boss.keyboard.press('Enter');
  await expect.poll(() => boss.evaluate(() => navigator.clipboard.readText())).toBe(address);
  expect(await keeps(boss)).not.toContain('/hooks/');
  await boss.getByRole('button', { name: '完成' }).press('Enter');
  await expect(sheet(boss, '构建')).toHaveCount(0);
  await expect(addButton(boss)).toBeFocused();
  await expect(bot(boss, '构建')).toContainText(`由 ${company.admin.name} 添加`);

  await expect(row(wang, TALK)).toContainText(`${company.admin.name} 添加了机器人“构建”`);
  expect(await posts(address, '#1 失败')).toBe(200);
  await expect(row(wang, TALK)).toContainText('构建: #1 失败');
  await expect(unread(wang, TALK)).toHaveText('1');
  await row(wang, TALK).click();
  await sees(wang, '#1 失败');
  await expect(event(wang, `${company.admin.name} 添加了机器人“构建”`)).toBeVisible();
  expect(await posts(address, '#2 成功')).toBe(200);
  await sees(wang, '#2 成功');
  // One head for both, with the tag, and nowhere to go from it.
  const history = wang.getByTestId('history');
  await expect(history.getByText('构建机器人', { exact: true })).toHaveCount(1);
  await expect(history.locator('a')).toHaveCount(0);
  await expect(said(wang).and(wang.locator('[data-mine]'))).toHaveCount(0);
  await say(wang, '收到');
  await sees(wang, '收到');
  await wang.reload();
  await sees(wang, '#2 成功');
  await expect(composer(wang)).toBeVisible();
  const { items } = await company.api.call<{ items: { bot_id: string }[] }>('bot.list', { conversation_id: wang.url().split('/').at(-1) });
  expect(items).toHaveLength(1);
  await expect.poll(() => asked).toContain(company.li.user_id);
  expect(asked).not.toContain(items[0]!.bot_id);
});

test('PLAT-i10 a member sees the bots and no acts, also when the discussion is over', async ({ company, people }) => {
  const conversation_id = await begin(company);
  const wang = await opened(await people.signedIn(company.wang));
  await expect(wang.getByRole('heading', { name: '成员' })).toBeVisible();
  await expect(bots(wang)).toHaveCount(0);
  // It comes while one looks.
  await company.api.call('bot.create', { conversation_id, name: '监控', signed: true });
  await expect(bot(wang, '监控')).toContainText(`由 ${company.admin.name} 添加 · 要求签名`);
  await expect(bots(wang).getByRole('button')).toHaveCount(0);
  const boss = await opened(await people.signedIn(company.admin));
  await expect(bots(boss).getByRole('button')).toHaveCount(2);
  await company.api.call('conversation.dissolve', { conversation_id });
  await expect(bots(boss).getByRole('button')).toHaveCount(0);
  await expect(bot(boss, '监控')).toBeVisible();
  await expect(bot(wang, '监控')).toBeVisible();
});

test('PLAT-i10 a bot that signs has a secret, and no command that would be refused', async ({ company, people }) => {
  await begin(company);
  const boss = await opened(await people.signedIn(company.admin));
  await addButton(boss).click();
  const dialog = boss.getByRole('dialog', { name: '添加机器人' });
  await dialog.getByLabel('名称').fill('监控');
  await dialog.getByRole('checkbox', { name: '要求签名' }).check();
  await dialog.getByRole('button', { name: '添加', exact: true }).click();
  await expect(sheet(boss, '监控').getByText('签名密钥')).toBeVisible();
  await expect(kept(boss)).toHaveText([/\/hooks\/\S+$/, /^whsec_\S+$/]);
  expect(await posts(await kept(boss).first().innerText(), '没有签名')).toBe(401);
});

test('PLAT-i10 with a new address the old one works for a day or ends at once, as one chooses', async ({ company, people }) => {
  await begin(company);
  const boss = await opened(await people.signedIn(company.admin));
  const first = await adds(boss, '构建');
  await boss.getByRole('button', { name: '完成' }).click();

  await act(boss, '构建', '更换地址');
  const dialog = boss.getByRole('dialog', { name: '更换“构建”的地址' });
  await expect(dialog.getByRole('radio', { name: '旧地址再用 24 小时' })).toBeChecked();
  await dialog.getByRole('button', { name: '更换地址' }).click();
  await expect(sheet(boss, '构建')).toBeVisible();
  const second = await kept(boss).first().innerText();
  expect(second).not.toBe(first);
  expect([await posts(first, '旧的'), await posts(second, '新的')]).toEqual([200, 200]);
  await boss.getByRole('button', { name: '完成' }).click();
  await expect(bots(boss).getByRole('button', { name: '构建 的操作' })).toBeFocused();
  await expect(bot(boss, '构建')).toContainText(/旧地址到 (今天|明天) \d\d:\d\d 失效/);

  await act(boss, '构建', '更换地址');
  await dialog.getByText('旧地址立即失效', { exact: true }).click();
  await dialog.getByRole('button', { name: '更换地址' }).click();
  await expect(sheet(boss, '构建')).toBeVisible();
  const third = await kept(boss).first().innerText();
  expect([await posts(first, '一'), await posts(second, '二'), await posts(third, '三')]).toEqual([404, 404, 200]);
  await boss.getByRole('button', { name: '完成' }).click();
  await expect(bot(boss, '构建')).not.toContainText('旧地址');
});

test('PLAT-i10 a bot that is removed posts no more, and what it said stays', async ({ company, people }) => {
  await begin(company);
  const boss = await opened(await people.signedIn(company.admin));
  const address = await adds(boss, '构建');
  await boss.getByRole('button', { name: '完成' }).click();
  expect(await posts(address, '#1 成功')).toBe(200);
  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await row(wang, TALK).click();
  await sees(wang, '#1 成功');

  await act(boss, '构建', '移除');
  const question = boss.getByRole('dialog', { name: '移除机器人“构建”？' });
  await expect(question.getByText('它的地址立即失效，发过的消息会保留。')).toBeVisible();
  await question.getByRole('button', { name: '移除' }).click();
  await expect(bot(boss, '构建')).toHaveCount(0);
  await expect(addButton(boss)).toBeFocused();
  expect(await posts(address, '#2')).toBe(404);
  await expect(event(wang, `${company.admin.name} 移除了机器人“构建”`)).toBeVisible();
  await sees(wang, '#1 成功');
  await expect(message(wang, '#2')).toHaveCount(0);
});

test('PLAT-i10 what is refused is said in the form, and what was typed stays', async ({ company, people }) => {
  const conversation_id = await begin(company);
  const boss = await opened(await people.signedIn(company.admin));
  for (let n = 1; n <= 20; n += 1) await company.api.patiently<Made>('bot.create', { conversation_id, name: `工具${n}` });
  await expect(bots(boss).getByRole('listitem')).toHaveCount(20);
  await addButton(boss).click();
  const dialog = boss.getByRole('dialog', { name: '添加机器人' });
  const name = dialog.getByLabel('名称');
  const submit = dialog.getByRole('button', { name: '添加', exact: true });
  await submit.click();
  await expect(dialog.getByText('请填写')).toBeVisible();
  await name.fill('字'.repeat(31));
  await expect(dialog.getByText('最多 30 个字')).toBeVisible();
  await name.fill('又一个');
  await submit.click();
  await expect(dialog.getByText('一个讨论组最多 20 个机器人')).toBeVisible();
  await expect(name).toHaveValue('又一个');
  await boss.context().setOffline(true);
  await submit.click();
  await expect(dialog.getByText('没有连上服务器，请检查网络后重试')).toBeVisible();
  await boss.context().setOffline(false);
  await expect(name).toHaveValue('又一个');
  const { items } = await company.api.call<{ items: { bot_id: string }[] }>('bot.list', { conversation_id });
  await company.api.call('bot.remove', { conversation_id, bot_id: items[0]!.bot_id });
  await expect(async () => {
    await submit.click();
    await expect(sheet(boss, '又一个')).toBeVisible({ timeout: 2_000 });
  }).toPass();
});

test('PLAT-i10 pressed again after a lost answer it is the same bot, not another one', async ({ company, people }) => {
  const conversation_id = await begin(company);
  const page = await people.stranger();
  let lost = 0;
  await page.routeWebSocket('**/ws', (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((frame) => {
      server.send(frame);
      const [, method] = JSON.parse(String(frame)) as [number, string];
      if (method !== 'bot.create' || lost > 0) return;
      lost += 1;
      void socket.close({ code: 1011 });
    });
  });
  await page.goto('/');
  await signIn(page, company.admin.login, company.admin.password);
  const boss = await opened(page);
  await addButton(boss).click();
  const dialog = boss.getByRole('dialog', { name: '添加机器人' });
  await dialog.getByLabel('名称').fill('构建');
  await dialog.getByRole('button', { name: '添加', exact: true }).click();
  await expect(dialog.getByText('没有连上服务器，请检查网络后重试')).toBeVisible();
  expect(lost).toBe(1);
  const made = () => company.api.call<{ items: unknown[] }>('bot.list', { conversation_id });
  await expect.poll(async () => (await made()).items.length).toBe(1);
  await dialog.getByRole('button', { name: '添加', exact: true }).click();
  await expect(sheet(boss, '构建')).toBeVisible();
  expect(await posts(await kept(boss).first().innerText(), '好')).toBe(200);
  expect((await made()).items).toHaveLength(1);
});

test('PLAT-i10 bots that do not load say so, and are asked for again', async ({ company, people }) => {
  const conversation_id = await begin(company);
  await company.api.call('bot.create', { conversation_id, name: '构建' });
  const page = await people.stranger();
  const wire = await Wire.on(page);
  await page.goto('/');
  await signIn(page, company.admin.login, company.admin.password);
  wire.hold('bot.list');
  const boss = await opened(page);
  await expect(bots(boss).getByRole('status', { name: '正在加载' })).toBeVisible();
  await expect(addButton(boss)).toBeVisible();
  wire.free();
  wire.fail('bot.list', BROKEN);
  await boss.reload();
  await expect(bots(boss).getByText('机器人没有加载出来')).toBeVisible();
  wire.free();
  await bots(boss).getByRole('button', { name: '重试' }).click();
  await expect(bot(boss, '构建')).toBeVisible();
});

test('PLAT-i10 an address is not lost by accident: leaving its sheet asks, and it is there again', async ({ company, people, hasTouch }) => {
  const conversation_id = await begin(company);
  const boss = await opened(await people.signedIn(company.admin));
  const address = await adds(boss, '构建');
  const left = sheet(boss, '构建').getByRole('alert');
  const stays = async () => {
    await expect(left).toHaveText('关闭后就看不到这个地址了，请先复制。');
    await expect(boss.getByRole('button', { name: '继续查看' })).toBeFocused();
    await boss.keyboard.press('Enter');
    await expect(left).toHaveCount(0);
    await expect(kept(boss).first()).toHaveText(address);
  };
  await boss.keyboard.press('Escape');
  await stays();
  await boss.getByRole('button', { name: '关闭', exact: true }).last().click();
  await stays();
  if (!hasTouch) {
    await boss.mouse.click(5, 5);
    await stays();
    // Where the details lie over the chat, Escape is for the sheet alone.
    await boss.setViewportSize(TABLET);
    await expect(boss.getByRole('dialog', { name: '会话详情' })).toBeVisible();
    await expect(kept(boss).first()).toHaveText(address);
    await boss.keyboard.press('Escape');
    await stays();
    await expect(boss.getByRole('dialog', { name: '会话详情' })).toBeVisible();
  }
  const asking = boss.waitForEvent('dialog');
  await boss.evaluate(() => void setTimeout(() => location.reload()));
  const question = await asking;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  await boss.goBack();
  await expect(sheet(boss, '构建')).toHaveCount(0);
  await boss.goForward();
  await expect(kept(boss).first()).toHaveText(address);
  await boss.keyboard.press('Escape');
  await boss.getByRole('button', { name: '仍然关闭' }).click();
  await expect(kept(boss)).toHaveCount(0);
  boss.on('dialog', () => people.misdeeds.push('asked although the address was put away'));
  await boss.goto(`/chats/${conversation_id}/details`);
  await expect(bot(boss, '构建')).toBeVisible();
  await expect(kept(boss)).toHaveCount(0);
});

test('PLAT-i10 what is seen of bots is usable for everybody and fits, in the dark, at other widths and in English too', async ({ server, company, people, hasTouch }) => {
  const conversation_id = await begin(company);
  const made = async (name: string, signed: boolean) => server.url + (await company.api.call<Made>('bot.create', { conversation_id, name, signed })).path;
  const build = await made('构建', false);
  await made('生产环境监控与告警（华东一区、华东二区、华南一区）值班', true);
  expect(await posts(build, '#2381 失败\nhttps://ci.example.com/job/backend/2381')).toBe(200);
  const boss = await people.signedIn(company.admin);
  await goTo(boss, '会话');
  await row(boss, TALK).click();
  await sees(boss, '#2381 失败');
  const found: string[] = [];
  const looksAt = async (name: string, alsoOtherwise: boolean) => {
    found.push(...(await audit(boss, name)), ...(await misfits(boss, name)));
    await boss.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    found.push(...(await audit(boss, `${name} in the dark`, ['color-contrast'])));
    await boss.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    if (alsoOtherwise) found.push(...(await otherwise(boss, name, hasTouch ? 'phone' : 'desk')));
  };
  await boss.emulateMedia({ reducedMotion: 'reduce' });
  await looksAt('chat', true);
  await openDetails(boss);
  await expect(bot(boss, '构建')).toBeVisible();
  await looksAt('details', true);
  await addButton(boss).click();
  await expect(boss.getByRole('textbox', { name: '名称' })).toBeFocused();
  await looksAt('add', false);
  await boss.keyboard.press('Escape');
  await act(boss, '构建', '更换地址');
  await expect(boss.getByRole('dialog', { name: '更换“构建”的地址' })).toBeVisible();
  await looksAt('renew', false);
  await boss.getByRole('dialog').getByRole('button', { name: '更换地址' }).click();
  await expect(sheet(boss, '构建')).toBeVisible();
  await looksAt('sheet', true);
  expect(found).toEqual([]);
});
