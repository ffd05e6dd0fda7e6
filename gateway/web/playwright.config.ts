// Browser tests: a Chromium that is on the machine against the real server. `make test` runs them,
// `make shots` runs only the project of the screenshots.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { defineConfig } from '@playwright/test';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function chromium(): string {
  const given = process.env['CHAOKE_CHROMIUM'];
  if (given) return given;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here; the next folder.
      }
    }
  }
  throw new Error('There is no Chromium on the PATH. Type: sudo apt-get install chromium fonts-noto-cjk fonts-noto-color-emoji');
}

/** Pictures have the same letters on every machine. */
const FONTCONFIG_FILE = join(import.meta.dirname, 'e2e/looks/fonts.conf');

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
const DESK = { viewport: { width: 1280, height: 800 } };

const LAUNCH = {
  executablePath: chromium(),
  // No sandbox: CI runs as root in a container. The rest keeps the browser from talking to its maker.
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // This machine under another name, as a browser elsewhere in the office sees it: plain HTTP.
    '--host-resolver-rules=MAP chaoke.test 127.0.0.1',
  ],
};

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  fullyParallel: true,
  workers: 2,
  // A test that passes only sometimes is a failing test.
  retries: 0,
  forbidOnly: true,
  // Generous: a loaded machine is slow, and a page that hangs fails all the same.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  use: {
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    // A trace costs a third of the time. Where a failure is not clear from its words: CHAOKE_TRACE=1.
    trace: process.env['CHAOKE_TRACE'] ? 'retain-on-failure' : 'off',
    actionTimeout: 20_000,
    launchOptions: LAUNCH,
  },
  projects: [
    { name: 'phone', testMatch: '*.spec.ts', use: PHONE },
    { name: 'desk', testMatch: '*.spec.ts', use: DESK },
    { name: 'core', testMatch: '*.node.ts' },
    { name: 'figures', testDir: 'figures', testMatch: 'measure.ts', use: { ...DESK, trace: 'off' }, timeout: 1_800_000 },
    { name: 'shots', testMatch: 'shots.ts', use: { trace: 'off', launchOptions: { ...LAUNCH, env: { ...process.env, FONTCONFIG_FILE } } } },
  ],
});
