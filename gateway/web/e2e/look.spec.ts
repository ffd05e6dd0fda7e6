// What every screen owes everybody in every state: nothing serious in the accessibility audit, nothing cut off
// sideways, and on the phone nothing too small for a finger. The states are those of the screenshots.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

import { Stage } from './looks/stage';
import { rested } from './looks/state';
import { statesOn } from './looks/states';
import { expect, test } from './world';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A finger's width in CSS pixels. */
const TOUCH = 44;
/** A field counts with its border. */
const BORDERS = 2;
/**
 * Smaller on purpose: addresses inside a text, the strip of letters beside a list, boxes whose whole row is touched,
 * pictures that only repeat a way which is elsewhere.
 */
const SMALL = '[data-testid="message"] a, [role="group"] button[tabindex="-1"], [type="checkbox"], [aria-hidden="true"]';

interface Violation {
  id: string;
  impact: string;
  help: string;
  nodes: { html: string }[];
}

// A worker of the page would fetch past the hand on the line (`looks/wire.ts`); a trace of this many states is huge.
test.use({ serviceWorkers: 'block', trace: 'off' });

test('each screen in each state is usable for everybody and fits its width', async ({ server, people, hasTouch }) => {
  test.setTimeout(900_000);
  const stage = new Stage(server, people);
  await stage.raise();
  const found: string[] = [];
  const width = hasTouch ? 'phone' : 'desk';
  for (const { name, show, undo, main } of statesOn(width)) {
    await test.step(name, async () => {
      const page = await rested(await show(stage, width));
      found.push(...(await audit(page, name)));
      if (hasTouch) found.push(...(await tooSmall(page, name)));
      if (main) {
        // Without motion: half-way from light to dark nothing has its colour.
        await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
        found.push(...(await audit(page, `${name} in the dark`, ['color-contrast'])));
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
      }
      stage.me.wire.free();
      await undo?.(stage);
    });
  }
  await stage.end();
  expect(found).toEqual([]);
});

/** What a critic with the rules in hand finds serious; every rule, or only those named. */
async function audit(page: Page, screen: string, rules?: string[]): Promise<string[]> {
  // Evaluated by the debugger, so the page's own content security policy stays as it is.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (only) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    // Style sheets are not fetched again: only rules that are off want them.
    const options = { preload: false, resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) };
    return (await axe.run(options)).violations;
  }, rules);
  const serious = violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${screen}: ${one.id} (${one.help}) ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  return sideways === 0 ? serious : [...serious, `${screen} scrolls sideways by ${sideways}`];
}

/** What one is to touch and could miss. */
async function tooSmall(page: Page, screen: string): Promise<string[]> {
  const all = page.locator('button, a[href], input, textarea, [role="option"], [role="menuitem"]');
  return all.evaluateAll(
    (elements, { least, but, where }) =>
      elements
        .filter((element) => element.checkVisibility({ opacityProperty: true }) && !element.matches(but))
        .map((element) => {
          // What is drawn around it for the finger only counts as well.
          const around = getComputedStyle(element, '::after');
          const grown = around.position === 'absolute' ? -2 * (parseFloat(around.top) || 0) : 0;
          return { element, high: element.getBoundingClientRect().height + Math.max(0, grown) };
        })
        .filter(({ high }) => high > 0 && high < least)
        .map(({ element, high }) => `${where}: ${Math.round(high)} px high: ${element.outerHTML.slice(0, 140)}`),
    { least: TOUCH - BORDERS, but: SMALL, where: screen },
  );
}
