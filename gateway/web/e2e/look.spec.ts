// What every screen owes everybody: nothing serious in the accessibility audit, nothing cut off sideways.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

import { goTo, openChatWith, say, sees } from './screens';
import { expect, test } from './world';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string;
  help: string;
  nodes: { html: string }[];
}

async function audit(page: Page, screen: string): Promise<void> {
  // Evaluated by the debugger, so the page's own content security policy stays as it is.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  const serious = violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${screen}: ${one.id} (${one.help}) ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
  expect(serious).toEqual([]);
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(sideways, `${screen} scrolls sideways`).toBe(0);
}

test('each screen is usable for everybody and fits its width', async ({ server, company, people }) => {
  const stranger = await people.stranger();
  await stranger.goto(server.url);
  await expect(stranger.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  await audit(stranger, 'sign-in');

  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await say(wang, '很长的一段话。'.repeat(30));
  await say(wang, 'https://example.com/a/very/long/address/'.padEnd(200, 'x'));
  await sees(wang, 'https://example.com');
  await audit(wang, 'chat');
  await goTo(wang, '会话');
  await audit(wang, 'conversations');
  await goTo(wang, '通讯录');
  await audit(wang, 'directory');
  await goTo(wang, '我');
  await audit(wang, 'me');
});
