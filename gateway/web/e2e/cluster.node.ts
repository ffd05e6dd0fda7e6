// Two servers that are one, as `make cluster` starts them: a browser on each, and the two talk.
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, type Page, test } from '@playwright/test';

import { type Account, Api } from './api';
import { openChatWith, said, say, sees, signIn } from './screens';
import { binary } from './server';
import { PASSWORD } from './world';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
/** Apache Cassandra takes its time on a busy machine. */
const START_WITHIN_MS = 240_000;

interface Cluster {
  child: ChildProcess;
  addresses: string[];
  setup: string;
}

async function start(): Promise<Cluster> {
  const child = spawn(join(REPOSITORY, 'scripts/cluster'), {
    env: { ...process.env, CHAOKE_BIN: binary(), CHAOKE_PORTS: '0 0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  return new Promise((ready, failed) => {
    const late = setTimeout(() => failed(new Error(`the cluster did not start:\n${said}`)), START_WITHIN_MS);
    const hear = (text: Buffer) => {
      said += text.toString();
      if (!said.includes('Ctrl-C ends everything')) return;
      clearTimeout(late);
      const addresses = [...said.matchAll(/^ {2}(http:\/\/127\.0\.0\.1:\d+)$/gm)].map((found) => found[1] ?? '');
      ready({ child, addresses, setup: /Set up your company: (\S+)/.exec(said)?.[1] ?? '' });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => failed(new Error(`it ended with ${code}:\n${said}`)));
  });
}

test('IM-i01 a browser on one server talks to a browser on the other', async ({ browser }) => {
  test.setTimeout(START_WITHIN_MS + 120_000);
  const cluster = await start();
  try {
    const [one, other] = cluster.addresses;
    const api = new Api({ url: one ?? '', setupLink: () => Promise.resolve(cluster.setup) });
    const zhang = await api.setUp('超客科技', '张伟', 'zhangwei', PASSWORD);
    const li = await api.addColleague('李娜', 'lina', PASSWORD);
    const pages = await Promise.all(
      [
        [one, zhang],
        [other, li],
      ].map(async ([address, who]) => {
        const context = await browser.newContext({ baseURL: address as string });
        const page = await context.newPage();
        await page.goto('/');
        await signIn(page, (who as Account).login, (who as Account).password);
        await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
        return page;
      }),
    );
    const [first, second] = pages as [Page, Page];
    await openChatWith(first, li.name);
    await openChatWith(second, zhang.name);
    for (const [page, text] of [
      [first, '我在第一台'],
      [second, '我在第二台'],
      [first, '听得到'],
    ] as const) {
      await say(page, text);
      await sees(first, text);
      await sees(second, text);
    }
    await expect(said(second)).toHaveCount(3);
    await expect(first.getByText('已读', { exact: true }).last()).toBeVisible();
    await Promise.all(pages.map((page) => page.context().close()));
  } finally {
    await end(cluster.child);
  }
});

/** As Ctrl-C ends it: the script, and everything that it started. */
async function end(child: ChildProcess): Promise<void> {
  await new Promise<void>((ended) => {
    child.once('exit', () => ended());
    child.kill('SIGTERM');
  });
}
