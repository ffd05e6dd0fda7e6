// Staying where one is: a reload, an address from a colleague, the keyboard, another device that ends this one.
import { composer, goTo, openChatWith, row, said, say, sees, signIn, unread } from './screens';
import { expect, PASSWORD, test } from './world';

test('a reload stays in the chat, and its address can be opened after signing in', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '看这里');
  await sees(wang, '看这里');
  await wang.reload();
  await sees(wang, '看这里');

  const li = await people.stranger();
  await li.goto(wang.url());
  await signIn(li, company.li.login, PASSWORD);
  await sees(li, '看这里');
});

test('what was read is read, however soon one closes the page', async ({ company, people }) => {
  const li = await people.signedIn(company.li);
  await openChatWith(li, company.wang.name);
  await say(li, '一眼看完');
  const wang = await people.signedIn(company.wang);
  await expect(unread(wang, company.li.name)).toHaveText('1');
  await row(wang, company.li.name).click();
  // Gone on this screen at once, told to the server a moment later: the page is left in between.
  await expect(wang.getByTestId('message')).toHaveText('一眼看完');
  await expect(unread(wang, company.li.name)).toHaveCount(0);
  // A phone shows no list beside a chat; the title counts on both.
  await expect(wang).not.toHaveTitle(/\d/);
  await wang.goto('about:blank');
  await expect(li.getByText('已读')).toBeVisible();
});

test('what is typed into a new chat goes into the field that stays', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await wang.evaluate(() => {
    const fields = new Set<Element>();
    new MutationObserver(() => {
      for (const field of document.querySelectorAll('textarea')) fields.add(field);
      document.documentElement.dataset['fields'] = String(fields.size);
    }).observe(document.body, { childList: true, subtree: true });
  });
  await openChatWith(wang, company.li.name);
  await say(wang, '第一句');
  await expect(said(wang)).toHaveText('第一句');
  await expect(wang.locator('html')).toHaveAttribute('data-fields', '1');
});

test('an address of a chat one is not in says so and shows nothing of it', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '只给李娜看');
  await sees(wang, '只给李娜看');

  const boss = await people.signedIn(company.admin);
  await boss.goto(new URL(wang.url()).pathname);
  await expect(boss.getByText('这个会话不存在，或者你已不在其中')).toBeVisible();
  await expect(said(boss)).toHaveCount(0);
});

test('ACCT-i08 a device that is ended from another one is signed out at once and keeps its draft', async ({
  company,
  people,
}) => {
  const here = await people.signedIn(company.wang);
  const there = await people.signedIn(company.wang);
  await openChatWith(there, company.li.name);
  await say(there, '第一句');
  await sees(there, '第一句');
  await composer(there).fill('写到一半');

  await goTo(here, '我');
  await here.getByRole('link', { name: '登录设备' }).click();
  await here.getByRole('button', { name: '退出其他所有设备' }).click();
  await expect(there.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  await signIn(there, company.wang.login, PASSWORD);
  await expect(composer(there)).toHaveValue('写到一半');
});

test('signing out leaves nothing to read on the device', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '私事');
  await sees(wang, '私事');
  const address = wang.url();
  await goTo(wang, '我');
  await wang.getByRole('button', { name: '退出登录' }).click();
  await wang.getByRole('dialog').getByRole('button', { name: '退出登录' }).click();
  await expect(wang.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  await wang.goto(address);
  await expect(wang.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  await expect(wang.getByText('私事')).toHaveCount(0);
});

test('with the keyboard alone one finds a colleague and writes', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await goTo(li, '会话');
  await expect(wang.getByRole('navigation', { name: '主导航' })).toBeVisible();
  await wang.keyboard.press('Control+k');
  await expect(wang.getByRole('combobox', { name: '找人或会话' })).toBeFocused();
  await wang.keyboard.type('lina');
  await expect(wang.getByRole('option', { name: /李娜/ })).toBeVisible();
  await wang.keyboard.press('Enter');
  await expect(composer(wang)).toBeVisible();
  await composer(wang).focus();
  await wang.keyboard.type('不用鼠标');
  await wang.keyboard.press('Enter');
  await row(li, company.wang.name).click();
  await sees(li, '不用鼠标');
});

