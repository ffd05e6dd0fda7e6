// What the server could not do. A sound server has no way to fail on purpose, so what it lists is played here by a hand on
// the line (`looks/wire.ts`); an empty list is the server's own.
import type { Page } from '@playwright/test';

import { Wire } from './looks/wire';
import { signIn } from './screens';
import { type Company, expect, type People, test } from './world';

// A worker of the page would fetch past the hand on the line.
test.use({ serviceWorkers: 'block' });

const LIST = 'admin.dead_letter.list';
const RETRY = 'admin.dead_letter.retry';
const BUSY = { status: 503, class: 'unavailable', code: 'store_full', message: { zh: '服务器的磁盘满了', en: 'The disk is full' } };

interface Letter {
  letter_id: string;
  what: 'job' | 'effect' | 'parked';
  kind: string;
  code: string;
  home: string;
  at: number;
  caused_at: number;
}

function letter(n: number, part: Partial<Letter>): Letter {
  const at = Date.now() - 60_000;
  return { letter_id: `${n}.0.`, what: 'effect', kind: 'audit.noted', code: 'refused', home: '', at, caused_at: at - 9_000, ...part };
}

interface Played {
  tried: string[];
  letters: Letter[];
}

/** The list as the server keeps it, page by page; a try takes away what is not parked. */
function play(wire: Wire, letters: Letter[]): Played {
  const played: Played = { tried: [], letters };
  wire.answer(LIST, (params) => {
    const { limit, cursor = '0' } = params as { limit: number; cursor?: string };
    const end = Number(cursor) + limit;
    const items = played.letters.slice(Number(cursor), end);
    return { items, ...(end < played.letters.length ? { next: String(end) } : {}) };
  });
  wire.answer(RETRY, (params) => {
    const { letter_id } = params as { letter_id: string };
    played.tried.push(letter_id);
    played.letters = played.letters.filter((one) => one.what === 'parked' || one.letter_id !== letter_id);
    return {};
  });
  return played;
}

async function administrator(people: People, company: Company): Promise<{ page: Page; wire: Wire }> {
  const page = await people.stranger();
  const wire = await Wire.on(page);
  await page.goto('/');
  await signIn(page, company.admin.login, company.admin.password);
  await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
  return { page, wire };
}

test('where nothing failed the page says so, and a failure leads there from the overview', async ({ company, people }) => {
  const { page, wire } = await administrator(people, company);
  await page.goto('/admin');
  await page.getByRole('link', { name: '失败的任务' }).click();
  await expect(page).toHaveURL(/\/admin\/failed$/);
  await expect(page.getByText('没有失败的任务')).toBeVisible();
  await expect(page.getByRole('button', { name: /重试/ })).toHaveCount(0);

  await page.goto('/admin/overview');
  const tile = page.getByRole('main').locator('dl > div').filter({ hasText: '失败的任务' });
  await expect(tile).toContainText('一切正常');
  await expect(tile.getByRole('link')).toHaveCount(0);
  const high = (await tile.boundingBox())?.height;
  const sound = await company.api.call<{ work: object }>('admin.overview.get', {});
  wire.answer('admin.overview.get', () => ({ ...sound, work: { ...sound.work, dead: 2 } }));
  play(wire, [letter(1, {}), letter(2, { kind: 'of.no.kind' })]);
  await page.goto('/admin/overview');
  await expect(tile).toContainText('放弃 2');
  expect((await tile.boundingBox())?.height).toBe(high);
  await tile.getByRole('link', { name: '需要处理' }).click();
  const rows = page.getByTestId('letter');
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText('写入审计日志');
  // What this client has no word for is named all the same.
  await expect(rows.last()).toContainText('后台处理');
  await expect(rows.last()).toContainText(/of\.no\.kind.*refused/);
});

