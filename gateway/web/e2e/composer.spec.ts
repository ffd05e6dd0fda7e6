// The composer and Chinese input methods: Enter that ends a composition never sends; Enter after it does.
import type { CDPSession, Locator } from '@playwright/test';

import { composer, message, openChatWith, said, say, sees } from './screens';
import { expect, test } from './world';

/** The browser's own input method interface, used as an operating system uses it. */
class InputMethod {
  private constructor(
    private readonly browser: CDPSession,
    private readonly field: Locator,
  ) {}

  /** One line to the browser for the whole test: closing it would end a composition. */
  static async on(field: Locator): Promise<InputMethod> {
    return new InputMethod(await field.page().context().newCDPSession(field.page()), field);
  }

  /** Each letter stands in the field before the next is typed: a person sees what they compose. */
  async compose(pinyin: string): Promise<void> {
    for (let end = 1; end <= pinyin.length; end += 1) {
      const text = pinyin.slice(0, end);
      await this.browser.send('Input.imeSetComposition', { text, selectionStart: end, selectionEnd: end });
      await expect(this.field).toHaveValue(text);
    }
  }

  async commit(text: string): Promise<void> {
    await this.browser.send('Input.insertText', { text });
  }

  /** Its Enter: every key arrives as code 229 while it composes. */
  async enter(): Promise<void> {
    const key = { key: 'Process', code: 'Enter', windowsVirtualKeyCode: 229 } as const;
    await this.browser.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...key });
    await this.browser.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key });
  }
}

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
