// `make shots`: every state of every screen, at both widths and in both themes, into docs/screenshots. Looked at by
// people; nothing compares them. After the light picture each state is looked at by rules once more: at other widths
// and in English nothing may be cut off, lie on something else or be serious for accessibility (`looks/audit.ts`).
// A picture has a palette of 256 colours (`looks/png.ts`), which keeps the folder small, and the same day, times and
// colours of people each time (`looks/lens.ts`), which keeps a change small.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';

import { otherwise } from './looks/audit';
import { FOLDER, readme } from './looks/pictures';
import { withPalette } from './looks/png';
import { Stage } from './looks/stage';
import { rested, type WidthName } from './looks/state';
import { SCHEMES, statesOn, WIDTHS } from './looks/states';
import { expect, test } from './world';

/** Only these, to look at a change quickly: `CHAOKE_SHOTS=chat,me make shots`. */
const WANTED = process.env['CHAOKE_SHOTS']?.split(',');

test.describe.configure({ mode: 'parallel', timeout: 1_800_000 });

for (const width of Object.keys(WIDTHS) as WidthName[]) {
  for (const colorScheme of SCHEMES) {
    test.describe(`${width} ${colorScheme}`, () => {
      // A worker of the page would fetch past the hand on the line (`looks/wire.ts`).
      test.use({ viewport: WIDTHS[width], colorScheme, hasTouch: width === 'phone', serviceWorkers: 'block' });

      test('every state', async ({ server, people }) => {
        const stage = new Stage(server, people);
        await stage.raise();
        if (!WANTED) sweep(`-${width}-${colorScheme}.png`);
        for (const { name, show, undo } of statesOn(width)) {
          if (WANTED && !WANTED.includes(name)) continue;
          await test.step(name, async () => {
            try {
              const page = await rested(await show(stage, width));
              await shoot(page, `${name}-${width}-${colorScheme}`);
              if (colorScheme === 'light') expect.soft(await otherwise(page, name, width)).toEqual([]);
            } catch (error) {
              expect.soft(String(error), name).toBe('');
            }
            stage.me.wire.free();
            await undo?.(stage);
          });
        }
        await stage.end();
        writeFileSync(join(FOLDER, 'README.md'), readme());
      });
    });
  }
}

/** Pictures of states that are no more. */
function sweep(end: string): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const file of readdirSync(FOLDER)) if (file.endsWith(end)) rmSync(join(FOLDER, file));
}

async function shoot(page: Page, name: string): Promise<void> {
  // What the mouse happens to point at must not show its acts.
  await page.mouse.move(0, 0);
  const png = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  writeFileSync(join(FOLDER, `${name}.png`), withPalette(png));
}
