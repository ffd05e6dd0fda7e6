// What files take of the disk, what is allowed of it, and what a decision takes away.
import type { Locator, Page } from '@playwright/test';

import { Api } from './api';
import { painted } from './looks/png';
import { Wire } from './looks/wire';
import { choose, openChatWith, said, signIn } from './screens';
import type { Server } from './server';
import { type Company, expect, PASSWORD, test } from './world';

// A worker of the page would fetch past the hand on the line.
test.use({ serviceWorkers: 'block' });

const MB = 1024 ** 2;

interface Figures {
  images: { files: number };
  files: { files: number };
  uploading: { files: number };
  quota_bytes?: number;
  file_days?: number;
}

const figures = (company: Company) => company.api.call<Figures>('admin.storage.get', {});

/** The books follow behind the answers. */
async function booked(company: Company, ...wanted: [images: number, files: number, uploading: number]): Promise<void> {
  await expect
    .poll(async () => {
      const { images, files, uploading } = await figures(company);
      return [images.files, files.files, uploading.files];
    })
    .toEqual(wanted);
}

async function voice(server: Server, account: Company['wang']): Promise<Api> {
  const api = new Api(server);
  await api.signIn(account.login, PASSWORD);
  return api;
}

/** An upload that does not go on. */
const begins = (api: Api, size: number) => api.patiently('file.begin', { name: '方案.zip', size, purpose: 'message' });

const kind = (page: Page, name: string): Locator => page.getByRole('main').locator('dl > div').filter({ hasText: name });
const person = (page: Page, name: string): Locator => page.getByTestId('storage-person').filter({ hasText: name });
const quota = (page: Page): Locator => page.getByLabel('每人上限');
const days = (page: Page): Locator => page.getByLabel('图片和文件保留');
const save = (page: Page): Locator => page.getByRole('button', { name: '保存', exact: true });

test('PLAT-i20 an administrator sees what files take, by kind and by person', async ({ company, people, server }) => {
  const zhang = await people.signedIn(company.admin);
  await zhang.goto('/admin');
  await zhang.getByRole('link', { name: '存储' }).click();
  await expect(zhang).toHaveURL(/\/admin\/storage$/);
  await expect(zhang.getByText('还没有人发送图片和文件')).toBeVisible();
  await expect(kind(zhang, '磁盘剩余')).toContainText(/\d (GB|TB)/);

  const wang = await voice(server, company.wang);
  await company.api.upload('展台.png', new Uint8Array(painted(320, 200, () => 0x0b7a75)));
  await wang.upload('报价.txt', new Uint8Array(1.5 * MB));
  await wang.upload('合同.txt', new Uint8Array(0.5 * MB));
  await begins(wang, 3 * MB);
  await booked(company, 1, 2, 1);
  await zhang.reload();
  await expect(kind(zhang, '图片')).toContainText('1 个');
  await expect(kind(zhang, '其他文件')).toContainText('2 个2 MB');
  await expect(kind(zhang, '上传中')).toContainText('1 个3 MB');
  const rows = zhang.getByTestId('storage-person');
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText('王芳');
  await expect(rows.first()).toContainText('5 MB');
  await expect(rows.first()).toContainText(/其他文件 2 MB.*上传中 3 MB/);
  await expect(rows.last()).toContainText(/张伟.*图片/);
  await rows.first().getByRole('link').click();
  await expect(zhang.getByRole('button', { name: '停用帐号' })).toBeVisible();

  // What is begun meanwhile comes by itself while one looks.
  await zhang.goto('/admin/storage');
  await expect(kind(zhang, '上传中')).toContainText('1 个');
  await begins(wang, MB);
  await expect(kind(zhang, '上传中')).toContainText('2 个4 MB');
});

