// The sheet of one-time passwords: copied, printed, and not lost by accident.
import type { Page } from '@playwright/test';

import { goTo } from './screens';
import { expect, test } from './world';

const COUNT = 12;

/** What can be seen outside the cards, and what of the cards cannot be seen whole on paper. */
function onPaper(page: Page): Promise<{ cards: number; beside: string[]; clipped: string[] }> {
  return page.evaluate(() => {
    const seen = (one: Element) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const cards = [...document.querySelectorAll('li')].filter((card) => seen(card) && card.querySelector('[data-testid=credential]'));
    const beside: string[] = [];
    for (const one of document.querySelectorAll('body *')) {
      const says = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '');
      const drawn = says || one.matches('button, a, input, svg, img');
      const hidden = !seen(one) || one.getClientRects().length === 0 || one.closest('.visually-hidden');
      if (drawn && !hidden && (one.matches('button') || !cards.some((card) => card.contains(one)))) beside.push(one.outerHTML.slice(0, 120));
    }
    const clipped: string[] = [];
    for (let box = cards[0]?.parentElement ?? null; box; box = box.parentElement) {
      const free = getComputedStyle(box).overflow === 'visible' || box === document.documentElement;
      if (!free && (box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth)) clipped.push(box.className);
    }
    const end = cards.at(-1)?.getBoundingClientRect().bottom ?? 0;
    const { scrollHeight, scrollWidth, clientWidth } = document.documentElement;
    if (end + window.scrollY > scrollHeight) clipped.push(`${end} of ${scrollHeight}`);
    if (scrollWidth > clientWidth) clipped.push(`${scrollWidth} of ${clientWidth}`);
    return { cards: cards.length, beside, clipped };
  });
}

test('one-time passwords are copied one by one or all, printed alone, and not closed by accident', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  await boss.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = () => boss.evaluate(() => navigator.clipboard.readText());
  await goTo(boss, '通讯录');
  await boss.getByRole('button', { name: '添加同事' }).first().click();
  await boss.getByText('批量添加').click();
  const lines = Array.from({ length: COUNT }, (_, at) => `同事${at} colleague${at}`);
  await boss.getByLabel('粘贴名单').fill(lines.join('\n'));
  await boss.getByRole('button', { name: '全部添加' }).click();
  await expect(boss.getByText(`已添加 ${COUNT} 人`)).toBeVisible();

  const secrets = await boss.getByTestId('credential').allInnerTexts();
  expect(new Set(secrets).size).toBe(COUNT);
  const { origin } = new URL(boss.url());
  const card = (at: number) => `网址: ${origin}\n姓名: 同事${at}\n帐号: colleague${at}\n一次性密码: ${secrets[at]}`;
  await boss.getByRole('listitem').filter({ hasText: 'colleague1' }).first().getByRole('button', { name: '复制登录信息' }).click();
  await expect.poll(copied).toBe(card(1));
  await boss.getByRole('button', { name: '复制全部' }).click();
  await expect.poll(copied).toBe(secrets.map((_, at) => card(at)).join('\n\n'));

  await boss.emulateMedia({ media: 'print' });
  expect(await onPaper(boss)).toEqual({ cards: COUNT, beside: [], clipped: [] });
  await boss.emulateMedia({ media: 'screen' });

  // Closing or loading anew would lose them: the browser asks, and staying keeps them.
  const asked = boss.waitForEvent('dialog');
  await boss.evaluate(() => void setTimeout(() => location.reload()));
  const question = await asked;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  await expect(boss.getByTestId('credential').first()).toHaveText(secrets[0]!);
  await boss.getByRole('button', { name: '完成' }).click();
  await expect(boss.getByTestId('credential')).toHaveCount(0);
  boss.on('dialog', () => people.misdeeds.push('asked although the sheet was put away'));
  await boss.reload();
  await expect(boss.getByRole('navigation', { name: '沟通' })).toBeVisible();
});
