// `make figures`: measures the client in a real Chromium against the real server. A test runner runs it, but
// it judges nothing: the page it leads to does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Browser, type BrowserType, expect, type Page } from '@playwright/test';

import { type Crowd, crowd } from '../e2e/crowd';
import { composer, goTo, message, row, say, sees, signIn } from '../e2e/screens';
import type { Server } from '../e2e/server';
import { type Company, test } from '../e2e/world';
import { audit } from './lighthouse';
import { begin, beginRun, median, type Report, save } from './report';

const RUNS = Number(process.env['RUNS'] ?? 3);
const OPENINGS = 5;
const SLOWED = 4;
const MANY = 10_000;
const MANY_AUTHORS = 40;
const SCROLL_MS = 10_000;
const SCROLL_PX_A_FRAME = 40;
const HOUR_MESSAGES = 3_600;
const HOUR_POINTS = 10;
const HOUR_AUTHORS = 10;
/** Messages of the chat that is small, in the end. */
const SMALL = 230;
const KB = 1_024;
const MB = KB * KB;
const LOOK = { viewport: { width: 1_280, height: 800 }, locale: 'zh-CN', timezoneId: 'Asia/Shanghai' };

test.describe.configure({ mode: 'serial' });

let report: Report;

for (let number = 1; number <= RUNS; number += 1) {
  test(`run ${number}`, async ({ browser, playwright, server, company }) => {
    report ??= begin(`Chromium ${browser.version()}`);
    const run = beginRun(report);
    const take = (figures: Record<string, number>) => {
      for (const [name, value] of Object.entries(figures)) run.figures[name] = Math.round(value * 1_000) / 1_000;
    };
    const small = await crowd(server, company, '日常', 3);
    await small.write(0, 200);
    take(await opening(browser, server, company, small));
    take(await shifting(browser, server, company, small));
    const hour = await crowd(server, company, '一小时', HOUR_AUTHORS);
    take(await anHour(browser, server, company, hour, small));
    const large = await crowd(server, company, '大事记', MANY_AUTHORS);
    await large.write(0, MANY);
    take(await scrolling(browser, server, company, large));
    take(await lighthouse(playwright.chromium, server, company, small));
    save(report);
  });
}

