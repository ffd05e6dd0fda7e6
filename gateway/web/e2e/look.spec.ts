// What every screen owes everybody in every state: nothing serious in the accessibility audit, nothing cut off or lying
// on something else, and on the phone nothing too small for a finger. The states are those of the screenshots but for
// the dear ones; `make shots` looks at those too, and at all of them at other widths and in English.
import type { Page } from '@playwright/test';

import { audit } from './looks/audit';
import { misfits } from './looks/fits';
import { Stage } from './looks/stage';
import { rested } from './looks/state';
import { statesOn } from './looks/states';
import { expect, test } from './world';

/** A finger's width in CSS pixels. */
const TOUCH = 44;
/** A field counts with its border. */
const BORDERS = 2;
/**
 * Smaller on purpose: addresses inside a text, the strip of letters beside a list, boxes whose whole row is touched,
 * pictures that only repeat a way which is elsewhere.
 */
const SMALL = '[data-testid="message"] a, [role="group"] button[tabindex="-1"], [type="checkbox"], [aria-hidden="true"]';

// A worker of the page would fetch past the hand on the line (`looks/wire.ts`); a trace of this many states is huge.
test.use({ serviceWorkers: 'block', trace: 'off' });

test('each screen in each state is usable for everybody and fits its width', async ({ server, people, hasTouch }) => {
  test.setTimeout(900_000);
  const stage = new Stage(server, people);
  await stage.raise();
  const found: string[] = [];
  const width = hasTouch ? 'phone' : 'desk';
  for (const { name, show, undo, main, dear } of statesOn(width)) {
    if (dear) continue;
    await test.step(name, async () => {
      const page = await rested(await show(stage, width));
      found.push(...(await audit(page, name)));
      found.push(...(await misfits(page, name)));
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