test('PLAT-i20 a quota is decided on the page; who reaches it reads why and sends once there is room', async ({ company, people, server }) => {
  await company.api.call('admin.storage.set', { quota_bytes: 100 * MB, file_days: 45 });
  await begins(await voice(server, company.wang), 95 * MB);
  await booked(company, 0, 0, 1);
  const zhang = await people.signedIn(company.admin);
  await zhang.goto('/admin/storage');
  // What a script decided is one more choice.
  await expect(quota(zhang).locator('option:checked')).toHaveText('100 MB');
  await expect(days(zhang).locator('option:checked')).toHaveText('45 天');
  await expect(save(zhang)).toBeDisabled();
  await expect(person(zhang, '王芳')).toContainText('将满');
  await expect(person(zhang, '王芳')).toContainText('上限的 95%');

  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await choose(wang, { name: '录像.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(6 * MB) });
  const upload = wang.getByTestId('upload');
  await expect(upload).toContainText('您的文件已占 95 MB，上限为 100 MB');
  await expect(upload).toHaveAttribute('data-state', 'failed');

  await quota(zhang).selectOption({ label: '1 GB' });
  await save(zhang).click();
  await expect(zhang.getByText('已保存', { exact: true })).toBeVisible();
  await expect(save(zhang)).toBeDisabled();
  await expect(person(zhang, '王芳')).not.toContainText('将满');
  await expect(person(zhang, '王芳')).toContainText('上限的 9%');
  // Both are decided together: the other one stays.
  expect(await figures(company)).toMatchObject({ quota_bytes: 1024 * MB, file_days: 45 });
  await upload.getByRole('button', { name: '重试 录像.bin' }).click();
  await expect(said(wang)).toHaveAttribute('data-state', 'sent');
  await booked(company, 0, 1, 1);
});

test('PLAT-i20 who keeps files for a shorter time is told what goes, and asked before it goes', async ({ company, people }) => {
  const zhang = await people.stranger();
  const wire = await Wire.on(zhang);
  await zhang.goto('/');
  await signIn(zhang, company.admin.login, PASSWORD);
  await expect(zhang.getByRole('navigation', { name: '主导航' })).toBeVisible();
  await zhang.goto('/admin/storage');
  await expect(days(zhang)).toHaveValue('');

  // Nothing is as old: with keys alone, and nothing is asked.
  await days(zhang).focus();
  await days(zhang).selectOption('365');
  await expect(zhang.getByText('目前没有超过 365 天的图片和文件。')).toBeVisible();
  await zhang.keyboard.press('Tab');
  await expect(save(zhang)).toBeFocused();
  await zhang.keyboard.press('Enter');
  await expect(zhang.getByText('已保存，超期的文件会在一小时内删除')).toBeVisible();
  await expect.poll(async () => (await figures(company)).file_days).toBe(365);

  // A server of this test has no old files: the count is played.
  wire.answer('admin.storage.preview', () => ({ files: 1_204, bytes: 3.4 * 1024 * MB }));
  await expect(save(zhang)).toBeDisabled();
  await days(zhang).selectOption('30');
  await expect(zhang.getByText('会永久删除 1,204 个文件（3.4 GB）')).toBeVisible();
  await save(zhang).click();
  const dialog = zhang.getByRole('dialog', { name: '永久删除 1,204 个文件？' });
  await expect(dialog).toContainText('30 天以前的 1,204 个图片和文件（3.4 GB）');
  await dialog.getByRole('button', { name: '取消' }).click();
  await expect(dialog).toHaveCount(0);
  expect((await figures(company)).file_days).toBe(365);
  await save(zhang).click();
  await dialog.getByRole('button', { name: '保存并删除' }).click();
  await expect(dialog).toHaveCount(0);
  expect((await figures(company)).file_days).toBe(30);

  // Longer takes nothing away, and where the count does not come one is asked all the same.
  await days(zhang).selectOption('');
  await save(zhang).click();
  await expect.poll(async () => (await figures(company)).file_days).toBeUndefined();
  await expect(save(zhang)).toBeDisabled();
  wire.fail('admin.storage.preview', { status: 503, class: 'unavailable', code: 'busy', message: { zh: '服务器正忙', en: 'Busy' } });
  await days(zhang).selectOption('90');
  await expect(zhang.getByText('暂时算不出会删除多少')).toBeVisible();
  await save(zhang).click();
  await expect(zhang.getByRole('dialog', { name: '永久删除超过 90 天的文件？' })).toBeVisible();
  await zhang.keyboard.press('Escape');
  await expect(zhang.getByRole('dialog')).toHaveCount(0);
});

test('PLAT-i20 people come page by page, the largest first, and the page of retention leads to files', async ({ company, people }) => {
  const zhang = await people.stranger();
  const wire = await Wire.on(zhang);
  const user_ids = [company.wang.user_id, company.li.user_id, company.admin.user_id];
  const uses = user_ids.map((user_id, at) => {
    const bytes = (9 - at) * MB;
    const none = { files: 0, bytes: 0 };
    return { user_id, images: none, files: { files: 1, bytes }, uploading: none, bytes };
  });
  wire.answer('admin.storage.people', (params) => {
    const { cursor = '0' } = params as { cursor?: string };
    // 李娜 uploads meanwhile, and would come twice.
    const items = uses.slice(Math.max(0, Number(cursor) - 1), Number(cursor) + 2);
    return { items, ...(cursor === '0' ? { next: '2' } : {}) };
  });
  await zhang.goto('/');
  await signIn(zhang, company.admin.login, PASSWORD);
  await expect(zhang.getByRole('navigation', { name: '主导航' })).toBeVisible();
  await zhang.goto('/admin/retention');
  await expect(zhang.getByText('在“存储”页决定')).toBeVisible();
  await zhang.getByRole('link', { name: '图片和文件的保留期限' }).click();
  await expect(zhang).toHaveURL(/\/admin\/storage$/);
  const rows = zhang.getByTestId('storage-person');
  await expect(rows).toHaveCount(2);
  await zhang.getByRole('button', { name: '加载更多' }).click();
  await expect(rows).toHaveCount(3);
  await expect(rows).toContainText(['王芳', '李娜', '张伟']);
  await expect(zhang.getByRole('button', { name: '加载更多' })).toHaveCount(0);
});