/** Signed in, in a browser of its own; without the service worker every opening is a cold one. */
async function enter(browser: Browser, server: Server, company: Company): Promise<Page> {
  const context = await browser.newContext({ ...LOOK, baseURL: server.url, serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.goto('/');
  await signIn(page, company.wang.login, company.wang.password);
  await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
  return page;
}

async function opening(browser: Browser, server: Server, company: Company, small: Crowd) {
  const first = await enter(browser, server, company);
  await first.addInitScript(() => {
    // Told by changes of the page: asking at every frame would have it draw sixty empty ones a second meanwhile.
    const usable = () => {
      const history = document.querySelector('[data-testid=history]');
      const stands = history?.parentElement?.dataset['settled'] === 'true' && history.querySelector('[data-testid=message]');
      if (!stands || !document.querySelector('textarea')) return;
      changes.disconnect();
      // After the frame that shows it, and whatever still stood in the way of a key.
      requestAnimationFrame(() => setTimeout(() => told(performance.now())));
    };
    const changes = new MutationObserver(usable);
    let told: (at: number) => void = () => {};
    Object.assign(window, {
      usableAt: new Promise<number>((tell) => {
        told = tell;
      }),
    });
    changes.observe(document, { subtree: true, childList: true, attributeFilter: ['data-settled'] });
  });
  const line = await first.context().newCDPSession(first);
  const open = async (rate: number) => {
    await line.send('Network.clearBrowserCache');
    await line.send('Emulation.setCPUThrottlingRate', { rate });
    await first.goto(`/chats/${small.conversationId}`, { waitUntil: 'commit' });
    // Without the runner's own script in the page: preparing that takes as long as drawing a chat.
    const at = await line.send('Runtime.evaluate', { expression: 'usableAt', awaitPromise: true, returnByValue: true });
    return Number(at.result.value);
  };
  // The first opening has what was unread; the others find the same as each other.
  await open(1);
  await first.getByRole('button', { name: /条新消息|回到最新/ }).click();
  await sees(first, small.textOf(199));
  await expect(first.getByRole('button', { name: /条新消息|回到最新/ })).toHaveCount(0);
  const usual: number[] = [];
  const slowed: number[] = [];
  for (let at = 0; at < OPENINGS; at += 1) {
    usual.push(await open(1));
    slowed.push(await open(SLOWED));
  }
  const scripts = await first.evaluate(() =>
    performance.getEntriesByType('resource').flatMap(({ name }) => (name.endsWith('.js') ? [name] : [])),
  );
  const sizes = await Promise.all(
    scripts.map(async (url) => {
      const answer = await fetch(url, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
      return Number(answer.headers.get('content-length'));
    }),
  );
  await first.context().close();
  return {
    usable_ms: median(usual),
    usable_slowed_ms: median(slowed),
    script_gzip_kb: sizes.reduce((sum, size) => sum + size, 0) / KB,
  };
}

async function shifting(browser: Browser, server: Server, company: Company, small: Crowd) {
  const page = await enter(browser, server, company);
  await page.addInitScript(countShifts);
  await page.goto(`/chats/${small.conversationId}`);
  await sees(page, small.textOf(199));
  const history = page.getByTestId('history');
  for (let step = 0; step < 10; step += 1) {
    await history.evaluate((list) => list.scrollBy(0, -600));
    await frames(page, 10);
  }
  await small.write(200, 210);
  await expect(page.getByRole('button', { name: /条新消息|回到最新/ })).toBeVisible();
  await page.getByRole('button', { name: /条新消息|回到最新/ }).click();
  await sees(page, small.textOf(209));
  await small.write(210, SMALL);
  await sees(page, small.textOf(SMALL - 1));
  await frames(page, 30);
  const shift = await shifted(page);
  await page.context().close();
  return { layout_shift: shift };
}

interface Shift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Element | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
}

function countShifts(): void {
  const seen = { shift: 0, what: [] as string[] };
  Object.assign(window, { seen });
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources, startTime } of list.getEntries() as Shift[]) {
      if (hadRecentInput) continue;
      seen.shift += value;
      const moved = sources.map(({ node, previousRect: from, currentRect: to }) => {
        const name = node instanceof Element ? `${node.localName}.${node.className}` : 'gone';
        return `${name} ${from.x},${from.y} ${from.width}x${from.height} to ${to.x},${to.y} ${to.width}x${to.height}`;
      });
      seen.what.push(`${value.toFixed(4)} at ${Math.round(startTime)} ms: ${moved.join('; ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/** The sum; each shift is printed with what moved. */
async function shifted(page: Page): Promise<number> {
  const { shift, what } = await page.evaluate(() => (window as unknown as { seen: { shift: number; what: string[] } }).seen);
  for (const line of what) process.stdout.write(`  shift ${line}\n`);
  return shift;
}

function frames(page: Page, count: number): Promise<void> {
  return page.evaluate(
    (left) =>
      new Promise<void>((done) => {
        const next = () => {
          left -= 1;
          if (left <= 0) done();
          else requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),
    count,
  );
}

async function anHour(browser: Browser, server: Server, company: Company, hour: Crowd, other: Crowd) {
  const page = await enter(browser, server, company);
  const line = await page.context().newCDPSession(page);
  await line.send('Performance.enable');
  const held = async () => {
    // Twice: what the first collection lets go of may have held more.
    await line.send('HeapProfiler.collectGarbage');
    await line.send('HeapProfiler.collectGarbage');
    const { metrics } = await line.send('Performance.getMetrics');
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
    return { heap: of('JSHeapUsedSize') / MB, nodes: of('Nodes') };
  };
  await goTo(page, '会话');
  await row(page, '一小时').click();
  await expect(composer(page)).toBeVisible();
  await page.evaluate(countShifts);
  const points: { heap: number; nodes: number }[] = [];
  const step = HOUR_MESSAGES / HOUR_POINTS;
  for (let point = 0; point < HOUR_POINTS; point += 1) {
    await hour.write(point * step, (point + 1) * step);
    // It stands behind all that was written before it.
    await say(page, `答复${point}`);
    await expect(message(page, `答复${point}`)).toHaveAttribute('data-state', 'sent');
    await row(page, '日常').click();
    await sees(page, other.textOf(SMALL - 1));
    await row(page, '一小时').click();
    await sees(page, `答复${point}`);
    points.push(await held());
  }
  const shift = await shifted(page);
  await page.context().close();
  const [first, last] = [points[0]!, points.at(-1)!];
  return {
    hour_layout_shift: shift,
    hour_heap_first_mb: first.heap,
    hour_heap_last_mb: last.heap,
    hour_heap_most_mb: Math.max(...points.map((point) => point.heap)),
    hour_heap_growth_mb: last.heap - first.heap,
    hour_nodes_first: first.nodes,
    hour_nodes_last: last.nodes,
    hour_nodes_growth: last.nodes - first.nodes,
  };
}

/** CPU time of the page's own thread so far: whatever else runs on the machine is not in it. */
async function clock(page: Page): Promise<() => Promise<number>> {
  const line = await page.context().newCDPSession(page);
  await line.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await line.send('Performance.getMetrics');
    return 1_000 * (metrics.find((metric) => metric.name === 'TaskDuration')?.value ?? Number.NaN);
  };
}

async function scrolling(browser: Browser, server: Server, company: Company, large: Crowd) {
  const page = await enter(browser, server, company);
  const empty = await page.context().newPage();
  const drawn = async (on: Page, px: number) => {
    await on.bringToFront();
    const busyMs = await clock(on);
    const from = await busyMs();
    const count = await on.evaluate(
      ({ lasts, by }) =>
        new Promise<number>((done) => {
          const list = document.querySelector('[data-testid=history]');
          const from = performance.now();
          let count = 0;
          const frame = () => {
            count += 1;
            list?.scrollBy(0, by);
            if (performance.now() - from < lasts) requestAnimationFrame(frame);
            else done(count);
          };
          requestAnimationFrame(frame);
        }),
      { lasts: SCROLL_MS, by: px },
    );
    return { perSecond: (count * 1_000) / SCROLL_MS, cpuMs: ((await busyMs()) - from) / count };
  };
  await page.goto(`/chats/${large.conversationId}`);
  // It opens at the first unread one, the oldest of all: everything is below.
  await expect(page.getByText('以下是新消息')).toBeVisible();
  const before = await drawn(empty, 0);
  const down = await drawn(page, SCROLL_PX_A_FRAME);
  const up = await drawn(page, -SCROLL_PX_A_FRAME);
  const after = await drawn(empty, 0);
  await page.context().close();
  const most = (before.perSecond + after.perSecond) / 2;
  return {
    empty_frames_per_s: most,
    scroll_down_frames_per_s: down.perSecond,
    scroll_up_frames_per_s: up.perSecond,
    scroll_frames_percent: (100 * Math.min(down.perSecond, up.perSecond)) / most,
    scroll_cpu_ms_per_frame: Math.max(down.cpuMs, up.cpuMs),
  };
}

async function lighthouse(chromium: BrowserType, server: Server, company: Company, { conversationId }: Crowd) {
  const folder = mkdtempSync(join(tmpdir(), 'chaoke-figures-'));
  const { executablePath, args = [] } = test.info().project.use.launchOptions ?? {};
  const port = 20_000 + (process.pid % 20_000);
  const context = await chromium.launchPersistentContext(folder, {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [...args, `--remote-debugging-port=${port}`],
    baseURL: server.url,
  });
  const page = await context.newPage();
  const door = await audit(`${server.url}/`, port);
  await page.goto('/');
  await signIn(page, company.wang.login, company.wang.password);
  await goTo(page, '会话');
  const chat = await audit(`${server.url}/chats/${conversationId}`, port);
  await context.close();
  rmSync(folder, { recursive: true, force: true });
  const named = (screen: string, scores: Record<string, number>) =>
    Object.fromEntries(Object.entries(scores).map(([category, score]) => [`lighthouse_${screen}_${category}`, score]));
  return { ...named('sign_in', door), ...named('chat', chat) };
}
