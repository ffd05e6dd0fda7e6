// The composer and Chinese input methods: Enter that ends a composition never sends; Enter after it does.
import type { Page } from '@playwright/test';

import { InputMethod } from './pinyin';
import { composer, message, openChatWith, said, say, sees } from './screens';
import { expect, test } from './world';

test('Enter while composing never sends, and Enter right after does', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await composer(wang).click();
  await expect(composer(wang)).toBeFocused();

  const pinyin = await InputMethod.on(composer(wang));
  await pinyin.compose('nihao');
  await pinyin.enter();
  await pinyin.commit('你好');
  await expect(composer(wang)).toHaveValue('你好');
  await expect(said(wang)).toHaveCount(0);

  await composer(wang).press('Enter');
  await sees(wang, '你好');
  await expect(composer(wang)).toHaveValue('');
});

test('Enter in the order Safari tells it, composition first and key second, never sends', async ({
  company,
  people,
}) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await composer(wang).fill('你好');
  await composer(wang).evaluate((field) => {
    field.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
    field.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '你好' }));
    field.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 229, bubbles: true, cancelable: true }),
    );
  });
  await expect(composer(wang)).toHaveValue('你好');
  await expect(said(wang)).toHaveCount(0);
  await composer(wang).press('Enter');
  await sees(wang, '你好');
});

test('Shift and Enter begin a new line, and the lines arrive as they were written', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  await composer(wang).fill('第一行');
  await composer(wang).press('Shift+Enter');
  await composer(wang).pressSequentially('第二行');
  await composer(wang).press('Enter');
  await sees(li, '第二行');
  expect(await message(li, '第一行').innerText()).toMatch(/第一行\n第二行/);
});

test('a draft survives a reload and leaves when it is sent', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '已经发出的');
  await sees(wang, '已经发出的');
  await composer(wang).fill('还没写完');
  await wang.reload();
  await expect(composer(wang)).toHaveValue('还没写完');
  await composer(wang).press('Enter');
  await sees(wang, '还没写完');
  await wang.reload();
  await sees(wang, '还没写完');
  await expect(composer(wang)).toHaveValue('');
});

test('a text of 5,000 characters is sent and one more is not', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  await composer(wang).fill('字'.repeat(5001));
  await composer(wang).press('Enter');
  await expect(wang.getByText('超出 1 个字')).toBeVisible();
  await expect(said(wang)).toHaveCount(0);
  await composer(wang).fill('字'.repeat(5000));
  await composer(wang).press('Enter');
  await sees(li, '字'.repeat(5000));
});

/** How many lines high the field is, how many it holds, and whether the last message stands above it. */
async function lines(page: Page) {
  return composer(page).evaluate((field) => {
    const style = getComputedStyle(field);
    const around = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
    const of = (px: number) => Math.round((100 * (px - around)) / parseFloat(style.lineHeight)) / 100;
    return { high: of(field.clientHeight), held: of(field.scrollHeight) };
  });
}

test('the field grows line by line to eight, the ninth scrolls inside, and what was said stays in sight', async ({ company, people, viewport }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  for (let n = 1; n <= 20; n += 1) await say(wang, `第${n}句`);
  await expect(message(wang, '第20句')).toBeInViewport({ ratio: 1 });
  for (let count = 1; count <= 8; count += 1) {
    if (count > 1) await composer(wang).press('Shift+Enter');
    await composer(wang).pressSequentially(`第${count}行`);
    expect(await lines(wang)).toEqual({ high: count, held: count });
  }
  await expect(message(wang, '第20句')).toBeInViewport({ ratio: 1 });
  await composer(wang).press('Shift+Enter');
  await composer(wang).pressSequentially('第9行');
  expect(await lines(wang)).toEqual({ high: 8, held: 9 });
  await composer(wang).press('Enter');
  await sees(wang, '第9行');
  expect(await lines(wang)).toEqual({ high: 1, held: 1 });

  // What fits into some lines needs fewer where there is more room, and as many again.
  await composer(wang).fill('一句有几行那么长的话。'.repeat(8));
  const before = await lines(wang);
  expect(before.high).toBe(before.held);
  const { width, height } = viewport!;
  await wang.setViewportSize({ width: width * 1.7, height });
  await expect.poll(async () => (await lines(wang)).held).toBeLessThan(before.held);
  const wide = await lines(wang);
  expect(wide.high).toBe(wide.held);
  await wang.setViewportSize({ width, height });
  await expect.poll(() => lines(wang)).toEqual(before);
});

/** Puts something into the clipboard as another program does. */
async function copied(page: Page, what: { text: string; html: string } | 'picture'): Promise<void> {
  await page.evaluate(async (what) => {
    const picture = () =>
      new Promise<Blob>((done) => {
        const canvas = document.createElement('canvas');
        canvas.toBlob((blob) => done(blob!), 'image/png');
      });
    const item =
      what === 'picture'
        ? { 'image/png': await picture() }
        : { 'text/plain': new Blob([what.text], { type: 'text/plain' }), 'text/html': new Blob([what.html], { type: 'text/html' }) };
    await navigator.clipboard.write([new ClipboardItem(item)]);
  }, what);
}

test('what is pasted or picked goes in at the caret as plain text, and a pasted picture is sent and leaves it alone', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await wang.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  const field = composer(wang);
  await field.fill('报价：。');
  await field.press('ArrowLeft');
  const table = '产品\t单价\n\t茶叶\t30\n\t杯子\t12';
  await copied(wang, { text: table, html: '<table><tr><td><b>产品</b></td><td>单价</td></tr></table>' });
  await field.press('ControlOrMeta+v');
  await expect(field).toHaveValue(`报价：${table}。`);
  expect(await lines(wang)).toEqual({ high: 3, held: 3 });

  await copied(wang, 'picture');
  await field.press('ControlOrMeta+v');
  await expect(said(li).getByRole('img', { name: /^截图 / })).toBeVisible();
  await expect(field).toHaveValue(`报价：${table}。`);

  // The caret still stands before the full stop, and after what is picked.
  await wang.getByRole('button', { name: '表情' }).click();
  await wang.getByRole('button', { name: '👍' }).click();
  await expect(field).toBeFocused();
  await wang.keyboard.insertText('👨‍👩‍👧');
  await field.press('Enter');
  const whole = `报价：${table}👍👨‍👩‍👧。`;
  await sees(li, '👨‍👩‍👧');
  expect(await message(li, '报价').evaluate((bubble) => bubble.textContent)).toBe(whole);
  expect(await message(li, '报价').innerText()).toBe(whole);
});
