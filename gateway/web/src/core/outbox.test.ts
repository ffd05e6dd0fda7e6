import { beforeEach, expect, test } from 'vitest';

import { ManualTimers, settle } from '../testing/time';
import { type ApiError, networkError, readError } from './errors';
import { Outbox, OUTBOX_MAX, type OutboxItem } from './outbox';
import { MemoryOutboxStore } from './outbox_store';
import type { FinishedFile, Message } from './wire';

let timers: ManualTimers;
let store: MemoryOutboxStore;
let connected: boolean;
/** What the server has written, once for each client id. */
let written: OutboxItem[];
let calls: string[];
/** One for each send: what goes wrong. `lost` writes and loses the answer. */
let faults: (ApiError | 'lost' | undefined)[];
let nextId: number;

function refused(kind: string, extra: object = {}): ApiError {
  return readError({ class: kind, code: 'test', message: { zh: '不行', en: 'no' }, ...extra });
}

async function send(item: OutboxItem): Promise<Message> {
  calls.push(item.text);
  const fault = faults.shift();
  await Promise.resolve();
  if (fault instanceof Error) throw fault;
  if (!written.some((old) => old.client_msg_id === item.client_msg_id)) written.push(item);
  if (fault === 'lost') throw networkError('closed');
  const seq = written.findIndex((old) => old.client_msg_id === item.client_msg_id) + 1;
  const { conversation_id, client_msg_id, text } = item;
  return { conversation_id, client_msg_id, text, seq, count: seq, kind: 'text', author_id: 'me', sent_at: seq };
}

function makeOutbox(): Outbox {
  return new Outbox({
    store,
    send,
    connected: () => connected,
    lock: (_, work) => work(),
    timers,
    newId: () => {
      nextId += 1;
      return `id-${String(nextId).padStart(4, '0')}`;
    },
    onSent: () => {},
    announce: () => {},
  });
}

async function ready(): Promise<Outbox> {
  const outbox = makeOutbox();
  await outbox.load('me');
  return outbox;
}

function waiting(outbox: Outbox, id = 'c1'): string[] {
  return (outbox.items.get().get(id) ?? []).map((item) => `${item.text}:${item.state}`);
}

beforeEach(() => {
  timers = new ManualTimers();
  store = new MemoryOutboxStore();
  connected = true;
  written = [];
  calls = [];
  faults = [];
  nextId = 0;
});

test('a message is shown at once, sent, and gone when it is answered', async () => {
  const outbox = await ready();
  outbox.add({ conversation_id: 'c1' }, '你好');
  expect(waiting(outbox)).toEqual(['你好:waiting']);
  await settle();
  expect(written.map((item) => item.text)).toEqual(['你好']);
  expect(waiting(outbox)).toEqual([]);
  expect(await store.all('me')).toEqual([]);
});

test('messages of one conversation go one after the other in the order they were written', async () => {
  const outbox = await ready();
  faults = [undefined, networkError('closed')];
  for (const text of ['一', '二', '三']) outbox.add({ conversation_id: 'c1' }, text);
  await settle();
  expect(written.map((item) => item.text)).toEqual(['一']);
  expect(waiting(outbox)).toEqual(['二:waiting', '三:waiting']);
  await timers.pass(1_000);
  expect(written.map((item) => item.text)).toEqual(['一', '二', '三']);
});

test('a lost answer is asked for again with the same id and never doubles', async () => {
  const outbox = await ready();
  faults = ['lost', 'lost'];
  outbox.add({ conversation_id: 'c1' }, '付款了');
  await settle();
  await timers.pass(5_000);
  expect(calls).toEqual(['付款了', '付款了', '付款了']);
  expect(written.length).toBe(1);
  expect(waiting(outbox)).toEqual([]);
});

test('a file is sent like a text, survives a reload, and is sent under a new id when the old one is too old', async () => {
  const file: FinishedFile = { file_id: 'f1', name: '报价.pdf', size: 9, mime: 'application/pdf', kind: 'file' };
  connected = false;
  const before = await ready();
  before.add({ conversation_id: 'c1' }, file);
  before.add({ conversation_id: 'c1' }, '请看');
  expect(before.items.get().get('c1')?.[0]).toMatchObject({ text: '', file, state: 'waiting' });
  await settle();
  connected = true;
  faults = [refused('conflict', { code: 'expired' })];
  const after = await ready();
  await settle();
  await after.retry('id-0001');
  await settle();
  expect(written.map((item) => [item.client_msg_id, item.file?.file_id])).toEqual([
    ['id-0002', undefined],
    ['id-0003', 'f1'],
  ]);
});

test('without a connection everything waits, and goes when it is back', async () => {
  const outbox = await ready();
  connected = false;
  outbox.add({ conversation_id: 'c1' }, '一');
  outbox.add({ conversation_id: 'c2', peer_id: 'u2' }, '二');
  await timers.pass(60_000);
  expect(calls).toEqual([]);
  connected = true;
  outbox.kick();
  await settle();
  expect(written.map((item) => item.text).toSorted()).toEqual(['一', '二'].toSorted());
  expect(written.find((item) => item.text === '二')?.peer_id).toBe('u2');
});

