// A Chinese input method, as the browser hears it from the machine.
import { type CDPSession, expect, type Locator } from '@playwright/test';

/** The browser's own input method interface, used as an operating system uses it. */
export class InputMethod {
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
