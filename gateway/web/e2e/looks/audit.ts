// What a critic with the rules of accessibility in hand finds on a page, and the same page looked at otherwise.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

import { misfits } from './fits';
import type { WidthName } from './state';
import { WIDTHS } from './states';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Between the two layouts, and with the letters of a large window twice as large (four times on the phone). */
const OTHER_WIDTHS: Record<WidthName, Record<string, { width: number; height: number }>> = {
  phone: { '320 px': { width: 320, height: 568 } },
  desk: { '1024 px': { width: 1024, height: 768 }, '200 %': { width: 640, height: 400 } },
};

interface Violation {
  id: string;
  impact: string;
  help: string;
  nodes: { html: string }[];
}

/** What a critic with the rules in hand finds serious; every rule, or only those named. */
export async function audit(page: Page, screen: string, rules?: string[]): Promise<string[]> {
  // Evaluated by the debugger, so the page's own content security policy stays as it is.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    // Style sheets are not fetched again: only rules that are off want them.
    const options = { preload: false, resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) };
    return (await axe.run(options)).violations;
  }, rules);
  return violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${screen}: ${one.id} (${one.help}) ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

/** What is wrong with the same state at other widths and in English. */
export async function otherwise(page: Page, screen: string, width: WidthName): Promise<string[]> {
  const found: string[] = [];
  const judge = async (how: string) => {
    found.push(...(await misfits(page, `${screen} ${how}`)), ...(await audit(page, `${screen} ${how}`)));
  };
  for (const [name, size] of Object.entries(OTHER_WIDTHS[width])) {
    await page.setViewportSize(size);
    await judge(`at ${name}`);
  }
  await page.setViewportSize(WIDTHS[width]);
  const was = await page.evaluate(chooseLanguage, 'en');
  await judge('in English');
  await page.evaluate(chooseLanguage, was);
  return found;
}

/** Runs in the page: as another tab would choose. */
function chooseLanguage(code: string): string {
  const key = 'chaoke.language';
  const was = localStorage.getItem(key) ?? 'zh-CN';
  localStorage.setItem(key, code);
  window.dispatchEvent(new StorageEvent('storage', { key }));
  return was;
}
