// Odd machines: a browser that keeps nothing, a disk that is full, a clock that is wrong.
import type { Page } from '@playwright/test';

import { composer, openChatWith, say, sees, signIn } from './screens';
import { expect, test } from './world';

const NOT_KEPT = /浏览器不允许本机存储/;
const CLOCK_WRONG = /时间不准/;
const DAY_MS = 86_400_000;

/** As some private windows have it. */
function refuseStorage(): void {
  for (const name of ['indexedDB', 'localStorage', 'sessionStorage']) {
    Object.defineProperty(window, name, {
      get: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  }
}

/** As a full disk has it: what is there can be read, nothing can be added. */
function fillStorage(): void {
  const full = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  IDBObjectStore.prototype.put = full;
  Storage.prototype.setItem = full;
}

for (const [what, happen] of [
  ['refuses to keep anything', refuseStorage],
  ['has no room left', fillStorage],
] as const) {
  test(`a browser that ${what} says so and works all the same`, async ({ company, people }) => {
    const wang = await people.stranger();
    await wang.addInitScript(happen);
    await wang.goto('/');
    await signIn(wang, company.wang.login, company.wang.password);
    const li = await people.signedIn(company.li);
    await openChatWith(li, company.wang.name);
    await openChatWith(wang, company.li.name);
    await say(wang, '照样能发');
    await sees(li, '照样能发');
    await expect(wang.getByText(NOT_KEPT)).toBeVisible();
    await say(li, '照样能收');
    await sees(wang, '照样能收');
    await wang.getByRole('status').filter({ hasText: NOT_KEPT }).getByRole('button', { name: '关闭' }).click();
    await expect(wang.getByText(NOT_KEPT)).toHaveCount(0);
    // The session is a cookie: it needs no storage.
    await wang.reload();
    await expect(composer(wang)).toBeVisible();
    await sees(wang, '照样能收');
  });
}

for (const [what, days] of [
  ['ahead', 3],
  ['behind', -3],
] as const) {
  test(`a clock that is days ${what} is named, and times are the server's`, async ({ company, people }) => {
    const wang = await people.stranger();
    let refreshes = 0;
    wang.on('request', (request) => {
      if (request.url().endsWith('/session.refresh')) refreshes += 1;
    });
    await wang.clock.install({ time: Date.now() + days * DAY_MS });
    await wang.goto('/');
    await signIn(wang, company.wang.login, company.wang.password);
    await expect(wang.getByText(CLOCK_WRONG)).toBeVisible();
    await openChatWith(wang, company.li.name);
    await say(wang, '现在是今天');
    await sees(wang, '现在是今天');
    await expect(today(wang)).toHaveCount(1);
    await wang.reload();
    await sees(wang, '现在是今天');
    await expect(today(wang)).toHaveCount(1);
    // The end of a token is told in the server's time: a wrong clock does not ask for another one at every call.
    expect(refreshes).toBeLessThanOrEqual(4);
  });
}

test('without a network the page opens all the same, and goes on when the server is there again', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.li.name);
  await composer(wang).fill('写到一半');
  // What the page needs is kept once the worker has taken over.
  await wang.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await wang.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await wang.context().setOffline(true);
  await wang.reload();
  await expect(wang.getByText('连接不上服务器')).toBeVisible();
  await wang.context().setOffline(false);
  await expect(composer(wang)).toHaveValue('写到一半', { timeout: 60_000 });
});

for (const [why, reached] of [
  ['the network is away', false],
  ['an upgrade took them away', true],
] as const) {
  test(`where parts of the page do not come because ${why}, it ${reached ? 'is loaded anew, once' : 'stays'}`, async ({ server, company, people }) => {
    const wang = await people.stranger();
    let loads = 0;
    let parts = 0;
    let looks = 0;
    wang.on('load', () => (loads += 1));
    await wang.route('**/assets/MeScreen-*.js', (route) => {
      parts += 1;
      return route.abort();
    });
    await wang.route('**/healthz', (route) => {
      looks += 1;
      return reached ? route.continue() : route.abort();
    });
    await wang.clock.install();
    // Plain HTTP on another address: no worker keeps a page for later.
    await wang.goto(server.url.replace('127.0.0.1', 'chaoke.test'));
    await signIn(wang, company.wang.login, company.wang.password);
    await expect(wang.getByRole('navigation', { name: '主导航' })).toBeVisible();
    // Later parts are loaded while one rests.
    const rests = async (times: number) => {
      await wang.clock.fastForward(6_000);
      await expect.poll(() => [parts >= times, looks >= times]).toEqual([true, true]);
    };
    await rests(1);
    if (reached) {
      await expect.poll(() => loads).toBe(2);
      await expect(wang.getByRole('navigation', { name: '主导航' })).toBeVisible();
      await rests(2);
    }
    await openChatWith(wang, company.li.name);
    await say(wang, '还在');
    await sees(wang, '还在');
    expect(loads).toBe(reached ? 2 : 1);
  });
}

function today(page: Page) {
  return page.getByTestId('history').getByText(/^今天 \d\d:\d\d$/);
}