test('a server that is away is named, and the line leaves by itself when it is back', async ({ server, company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await server.kill();
  await expect(wang.getByText('正在重新连接…')).toBeVisible();
  await server.start();
  await expect(wang.getByText('正在重新连接…')).toHaveCount(0, { timeout: 15_000 });
});

test('who does not want to wait for a server that is back connects at once', async ({ server, company, people }) => {
  const wang = await people.stranger();
  await wang.clock.install();
  await wang.goto('/');
  await signIn(wang, company.wang.login, company.wang.password);
  await openChatWith(wang, company.li.name);
  // From here on no timer of the page runs by itself: only the button can bring the connection back.
  await wang.clock.pauseAt(Date.now() + 60_000);
  await server.kill();
  // The page hears of it when it does; its time goes on only as far as it takes to say so.
  await expect(async () => {
    await wang.clock.runFor(1_000);
    await expect(wang.getByText('正在重新连接…')).toBeVisible({ timeout: 100 });
  }).toPass();
  await server.start();
  await wang.getByRole('button', { name: '立即重连' }).click();
  await expect(wang.getByText('正在重新连接…')).toHaveCount(0);
});

test('the address of a chat that has begun names nobody, and is nothing to a third person', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await expect(wang).toHaveURL(/\?with=/);
  const address = wang.url();
  await say(wang, '只有我们');
  await expect(wang).toHaveURL(address.split('?')[0] ?? '');
  const zhang = await people.signedIn(company.admin);
  await zhang.goto(address);
  await expect(zhang.getByText('这个会话不存在')).toBeVisible();
  await expect(zhang.getByText('只有我们')).toHaveCount(0);
});

test('a session that ends in the middle of work takes nothing of it away', async ({ company, people }) => {
  const here = await people.signedIn(company.admin);
  const there = await people.signedIn(company.admin);
  await goTo(there, '通讯录');
  await there.getByRole('button', { name: '添加同事' }).first().click();
  await there.getByText('批量添加').click();
  await there.getByLabel('粘贴名单').fill('赵敏 zhaomin\n周强 zhouqiang');

  await goTo(here, '我');
  await here.getByRole('link', { name: '登录设备' }).click();
  await here.getByRole('button', { name: '退出其他所有设备' }).click();
  await expect(there.getByText('登录已过期')).toBeVisible();
  await expect(there.getByLabel('粘贴名单')).toBeHidden();
  // By role: what stands behind the door is there, and hidden.
  await expect(there.getByRole('textbox', { name: '帐号' })).toHaveValue(company.admin.login);
  await there.getByLabel('密码', { exact: true }).fill(PASSWORD);
  await there.getByRole('button', { name: '登录', exact: true }).click();
  await expect(there.getByLabel('粘贴名单')).toHaveValue('赵敏 zhaomin\n周强 zhouqiang');
  await there.getByRole('button', { name: '全部添加' }).click();
  await expect(there.getByText('已添加 2 人')).toBeVisible();
});

test('whoever signs in after somebody else finds nothing of theirs', async ({ company, people }) => {
  const here = await people.signedIn(company.wang);
  const there = await people.signedIn(company.wang);
  await openChatWith(there, company.li.name);
  await say(there, '私事');
  await sees(there, '私事');
  await composer(there).fill('写到一半');
  await goTo(here, '我');
  await here.getByRole('link', { name: '登录设备' }).click();
  await here.getByRole('button', { name: '退出其他所有设备' }).click();
  await expect(there.getByText('登录已过期')).toBeVisible();
  await there.getByLabel('帐号').fill(company.admin.login);
  await there.getByLabel('密码', { exact: true }).fill(PASSWORD);
  await there.getByRole('button', { name: '登录', exact: true }).click();
  await expect(there.getByText('这个会话不存在')).toBeVisible();
  await expect(there.getByText('私事')).toHaveCount(0);
  await expect(there.getByText('写到一半')).toHaveCount(0);
});

test('whoever is known here gets what stands behind the door beside the first script, a stranger does not', async ({ company, people }) => {
  const wang = await people.stranger();
  await wang.goto('/');
  await expect(wang.getByLabel('密码')).toBeVisible();
  const ahead = wang.locator('link[rel=modulepreload][href*="/Shell-"]');
  await expect(ahead).toHaveCount(0);
  await signIn(wang, company.wang.login, company.wang.password);
  await expect(wang.getByRole('navigation', { name: '主导航' })).toBeVisible();
  await wang.reload();
  // Asked for by the early script, before there is anything that could.
  await expect(wang.locator('head > link[rel=modulepreload][href*="/Shell-"]').first()).toBeAttached();
});
