import { beforeEach, expect, test } from 'vitest';

import { ManualTimers, settle } from '../testing/time';
import { networkError } from './errors';
import { IDLE_ITEMS, LIVE_ITEMS_KEPT, LIVE_ITEMS_MAX, type ListParams, Timeline } from './messages';
import type { Message, MessagePage } from './wire';

let timers: ManualTimers;
let log: Message[];
let asked: ListParams[];
let down: boolean;
/** When set, answers wait until the test lets them go. */
let held: (() => void)[] | undefined;

function message(seq: number, text = `第 ${seq} 条`): Message {
  return { conversation_id: 'c', seq, count: seq, kind: 'text', author_id: 'u2', sent_at: seq * 1_000, text };
}

function grow(to: number): void {
  while (log.length < to) log.push(message(log.length + 1));
}

async function list(params: ListParams): Promise<MessagePage> {
  asked.push(params);
  if (down) throw networkError('closed');
  const { before, after, around, limit } = params;
  let from = Math.max(0, log.length - limit);
  if (before !== undefined) from = Math.max(0, before - 1 - limit);
  if (after !== undefined) from = after;
  if (around !== undefined) from = Math.max(0, around - 1 - limit / 2);
  const to = before === undefined ? from + limit : before - 1;
  const items = log.slice(from, to);
  // What the server saw when it was asked, however long the answer travels.
  const page = { items, head_seq: log.length, more_before: from > 0, more_after: from + items.length < log.length };
  if (held) {
    const waiting = held;
    await new Promise<void>((go) => {
      waiting.push(go);
    });
  }
  return page;
}

function seqs(timeline: Timeline): number[] {
  return timeline.view.get().items.map((item) => item.seq);
}