test('what failed is told in words and tried again, and what waits behind it goes with it', async ({ company, people }) => {
  const { page, wire } = await administrator(people, company);
  const home = `user:${company.wang.user_id}`;
  const played = play(wire, [
    letter(1, { what: 'parked', kind: 'conversation.left', home }),
    letter(2, { what: 'parked', kind: 'message.sent', code: 'waits_behind_another', home }),
    letter(3, { what: 'job', kind: 'audit.forget', code: 'internal', home: 'audit:main' }),
    letter(4, { what: 'effect', kind: 'person.complete' }),
  ]);
  await page.goto('/admin/failed');
  const rows = page.getByTestId('letter');
  await expect(rows).toHaveCount(3);
  const left = rows.filter({ hasText: '把会话移出退出成员的列表' });
  await expect(left).toContainText('受阻');
  await expect(left).toContainText('涉及 王芳');
  await expect(left.getByText('记录发送者的已读位置')).toBeHidden();
  await left.getByText('后面有 1 项在等它').click();
  await expect(left.getByText('记录发送者的已读位置')).toBeVisible();
  await expect(rows.filter({ hasText: '删除超过期限的审计记录' })).toContainText('已停下');

  // With keys: the focus stays in the list when a row goes.
  const job = page.getByRole('button', { name: '重试：删除超过期限的审计记录' });
  await job.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('已重新开始：删除超过期限的审计记录')).toBeVisible();
  await expect(rows).toHaveCount(2);
  expect(played.tried).toEqual(['3.0.']);
  await expect(page.getByRole('button', { name: '重试：完成同事的添加' })).toBeFocused();

  // Refused again it stays; done, all that waited for it is gone too.
  const parked = page.getByRole('button', { name: '重试：把会话移出退出成员的列表' });
  await parked.click();
  await expect(page.getByText('还没有做成：把会话移出退出成员的列表')).toBeVisible();
  await expect(rows).toHaveCount(2);
  await expect(parked).toBeEnabled();
  await parked.click();
  await expect(parked).toBeDisabled();
  played.letters = played.letters.filter(({ what }) => what !== 'parked');
  await expect(page.getByText('已完成：把会话移出退出成员的列表')).toBeVisible();
  await expect(rows).toHaveCount(1);
  await page.getByRole('button', { name: '重试：完成同事的添加' }).click();
  await expect(page.getByText('没有失败的任务')).toBeVisible();
});

test('all are tried one after the other, and the first that is refused stops it with its reason', async ({ company, people }) => {
  const { page, wire } = await administrator(people, company);
  const many = Array.from({ length: 60 }, (_, n) => letter(n, {}));
  const played = play(wire, many);
  await page.goto('/admin/failed');
  const rows = page.getByTestId('letter');
  await expect(rows).toHaveCount(50);
  await expect(page.getByRole('button', { name: '重试已加载的 50 项' })).toBeVisible();
  await page.getByRole('button', { name: '加载更多' }).click();
  await expect(rows).toHaveCount(60);

  const all = page.getByRole('button', { name: '全部重试' });
  wire.fail(RETRY, BUSY);
  await all.click();
  await expect(page.getByRole('alert').filter({ hasText: '第 1 项' })).toContainText('服务器的磁盘满了');
  await expect(rows).toHaveCount(60);
  expect(played.tried).toEqual([]);
  wire.free();
  const again = play(wire, played.letters);
  await all.click();
  await expect(page.getByText('已重试 60 项')).toBeVisible();
  expect(again.tried).toEqual(many.map(({ letter_id }) => letter_id));
  await expect(page.getByText('没有失败的任务')).toBeVisible();
});

test('a list that does not come is asked for again, and a colleague sees none', async ({ company, people }) => {
  const { page, wire } = await administrator(people, company);
  wire.fail(LIST, BUSY);
  await page.goto('/admin/failed');
  await expect(page.getByText('失败的任务加载失败')).toBeVisible();
  await expect(page.getByText('服务器的磁盘满了')).toBeVisible();
  wire.free();
  await page.getByRole('button', { name: '重试' }).click();
  await expect(page.getByText('没有失败的任务')).toBeVisible();

  const wang = await people.signedIn(company.wang);
  for (const path of ['/admin/failed', '/admin/storage']) {
    await wang.goto(path);
    await expect(wang.getByText('只有管理员可以查看')).toBeVisible();
  }
});
