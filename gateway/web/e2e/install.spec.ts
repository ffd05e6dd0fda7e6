// A browser finds nothing that would keep it from installing the page like a program.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from './world';

test('a browser would install the page', async ({ playwright, server, hasTouch }) => {
  test.skip(hasTouch === true, 'the manifest knows no widths');
  // The windows of other tests keep nothing, and such ones install nothing.
  const folder = mkdtempSync(join(tmpdir(), 'chaoke-install-'));
  const { launchOptions = {} } = test.info().project.use;
  const context = await playwright.chromium.launchPersistentContext(folder, launchOptions);
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(server.url);
  const line = await context.newCDPSession(page);
  const { errors, data } = await line.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  expect((JSON.parse(data ?? '') as { short_name: string }).short_name).not.toBe('');
  await expect.poll(async () => (await line.send('Page.getInstallabilityErrors')).installabilityErrors).toEqual([]);
  await context.close();
  rmSync(folder, { recursive: true, force: true });
});
