// Nothing jumps: a long history opens in its middle, and while pages come in above and below, or old ones are let
// go, what one looks at stays where it is in every frame.
import type { Page } from '@playwright/test';

import { Api } from './api';
import { crowd } from './crowd';
import { Wire } from './looks/wire';
import { goTo, row, unread } from './screens';
import { expect, PASSWORD, test } from './world';

const MANY = 1_200;
const AUTHORS = 10;
/** Entries that were read before: the rest is unread. */
const READ = 600;
/** With more than 600 rows drawn or remembered. */
const PREPENDS = 4;
/** Rows of one to nine lines: a guess of their height is wrong for most. */
const TEXT = (n: number) => Array.from({ length: 1 + ((n * 7) % 9) }, (_, line) => `第${n}条，第${line}行`).join('\n');
const PAGES = 'message.list';

interface Watch {
  frames: number;
  /** The furthest that it was from its place, px. */
  worst: number;
  /** Frames in which it was not drawn at all. */
  lost: number;
}

declare global {
  interface Window {
    watch: Watch;
    size: number;
  }
}

/** From here on the first message that can be seen whole is looked at in every frame, once that is painted. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const list = document.querySelector<HTMLElement>('[data-testid="history"]')!;
    const edge = list.getBoundingClientRect().top;
    const topOf = (one: Element | null) => one?.getBoundingClientRect().top;
    const rows = [...list.querySelectorAll<HTMLElement>('[data-testid="message"]')];
    const seq = rows.find((one) => topOf(one)! >= edge)?.dataset['seq'];
    const find = () => list.querySelector(`[data-testid="message"][data-seq="${seq}"]`);
    const from = topOf(find())!;
    const noted: Watch = { frames: 0, worst: 0, lost: 0 };
    Object.assign(window, { watch: noted, size: list.scrollHeight });
    const painted = new MessageChannel();
    painted.port1.addEventListener('message', () => {
      const now = topOf(find());
      noted.frames += 1;
      if (now === undefined) noted.lost += 1;
      else if (Math.abs(now - from) > Math.abs(noted.worst)) noted.worst = now - from;
    });
    painted.port1.start();
    requestAnimationFrame(function frame() {
      // Another watch has begun.
      if (window.watch !== noted) return;
      painted.port2.postMessage(0);
      requestAnimationFrame(frame);
    });
  });
}

/** Once the history is longer, or shorter, and has stood for ten frames after that. */
async function seen(page: Page, change: 'longer' | 'shorter'): Promise<Watch> {
  await page.waitForFunction((sign) => {
    const list = document.querySelector('[data-testid="history"]')!;
    return sign * (list.scrollHeight - window.size) > 1_000;
  }, change === 'longer' ? 1 : -1);
  const from = await page.evaluate(() => window.watch.frames);
  await page.waitForFunction((from) => window.watch.frames >= from + 10, from);
  return page.evaluate(() => window.watch);
}

/** Goes so far that the next page is asked for, which is held back. */
async function near(on: Page, wire: Wire, to: 'older' | 'newer'): Promise<void> {
  wire.hold(PAGES);
  await expect
    .poll(async () => {
      await on.getByTestId('history').evaluate((list, older) => {
        list.scrollTop = older ? list.clientHeight : list.scrollHeight - 2 * list.clientHeight;
      }, to === 'older');
      return wire.holds(PAGES);
    })
    .toBe(1);
}

/** Waits until nothing moves where the next page is asked for, and watches while it comes. */
async function page(on: Page, wire: Wire, to: 'older' | 'newer'): Promise<Watch> {
  await near(on, wire, to);
  await still(on);
  await watch(on);
  wire.letGo(PAGES);
  return seen(on, 'longer');
}

function toEnd(page: Page): Promise<void> {
  return page.getByTestId('history').evaluate((list) => list.scrollTo(0, list.scrollHeight));
}

/** Ten frames in a row in which nothing was scrolled, measured or drawn anew. */
function still(page: Page): Promise<void> {
  return page.evaluate(
    () =>
      new Promise<void>((done) => {
        let last = '';
        let left = 10;
        requestAnimationFrame(function look() {
          const list = document.querySelector('[data-testid="history"]')!;
          const now = `${list.scrollTop} ${list.scrollHeight} ${list.querySelectorAll('[data-seq]').length}`;
          left = now === last ? left - 1 : 10;
          last = now;
          if (left === 0) done();
          else requestAnimationFrame(look);
        });
      }),
  );
}

const STOOD = { worst: 0, lost: 0, frames: expect.any(Number) };

test('a long chat opens at its first unread message, and nothing jumps while older and newer ones come in', async ({
  server,
  company,
  people,
}) => {
  const many = await crowd(server, company, '大事记', AUTHORS, TEXT);
  await many.write(0, MANY);
  const own = new Api(server);
  await own.signIn(company.wang.login, PASSWORD);
  const { conversationId: conversation_id } = many;
  await own.call('conversation.mark_read', { conversation_id, seq: READ });
  const readTo = async () => (await own.call<{ read_seq: number }>('conversation.get', { conversation_id })).read_seq;

  const wang = await people.stranger();
  const wire = await Wire.on(wang);
  await wang.goto('/');
  await wang.getByLabel('帐号').fill(company.wang.login);
  await wang.getByLabel('密码', { exact: true }).fill(PASSWORD);
  await wang.getByRole('button', { name: '登录', exact: true }).click();
  await goTo(wang, '会话');
  await expect(unread(wang, '大事记')).toHaveText('99+');
  await row(wang, '大事记').click();

  // The line, and under it the first one that is unread.
  await expect(wang.getByText('以下是新消息')).toBeInViewport();
  const under = await wang.getByTestId('unread-line').evaluate((line) => {
    const first = line.parentElement!.querySelector<HTMLElement>('[data-seq]')!;
    const top = document.querySelector('[data-testid="history"]')!.getBoundingClientRect().top;
    return { seq: Number(first.dataset['seq']), fromTop: line.getBoundingClientRect().top - top };
  });
  expect(under).toEqual({ seq: READ + 1, fromTop: expect.any(Number) });
  expect(under.fromTop).toBeGreaterThanOrEqual(0);
  expect(under.fromTop).toBeLessThan(120);

  // Down through what is new: five pages and what is left of them.
  for (let at = 0; at < 5; at += 1) expect(await page(wang, wire, 'newer'), `newer page ${at}`).toEqual(STOOD);
  expect(wire.called, 'nothing counts as read before it was shown').not.toContain('conversation.mark_read');
  expect(await readTo()).toBe(READ);
  const readAtEnd = expect.poll(
    async () => {
      await toEnd(wang);
      return readTo();
    },
    { message: 'all of it is read at the end' },
  );
  await readAtEnd.toBeGreaterThanOrEqual(MANY);

  // Up through what is old.
  for (let at = 0; at < PREPENDS; at += 1) expect(await page(wang, wire, 'older'), `older page ${at}`).toEqual(STOOD);

  // At the end one more older page comes in, and then all that is too much is let go.
  await near(wang, wire, 'older');
  await toEnd(wang);
  await still(wang);
  await watch(wang);
  wire.letGo(PAGES);
  expect(await seen(wang, 'shorter'), 'old ones are let go').toEqual(STOOD);
});
