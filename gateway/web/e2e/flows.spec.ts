// Longer stories: one is away while both write, one is sent out of a discussion in mid-sentence, a
// discussion of ten thousand messages.
import type { Page } from '@playwright/test';

import { Api } from './api';
import { composer, createDiscussion, goTo, openChatWith, openDetails, row, said, say, sees, unread } from './screens';
import { expect, PASSWORD, test } from './world';

test('IM-i03 one is offline while both write, and returns: order and unread are right', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  await say(wang, '出发前');
  await sees(li, '出发前');
  const there = li.getByRole('main').getByText('在线', { exact: true });
  await expect(there).toBeVisible();
  await goTo(li, '会话');

  await li.context().setOffline(true);
  await expect(li.getByText(/网络已断开|正在重新连接/)).toBeVisible({ timeout: 120_000 });
  await say(wang, '路上一');
  await say(wang, '路上二');
  await sees(wang, '路上二');
  await row(li, company.wang.name).click();
  await say(li, '没有网络时写的');
  await sees(li, '没有网络时写的');
  // Nobody knows who is there while the line is lost.
  await expect(there).toHaveCount(0);
  await goTo(li, '会话');
  await expect(unread(li, company.wang.name)).toHaveCount(0);

  await li.context().setOffline(false);
  await sees(wang, '没有网络时写的');
  const inOrder = ['出发前', '路上一', '路上二', '没有网络时写的'];
  await row(li, company.wang.name).click();
  for (const page of [wang, li]) {
    await expect(said(page)).toHaveCount(inOrder.length);
    for (const [at, text] of inOrder.entries()) await expect(said(page).nth(at)).toContainText(text);
  }
  await expect(there).toBeVisible();
  await goTo(wang, '会话');
  await say(li, '到了');
  await expect(unread(wang, company.li.name)).toHaveText('1');
  await goTo(li, '会话');
  await expect(unread(li, company.wang.name)).toHaveCount(0);
});

test('who is removed from a discussion while typing is told so and keeps what was typed', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await createDiscussion(boss, '报价', [company.wang.name, company.li.name]);
  await say(boss, '请看报价');
  await row(wang, '报价').click();
  await sees(wang, '请看报价');
  await composer(wang).fill('我认为这个价格');

  await openDetails(boss);
  await boss.getByRole('button', { name: `${company.wang.name} 的操作` }).click();
  await boss.getByRole('menuitem', { name: '移出讨论' }).click();
  await boss.getByRole('dialog', { name: /移出/ }).getByRole('button', { name: '移出讨论' }).click();
  await expect(wang.getByText('你已不在“报价”中')).toBeVisible();
  await expect(wang.getByText('我认为这个价格')).toBeVisible();
  await expect(wang.getByText('请看报价')).toHaveCount(0);
});

const MANY = 10_000;
const AUTHORS = 40;
/** As many are written at once, each by another author: nobody meets the limit of calls for long. */
const TEXT = (n: number) => `第${n}条 ${'这是一条消息。'.repeat(1 + (n % 5))}`;

test('ten thousand messages open at the oldest unread one and scroll without a jump', async ({ server, company, people }) => {
  // Writing them takes about a minute where nothing else runs.
  test.setTimeout(400_000);
  const authors = [];
  for (let at = 0; at < AUTHORS; at += 1) {
    const account = await company.api.addColleague(`同事${at}`, `many${at}`, PASSWORD);
    const api = new Api(server);
    await api.signIn(account.login, PASSWORD);
    authors.push({ id: account.user_id, api });
  }
  const { conversation_id } = await company.api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name: '大事记',
    user_ids: [company.wang.user_id, ...authors.map((author) => author.id)],
  });
  await Promise.all(
    authors.map(async ({ api }, at) => {
      for (let n = at; n < MANY; n += AUTHORS) {
        await api.patiently('message.send', { conversation_id, client_msg_id: `many-${n}`, text: TEXT(n) });
      }
    }),
  );

  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await expect(unread(wang, '大事记')).toHaveText('99+');
  await row(wang, '大事记').click();
  // It opens at the first unread one, which is the oldest of all.
  await expect(wang.getByText('以下是新消息')).toBeVisible();
  await wang.getByRole('button', { name: /条新消息/ }).click();
  await expect.poll(async () => (await topmost(wang)).seq, { message: 'the newest are shown' }).toBeGreaterThan(MANY - 100);

  const history = wang.getByTestId('history');
  for (let page = 0; page < 12; page += 1) {
    // Where older ones are still on their way there is nothing above to scroll to.
    await expect.poll(() => history.evaluate((list) => list.scrollTop)).toBeGreaterThan(0);
    await settled(wang);
    const before = await topmost(wang);
    await history.evaluate((list) => list.scrollBy(0, -1_500));
    await expect.poll(async () => (await topmost(wang)).seq, { message: 'it goes back in time' }).toBeLessThan(before.seq);
    await settled(wang);
    expect(before.seq - (await topmost(wang)).seq, 'and never leaps').toBeLessThan(100);
    expect(await said(wang).count(), 'only what can be seen is drawn').toBeLessThan(120);
  }
  // Older ones came in above meanwhile: what one looks at stays where it is.
  const here = await topmost(wang);
  await wang.waitForFunction(() => document.querySelector('[data-testid="history"] ~ [role="status"]') === null);
  const still = await place(wang, here.seq);
  expect(Math.abs(still - here.top)).toBeLessThanOrEqual(1);
});

interface Seen {
  seq: number;
  top: number;
}

/** The first message that can be seen whole, and where; waits while none can be. */
async function topmost(page: Page): Promise<Seen> {
  const seen = await page.waitForFunction(() => {
    const list = document.querySelector('[data-testid="history"]');
    const edge = list?.getBoundingClientRect().top ?? 0;
    const all = [...(list?.querySelectorAll<HTMLElement>('[data-testid="message"]') ?? [])];
    const tops = all.map((one) => ({ seq: Number(one.dataset['seq']), top: one.getBoundingClientRect().top }));
    return tops.filter((one) => one.top >= edge).toSorted((a, b) => a.top - b.top)[0];
  });
  const found = await seen.jsonValue();
  if (!found) throw new Error('no message is drawn');
  return found;
}

async function place(page: Page, seq: number): Promise<number> {
  return page.locator(`[data-testid="message"][data-seq="${seq}"]`).evaluate((one) => one.getBoundingClientRect().top);
}

/** Two frames without a change of what is drawn. */
async function settled(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((done) => {
        let last = '';
        const look = () => {
          const list = document.querySelector('[data-testid="history"]');
          const now = `${list?.scrollTop} ${list?.scrollHeight}`;
          if (now === last) done();
          else requestAnimationFrame(look);
          last = now;
        };
        requestAnimationFrame(look);
      }),
  );
}
