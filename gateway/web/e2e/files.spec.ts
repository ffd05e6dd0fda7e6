// Pictures and files in a conversation: chosen, pasted and dropped, seen and saved by the other one, refused in words.
import { readFile } from 'node:fs/promises';

import type { Locator, Page } from '@playwright/test';

import { painted } from './looks/png';
import { choose, composer, goTo, openChatWith, row, said, say, sees } from './screens';
import { expect, test } from './world';

const WIDTH = 640;
const HEIGHT = 400;
/** With every kind of byte, and longer than one part. */
const BYTES = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

/** A picture with a colour that changes from left to right. */
function png(width: number, height: number): Buffer {
  return painted(width, height, (x, y) => ((x & 0xff) << 16) | (120 << 8) | (y & 0xff));
}

function picture(page: Page, name: string): Locator {
  return said(page).getByRole('img', { name, exact: true });
}

async function naturalSize(image: Locator): Promise<{ width: number; height: number }> {
  await expect.poll(() => image.evaluate((one: HTMLImageElement) => one.complete && one.naturalWidth > 0)).toBe(true);
  return image.evaluate((one: HTMLImageElement) => ({ width: one.naturalWidth, height: one.naturalHeight }));
}

async function saved(page: Page, act: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const coming = page.waitForEvent('download');
  await act();
  const download = await coming;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

test('a picture and a file reach the other one whole, and both stand after a reload', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  const image = { name: '展会.png', mimeType: 'image/png', buffer: png(WIDTH, HEIGHT) };
  await choose(wang, image, { name: '报价单 2026.txt', mimeType: 'text/plain', buffer: BYTES });

  const seen = picture(li, '展会.png');
  await expect(seen).toBeVisible();
  expect(await naturalSize(seen)).toEqual({ width: WIDTH, height: HEIGHT });
  const box = await seen.boundingBox();
  expect((box?.width ?? 0) / (box?.height ?? 1)).toBeCloseTo(WIDTH / HEIGHT, 1);
  expect(box?.width).toBeLessThanOrEqual(320);
  await expect(said(li)).toHaveCount(2);
  await expect(said(wang)).toHaveCount(2);
  await expect(wang.getByTestId('upload')).toHaveCount(0);

  const file = li.getByRole('button', { name: /下载文件 报价单 2026\.txt/ });
  const first = await saved(li, () => file.click());
  expect(first.name).toBe('报价单 2026.txt');
  expect(first.bytes.equals(BYTES)).toBe(true);

  for (const page of [wang, li]) {
    await page.reload();
    expect(await naturalSize(picture(page, '展会.png'))).toEqual({ width: WIDTH, height: HEIGHT });
    await expect(page.getByRole('button', { name: /下载文件 报价单 2026\.txt 684 KB/ })).toBeVisible();
  }
  await goTo(li, '会话');
  await expect(row(li, company.wang.name)).toContainText('[文件] 报价单 2026.txt');
});

test('a picture opens as large as the window, can be saved there, and Escape closes it', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  const buffer = png(2_000, 1_000);
  await choose(wang, { name: '厂房.png', mimeType: 'image/png', buffer });
  await expect(said(wang)).toHaveAttribute('data-state', 'sent');
  await picture(wang, '厂房.png').click();
  const dialog = wang.getByRole('dialog', { name: '厂房.png' });
  const large = dialog.getByRole('img', { name: '厂房.png' });
  await expect(large).toBeVisible();
  const [box, window] = [await large.boundingBox(), wang.viewportSize()];
  expect(box?.width).toBeGreaterThan(320);
  expect(box?.width).toBeLessThanOrEqual(window?.width ?? 0);
  expect(box?.height).toBeLessThanOrEqual(window?.height ?? 0);
  const file = await saved(wang, () => dialog.getByRole('button', { name: '下载' }).click());
  expect(file.name).toBe('厂房.png');
  expect(file.bytes.equals(buffer)).toBe(true);
  await wang.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});

test('a program is refused in words, whatever it is called, and what one wrote stays', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await composer(wang).fill('写到一半');
  await choose(wang, { name: 'setup.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('MZ') });
  const refused = wang.getByTestId('upload');
  await expect(refused).toContainText('不能发送可执行程序');
  await expect(composer(wang)).toHaveValue('写到一半');
  await expect(refused.getByRole('button', { name: /重试/ })).toHaveCount(0);
  await refused.getByRole('button', { name: '移除 setup.exe' }).click();
  await expect(refused).toHaveCount(0);

  // By what is in it: the head of a Windows program.
  const program = Buffer.alloc(512);
  program.write('MZ');
  program.writeUInt32LE(0x80, 0x3c);
  program.write('PE\0\0', 0x80);
  await choose(wang, { name: '照片.jpg', mimeType: 'image/jpeg', buffer: program });
  await expect(refused).toContainText('不能发送可执行程序');
  await choose(wang, { name: '空.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) });
  await expect(refused.filter({ hasText: '空.txt' })).toContainText('文件是空的');
  await expect(said(wang)).toHaveCount(0);
  await composer(wang).press('Enter');
  await sees(wang, '写到一半');
});

test('a pasted picture is sent, and a dropped file is', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  await say(wang, '请看：');
  const bytes = png(120, 80).toString('base64');
  const transfer = await wang.evaluateHandle((base64) => {
    const picture = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([picture], 'image.png', { type: 'image/png' }));
    return data;
  }, bytes);
  await composer(wang).evaluate((field, clipboardData) => {
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }, transfer);
  const pasted = said(li).getByRole('img', { name: /^截图 \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.png$/ });
  expect(await naturalSize(pasted)).toEqual({ width: 120, height: 80 });

  const dropped = await wang.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['三百元'], '价格.csv', { type: 'text/csv' }));
    return data;
  });
  const history = wang.getByTestId('history');
  await history.dispatchEvent('dragover', { dataTransfer: dropped });
  await expect(wang.getByTestId('drop-target')).toContainText(`发送到“${company.li.name}”`);
  await history.dispatchEvent('drop', { dataTransfer: dropped });
  await expect(wang.getByTestId('drop-target')).toHaveCount(0);
  await expect(li.getByRole('button', { name: /下载文件 价格\.csv/ })).toBeVisible();
});

test('an upload outlives a server that is gone for a moment, and can be cancelled', async ({ company, people, server }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  // What sends files must be on the page already.
  await choose(wang, { name: '一.txt', mimeType: 'text/plain', buffer: Buffer.from('一') });
  await expect(said(wang)).toHaveAttribute('data-state', 'sent');
  await server.kill();
  await choose(
    wang,
    { name: '二.bin', mimeType: 'application/octet-stream', buffer: BYTES },
    { name: '三.bin', mimeType: 'application/octet-stream', buffer: BYTES },
  );
  const uploads = wang.getByTestId('upload');
  await expect(uploads.filter({ hasText: '二.bin' })).toContainText('会自动继续');
  await expect(uploads.filter({ hasText: '二.bin' }).getByRole('progressbar')).toHaveAttribute('aria-valuenow', '0');
  await uploads.filter({ hasText: '三.bin' }).getByRole('button', { name: '取消发送 三.bin' }).click();
  await expect(uploads).toHaveCount(1);
  // It would be lost with the page.
  const asked = wang.waitForEvent('dialog');
  await wang.close({ runBeforeUnload: true });
  const question = await asked;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  await server.start();
  await expect(said(wang)).toHaveCount(2);
  await expect(uploads).toHaveCount(0);
  await expect(wang.getByRole('button', { name: /下载文件 二\.bin/ })).toBeVisible();
});