function upTo(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

beforeEach(() => {
  timers = new ManualTimers();
  log = [];
  asked = [];
  down = false;
  held = undefined;
});

async function opened(size: number, around?: number): Promise<Timeline> {
  grow(size);
  const timeline = new Timeline(list, timers);
  await timeline.open(around);
  return timeline;
}

test('it opens at the end and knows that more is above', async () => {
  const timeline = await opened(100);
  expect(seqs(timeline)).toEqual(upTo(41, 100));
  expect(timeline.view.get()).toMatchObject({ phase: 'ready', moreBefore: true, moreAfter: false, headSeq: 100 });
  expect(timeline.cursor()).toBe(100);
});

test('the next message is added, and the same once more is not', async () => {
  const timeline = await opened(3);
  timeline.receive(message(4));
  timeline.receive(message(4));
  timeline.receive(message(2));
  expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
  expect(asked.length).toBe(1);
});

test('messages that overtake each other stand in their order', async () => {
  const timeline = await opened(3);
  grow(6);
  held = [];
  for (const seq of [6, 4, 5]) timeline.receive(message(seq));
  expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
  held.forEach((go) => go());
  await settle();
  expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a hole is asked for and nothing is shown out of order meanwhile', async () => {
  const timeline = await opened(3);
  grow(9);
  held = [];
  timeline.receive(message(9));
  expect(seqs(timeline)).toEqual([1, 2, 3]);
  held.shift()?.();
  await settle();
  expect(seqs(timeline)).toEqual(upTo(1, 9));
  expect(asked.at(-1)).toEqual({ after: 3, limit: 200 });
});

test('while a hole is filled new messages wait and none is doubled', async () => {
  const timeline = await opened(3);
  grow(6);
  held = [];
  timeline.receive(message(6));
  grow(8);
  timeline.receive(message(7));
  timeline.receive(message(8));
  held.shift()?.();
  held = undefined;
  await settle();
  expect(seqs(timeline)).toEqual(upTo(1, 8));
});

test('a hole that cannot be filled now is filled later', async () => {
  const timeline = await opened(3);
  grow(5);
  down = true;
  timeline.receive(message(5));
  await settle();
  expect(seqs(timeline)).toEqual([1, 2, 3]);
  down = false;
  await timers.pass(1_000);
  expect(seqs(timeline)).toEqual(upTo(1, 5));
});

test('when the server has nothing more than announced, it is believed', async () => {
  const timeline = await opened(3);
  timeline.receive(message(9));
  await settle();
  expect(seqs(timeline)).toEqual([1, 2, 3]);
  expect(timeline.view.get().headSeq).toBe(3);
  const questions = asked.length;
  await timers.pass(60_000);
  expect(asked.length).toBe(questions);
});

test('entries that are not listed do not make a hole for ever', async () => {
  const timeline = await opened(3);
  log.push(message(4), message(5), message(6));
  // Entry 5 is an act on an older message: the list leaves it out, the numbering does not.
  const acts = new Set([5]);
  const skipping = new Timeline(async (params) => {
    const page = await list(params);
    return { ...page, items: page.items.filter((item) => !acts.has(item.seq)) };
  }, timers);
  await skipping.open();
  expect(seqs(skipping)).toEqual([1, 2, 3, 4, 6]);
  grow(7);
  skipping.receive(message(7));
  expect(seqs(skipping)).toEqual([1, 2, 3, 4, 6, 7]);
  expect(timeline.view.get().headSeq).toBe(3);
});

test('a very long absence starts again at the end instead of filling', async () => {
  const timeline = await opened(10);
  grow(5_000);
  timeline.behind(5_000);
  await settle();
  expect(seqs(timeline)).toEqual(upTo(4_941, 5_000));
  expect(timeline.view.get().moreBefore).toBe(true);
});

test('older pages come in front until there are none', async () => {
  const timeline = await opened(180);
  await timeline.loadBefore();
  expect(seqs(timeline)).toEqual(upTo(21, 180));
  await timeline.loadBefore();
  expect(seqs(timeline)).toEqual(upTo(1, 180));
  expect(timeline.view.get().moreBefore).toBe(false);
  await timeline.loadBefore();
  expect(asked.length).toBe(3);
});

test('an older page that does not come says so until it is asked for again', async () => {
  const timeline = await opened(180);
  down = true;
  await timeline.loadBefore();
  expect(timeline.view.get()).toMatchObject({ failedBefore: true, loadingBefore: false, moreBefore: true });
  expect(seqs(timeline)).toEqual(upTo(121, 180));
  down = false;
  const again = timeline.loadBefore();
  expect(timeline.view.get()).toMatchObject({ failedBefore: false, loadingBefore: true });
  await again;
  expect(timeline.view.get().failedBefore).toBe(false);
  expect(seqs(timeline)).toEqual(upTo(21, 180));
});

test('two scrolls at once ask once', async () => {
  const timeline = await opened(300);
  await Promise.all([timeline.loadBefore(), timeline.loadBefore()]);
  expect(asked.length).toBe(2);
});

test('opened in the middle it takes no live messages until it has reached the end', async () => {
  const timeline = await opened(500, 200);
  const before = seqs(timeline);
  expect(before).toContain(200);
  grow(501);
  timeline.receive(message(501));
  expect(seqs(timeline)).toEqual(before);
  expect(timeline.view.get()).toMatchObject({ moreAfter: true, headSeq: 501 });
  expect(timeline.cursor()).toBeUndefined();
  for (let page = 0; page < 5; page += 1) await timeline.loadAfter();
  expect(seqs(timeline).at(-1)).toBe(501);
  grow(502);
  timeline.receive(message(502));
  expect(seqs(timeline)).toEqual(upTo(before[0] ?? 0, 502));
});

test('jumping to the latest replaces the window', async () => {
  const timeline = await opened(500, 100);
  await timeline.jumpToLatest();
  expect(seqs(timeline)).toEqual(upTo(441, 500));
});

test('what is announced while the first page is on its way is not lost', async () => {
  grow(3);
  held = [];
  const timeline = new Timeline(list, timers);
  const opening = timeline.open();
  grow(4);
  timeline.receive(message(4));
  const answer = held.shift();
  held = undefined;
  answer?.();
  await opening;
  await settle();
  expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
});

test('what comes while the window is being replaced is not lost either', async () => {
  const timeline = await opened(500, 100);
  held = [];
  const jumping = timeline.jumpToLatest();
  grow(501);
  timeline.receive(message(501));
  const answer = held.shift();
  held = undefined;
  answer?.();
  await jumping;
  await settle();
  expect(seqs(timeline).at(-1)).toBe(501);
});

test('a failed opening says so and can be tried again', async () => {
  down = true;
  const timeline = await opened(3);
  expect(timeline.view.get()).toMatchObject({ phase: 'error', error: { class: 'network' } });
  down = false;
  await timeline.open();
  expect(seqs(timeline)).toEqual([1, 2, 3]);
});

test('a rewritten message is replaced where it stands', async () => {
  const timeline = await opened(5);
  timeline.change(message(3, '改过了'));
  expect(timeline.view.get().items[2]?.text).toBe('改过了');
  expect(seqs(timeline)).toEqual(upTo(1, 5));
});

test('a new direct chat begins without asking and takes its first message', async () => {
  const timeline = new Timeline(list, timers);
  timeline.openEmpty();
  expect(timeline.view.get().phase).toBe('ready');
  timeline.receive(message(1));
  expect(seqs(timeline)).toEqual([1]);
  expect(asked.length).toBe(0);
});

test('a very busy conversation that is open lets go of its far past and can have it again', async () => {
  const timeline = await opened(10);
  grow(LIVE_ITEMS_MAX + 1);
  for (const live of log.slice(10)) timeline.receive(live);
  timeline.trimLive();
  expect(seqs(timeline)).toEqual(upTo(LIVE_ITEMS_MAX + 2 - LIVE_ITEMS_KEPT, LIVE_ITEMS_MAX + 1));
  await timeline.loadBefore();
  expect(seqs(timeline)[0]).toBe(LIVE_ITEMS_MAX + 2 - LIVE_ITEMS_KEPT - 100);
});

test('what nobody looks at is let go, and comes back when asked for', async () => {
  const timeline = await opened(700);
  for (let page = 0; page < 5; page += 1) await timeline.loadBefore();
  timeline.trim();
  expect(seqs(timeline)).toEqual(upTo(701 - IDLE_ITEMS, 700));
  await timeline.loadBefore();
  expect(seqs(timeline)[0]).toBe(701 - IDLE_ITEMS - 100);
});

test('begun before it is known where one stopped reading, it opens there when the newest page shows it', async () => {
  grow(100);
  held = [];
  const timeline = new Timeline(list, timers);
  const opening = timeline.open();
  await timeline.open(50);
  await settle();
  held.forEach((go) => go());
  held = undefined;
  await opening;
  expect(asked).toEqual([{ limit: 60 }]);
  expect(seqs(timeline)).toEqual(upTo(41, 100));
});

test('begun before it is known where one stopped reading, it asks for that place and shows no other before', async () => {
  grow(500);
  held = [];
  const timeline = new Timeline(list, timers);
  const shown: number[] = [];
  timeline.view.subscribe(() => shown.push(...seqs(timeline).slice(0, 1)));
  const opening = timeline.open();
  await timeline.open(50);
  await settle();
  const first = held;
  held = undefined;
  first.forEach((go) => go());
  await opening;
  expect(asked).toEqual([{ limit: 60 }, { around: 50, limit: 60 }]);
  expect(shown).toEqual([20]);
  await timeline.jumpToLatest();
  expect(seqs(timeline).at(-1)).toBe(500);
});

test('asked for a place that is being asked for itself, it waits for that beside the newest page', async () => {
  grow(500);
  const timeline = new Timeline(list, timers);
  const shown: number[] = [];
  timeline.view.subscribe(() => shown.push(...seqs(timeline).slice(0, 1)));
  let tell: (place: number | undefined) => void = () => {};
  const opening = timeline.open(
    new Promise((told) => {
      tell = told;
    }),
  );
  await settle();
  expect(asked).toEqual([{ limit: 60 }]);
  expect(shown).toEqual([]);
  tell(50);
  await opening;
  expect(asked).toEqual([{ limit: 60 }, { around: 50, limit: 60 }]);
  expect(shown).toEqual([20]);
});

test('a place is shown with the one before it, which decides what stands above it', async () => {
  grow(100);
  const timeline = new Timeline(list, timers);
  await timeline.open(Promise.resolve(41));
  expect(asked).toEqual([{ limit: 60 }, { around: 41, limit: 60 }]);
  expect(seqs(timeline)[0]).toBeLessThan(41);
});

test('a page made before the connection opened and come after it does not hide what came between', async () => {
  grow(3);
  held = [];
  const timeline = new Timeline(list, timers);
  const opening = timeline.open();
  await settle();
  grow(4);
  // The connection has opened: it is told nothing of the fourth, which was pushed to nobody.
  timeline.behind(undefined);
  const [go] = held;
  held = undefined;
  go?.();
  await opening;
  await settle();
  expect(seqs(timeline)).toEqual(upTo(1, 4));
});

test('what is announced while a page is on its way that was made before is asked for once more', async () => {
  const timeline = await opened(3);
  held = [];
  timeline.behind(undefined);
  await settle();
  grow(4);
  timeline.behind(4);
  const [go] = held;
  held = undefined;
  go?.();
  await settle();
  expect(seqs(timeline)).toEqual(upTo(1, 4));
});

test('a window that opens while the one before is still being filled is filled behind it', async () => {
  const timeline = await opened(200);
  const answers: (() => void)[] = [];
  held = answers;
  timeline.behind(undefined);
  await settle();
  const around = timeline.open(20);
  await settle();
  answers[1]?.();
  await around;
  const newest = timeline.jumpToLatest();
  await settle();
  grow(201);
  timeline.receive(message(201));
  answers[2]?.();
  await newest;
  expect(seqs(timeline).at(-1)).toBe(200);
  held = undefined;
  answers[0]?.();
  await settle();
  expect(seqs(timeline).at(-1)).toBe(201);
});