test('a reload takes up what was left, with the same ids', async () => {
  connected = false;
  const before = await ready();
  before.add({ conversation_id: 'c1' }, '写于断线之后');
  await settle();
  connected = true;
  const after = await ready();
  await settle();
  expect(written.map((item) => item.client_msg_id)).toEqual(['id-0001']);
  expect(waiting(after)).toEqual([]);
});

test('what belongs to another person stays where it is', async () => {
  connected = false;
  const mine = await ready();
  mine.add({ conversation_id: 'c1' }, '我的');
  await settle();
  const theirs = makeOutbox();
  connected = true;
  await theirs.load('somebody else');
  await settle();
  expect(theirs.items.get().size).toBe(0);
  expect(written).toEqual([]);
});

test('a refusal for good is shown, and the next message is sent all the same', async () => {
  const outbox = await ready();
  faults = [refused('forbidden')];
  outbox.add({ conversation_id: 'c1' }, '一');
  outbox.add({ conversation_id: 'c1' }, '二');
  await settle();
  expect(waiting(outbox)).toEqual(['一:failed']);
  expect(written.map((item) => item.text)).toEqual(['二']);
  expect((await store.all('me'))[0]).toMatchObject({ state: 'failed', failure: { class: 'forbidden', zh: '不行' } });
});

test('the person sends a failed one again', async () => {
  const outbox = await ready();
  faults = [refused('forbidden')];
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await outbox.retry('id-0001');
  await settle();
  expect(written.map((item) => item.client_msg_id)).toEqual(['id-0001']);
  expect(waiting(outbox)).toEqual([]);
});

test('a message whose id is too old is sent under a new one', async () => {
  const outbox = await ready();
  faults = [refused('conflict', { code: 'expired' })];
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await outbox.retry('id-0001');
  await settle();
  expect(written.map((item) => item.client_msg_id)).toEqual(['id-0002']);
});

test('the person throws a failed one away', async () => {
  const outbox = await ready();
  faults = [refused('invalid')];
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await outbox.discard('id-0001');
  expect(waiting(outbox)).toEqual([]);
  expect(await store.all('me')).toEqual([]);
});

test('"not so fast" waits as long as the server says', async () => {
  const outbox = await ready();
  faults = [refused('limited', { retry_after_ms: 7_000 })];
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await timers.pass(6_900);
  expect(calls.length).toBe(1);
  await timers.pass(200);
  expect(written.length).toBe(1);
});

test('a server that cannot is asked a few times, then the person decides', async () => {
  const outbox = await ready();
  faults = Array.from({ length: 20 }, () => refused('unavailable'));
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await timers.pass(300_000);
  expect(calls.length).toBe(6);
  expect(waiting(outbox)).toEqual(['一:failed']);
});

test('signed out, messages wait without a limit', async () => {
  const outbox = await ready();
  faults = [refused('unauthenticated')];
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await timers.pass(600_000);
  expect(calls.length).toBe(1);
  expect(waiting(outbox)).toEqual(['一:waiting']);
  outbox.kick();
  await settle();
  expect(written.length).toBe(1);
});

test('one that another tab has sent meanwhile is not sent again', async () => {
  const outbox = await ready();
  connected = false;
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  await store.remove('id-0001');
  connected = true;
  outbox.kick();
  await settle();
  expect(calls).toEqual([]);
  expect(waiting(outbox)).toEqual([]);
});

test('a live entry that comes before the answer settles the message', async () => {
  const outbox = await ready();
  connected = false;
  outbox.add({ conversation_id: 'c1' }, '一');
  await settle();
  outbox.settled('id-0001');
  outbox.settled('id-9999');
  await settle();
  expect(waiting(outbox)).toEqual([]);
});

test('there is a limit to what waits', async () => {
  const outbox = await ready();
  connected = false;
  for (let i = 0; i < OUTBOX_MAX; i += 1) expect(outbox.add({ conversation_id: 'c1' }, '字')).toBe(true);
  expect(outbox.add({ conversation_id: 'c1' }, '字')).toBe(false);
});

test('what is written in one moment, or after the clock was set back, is sent in the order of writing', async () => {
  const outbox = await ready();
  connected = false;
  nextId = 9_000;
  for (const text of ['一', '二', '三']) {
    // Ids that sort the other way round.
    nextId -= 2;
    outbox.add({ conversation_id: 'c1' }, text);
  }
  expect(waiting(outbox)).toEqual(['一:waiting', '二:waiting', '三:waiting']);
  await settle();
  const later = makeOutbox();
  await later.load('me');
  connected = true;
  later.kick();
  await settle();
  expect(calls).toEqual(['一', '二', '三']);
});
