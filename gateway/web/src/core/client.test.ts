// The whole client against a scripted server: what a person would see after everything that goes wrong.

import { beforeEach, expect, test } from 'vitest';

import { ScriptedServer } from '../testing/server';
import { eventually, ManualTimers } from '../testing/time';
import { Client } from './client';
import { MemoryOutboxStore } from './outbox_store';

let timers: ManualTimers;
let server: ScriptedServer;
let nextId = 0;

async function clientOf(
  userId: string,
  store = new MemoryOutboxStore(),
  openSocket = server.socketFor(userId),
): Promise<Client> {
  const client = new Client({
    api: {
      fetch: server.fetchFor(userId),
      lock: (_, work) => work(),
      tabs: { send: () => {}, listen: () => {} },
    },
    socket: { url: 'ws://test/ws', openSocket, online: () => true },
    timers,
    random: () => 0.5,
    newId: () => {
      nextId += 1;
      return `id-${String(nextId).padStart(4, '0')}`;
    },
    storage: undefined,
    outbox: store,
    deviceId: `device-${userId}`,
    deviceName: 'test',
    locale: () => 'zh-CN',
  });
  await client.start();
  await timers.pass(10);
  return client;
}

/** What stands in the conversation: messages of the log, then those on their way. */
function texts(client: Client, id = 'c1'): string[] {
  const waiting = client.outbox.items.get().get(id) ?? [];
  const sent = client.timeline(id).view.get().items;
  return [...sent.map((message) => message.text ?? ''), ...waiting.map((item) => `${item.text}…`)];
}

async function look(client: Client, id = 'c1'): Promise<void> {
  await client.conversations.fetch(id);
  await client.timeline(id).open();
  await timers.pass(10);
}

beforeEach(() => {
  timers = new ManualTimers();
  server = new ScriptedServer(timers);
  nextId = 0;
  for (const [id, name] of [['wang', '王芳'], ['li', '李娜']] as const) server.addPerson(id, name);
  server.addTalk('c1', 'direct', ['wang', 'li']);
  server.write('c1', 'li', '早');
});

test('a file becomes a message that both see, and its name stands in the list', async () => {
  const wang = await clientOf('wang');
  const li = await clientOf('li');
  await look(wang);
  await look(li);
  const uploads = await wang.uploads();
  uploads.add({ conversation_id: 'c1' }, [new File(['三百元'], '报价.pdf')]);
  await eventually(() => wang.uploading.get().size === 0);
  await timers.pass(10);
  const { items } = li.timeline('c1').view.get();
  expect(items.at(-1)).toMatchObject({ kind: 'file', file: { file_id: 'f1', name: '报价.pdf' }, author_id: 'wang' });
  expect(server.files.get('f1')?.has).toBe(9);
  expect(li.conversations.row('c1')?.last).toMatchObject({ kind: 'file', file_name: '报价.pdf' });
  expect(wang.outbox.items.get().size).toBe(0);
});

test('two people talk and both see the same in the same order', async () => {
  const wang = await clientOf('wang');
  const li = await clientOf('li');
  await look(wang);
  await look(li);
  wang.outbox.add({ conversation_id: 'c1' }, '去拜访客户吗？');
  await timers.pass(10);
  li.outbox.add({ conversation_id: 'c1' }, '九点出发');
  await timers.pass(10);
  expect(texts(wang)).toEqual(['早', '去拜访客户吗？', '九点出发']);
  expect(texts(li)).toEqual(texts(wang));
});

test('PLAT-i04 the server dies with a message on its way: nothing lost, nothing doubled', async () => {
  const wang = await clientOf('wang');
  const li = await clientOf('li');
  await look(wang);
  await look(li);
  server.loseAnswers = 1;
  server.losePushes = new Set([2]);
  wang.outbox.add({ conversation_id: 'c1' }, '一');
  await timers.pass(1);
  server.kill();
  wang.outbox.add({ conversation_id: 'c1' }, '二');
  await timers.pass(20_000);
  expect(texts(wang)).toEqual(['早', '一…', '二…']);
  server.down = false;
  await timers.pass(20_000);
  expect(texts(wang)).toEqual(['早', '一', '二']);
  expect(texts(li)).toEqual(['早', '一', '二']);
  expect(server.talks.get('c1')?.log.length).toBe(3);
});

test('both write while one is away; afterwards order and unread are right', async () => {
  const store = new MemoryOutboxStore();
  const wang = await clientOf('wang', store);
  await look(wang);
  server.kill();
  wang.outbox.add({ conversation_id: 'c1' }, '我这边断网了');
  await timers.pass(1_000);
  for (const text of ['在吗？', '看到回我']) server.write('c1', 'li', text);
  server.down = false;
  await timers.pass(20_000);
  expect(texts(wang)).toEqual(['早', '在吗？', '看到回我', '我这边断网了']);
  expect(wang.conversations.row('c1')?.head_seq).toBe(4);
});

test('a reload sends what an earlier page could not', async () => {
  const store = new MemoryOutboxStore();
  const before = await clientOf('wang', store);
  await look(before);
  server.kill();
  before.outbox.add({ conversation_id: 'c1' }, '写于断线之后');
  await timers.pass(100);
  before.connection.stop();
  server.down = false;
  const after = await clientOf('wang', store);
  await look(after);
  expect(texts(after)).toEqual(['早', '写于断线之后']);
});

test('a push that got lost shows up with the next one', async () => {
  const wang = await clientOf('wang');
  await look(wang);
  server.losePushes = new Set([2, 3]);
  for (const text of ['一', '二', '三']) server.write('c1', 'li', text);
  await timers.pass(10);
  expect(texts(wang)).toEqual(['早', '一', '二', '三']);
});

test('a slow client is told to catch up and does', async () => {
  const wang = await clientOf('wang');
  await look(wang);
  server.losePushes = new Set([2, 3]);
  server.write('c1', 'li', '一');
  server.write('c1', 'li', '二');
  server.push(['wang'], 'connection.resync', {});
  await timers.pass(10);
  expect(texts(wang)).toEqual(['早', '一', '二']);
  expect(wang.conversations.row('c1')?.unread).toBe(3);
});

test('what happened in other conversations while away is in the list', async () => {
  server.addTalk('c2', 'discussion', ['wang', 'li']);
  server.write('c2', 'li', '大家好');
  const wang = await clientOf('wang');
  server.kill();
  await timers.pass(1_000);
  server.write('c2', 'li', '有人吗');
  server.down = false;
  await timers.pass(20_000);
  expect(wang.conversations.row('c2')).toMatchObject({ unread: 2, last: { text: '有人吗' } });
  expect(wang.conversations.view.get().rows[0]?.conversation_id).toBe('c2');
});

test('two windows of one person stay in step', async () => {
  const desk = await clientOf('wang');
  const phone = await clientOf('wang');
  await look(desk);
  await look(phone);
  desk.outbox.add({ conversation_id: 'c1' }, '在电脑上写的');
  await timers.pass(10);
  expect(texts(phone)).toEqual(['早', '在电脑上写的']);
  server.write('c1', 'li', '看到了吗？');
  await timers.pass(10);
  expect(desk.conversations.row('c1')?.unread).toBe(1);
  phone.markRead('c1', 3);
  await timers.pass(400);
  expect(desk.conversations.row('c1')?.unread).toBe(0);
});

test('the other side sees that it has been read', async () => {
  const wang = await clientOf('wang');
  const li = await clientOf('li');
  await look(wang);
  await look(li);
  wang.outbox.add({ conversation_id: 'c1' }, '一');
  await timers.pass(10);
  li.markRead('c1', 2);
  await timers.pass(400);
  const members = wang.conversations.details.get().get('c1')?.members;
  expect(members?.find((member) => member.user_id === 'li')?.read_seq).toBe(2);
});

test('removed while typing: the conversation goes, the draft stays, the message fails with a reason', async () => {
  server.addTalk('c2', 'discussion', ['wang', 'li']);
  server.write('c2', 'li', '大家好');
  const wang = await clientOf('wang');
  await look(wang, 'c2');
  wang.drafts.set('c2', '还没写完');
  server.remove('c2', 'wang');
  wang.outbox.add({ conversation_id: 'c2' }, '等一下');
  await timers.pass(100);
  expect(wang.conversations.row('c2')).toBeUndefined();
  expect(wang.conversations.details.get().has('c2')).toBe(false);
  expect(wang.drafts.get('c2')).toBe('还没写完');
  expect(wang.outbox.items.get().get('c2')?.[0]).toMatchObject({ state: 'failed', failure: { class: 'not_found' } });
});

test('removed while away: the list knows after coming back', async () => {
  server.addTalk('c2', 'discussion', ['wang', 'li']);
  server.write('c2', 'li', '大家好');
  const wang = await clientOf('wang');
  await look(wang, 'c2');
  server.kill();
  await timers.pass(100);
  server.remove('c2', 'wang');
  server.down = false;
  await timers.pass(20_000);
  expect(wang.conversations.row('c2')).toBeUndefined();
});

test('a first message in a conversation one has never seen brings it into the list', async () => {
  const wang = await clientOf('wang');
  server.addTalk('c3', 'direct', ['wang', 'li']);
  server.write('c3', 'li', '你好');
  await timers.pass(10);
  expect(wang.conversations.row('c3')).toMatchObject({ unread: 1 });
});

test('typing shows for a few seconds and ends with the message', async () => {
  const wang = await clientOf('wang');
  const typed = () => wang.typing.get().get('c1')?.has('li') ?? false;
  server.push(['wang'], 'conversation.typed', { conversation_id: 'c1', user_id: 'li' });
  expect(typed()).toBe(true);
  await timers.pass(5_000);
  expect(typed()).toBe(false);
  server.push(['wang'], 'conversation.typed', { conversation_id: 'c1', user_id: 'li' });
  server.write('c1', 'li', '好');
  expect(typed()).toBe(false);
});

test('typing is told at most every three seconds', async () => {
  const wang = await clientOf('wang');
  const before = server.methods.filter((method) => method === 'conversation.typing').length;
  for (let i = 0; i < 10; i += 1) wang.typed('c1');
  await timers.pass(3_000);
  wang.typed('c1');
  expect(server.methods.filter((method) => method === 'conversation.typing').length - before).toBe(2);
});

test('a page that finds no server says so and gets in by itself when there is one', async () => {
  server.down = true;
  const wang = await clientOf('wang');
  expect(wang.session.get().kind).toBe('unreachable');
  server.down = false;
  await timers.pass(3_100);
  expect(wang.session.get().kind).toBe('ready');
});

test('signing out takes everything off the screen at once, and the next person waits for it', async () => {
  const wang = await clientOf('wang');
  await look(wang);
  wang.signOut();
  expect(wang.session.get()).toMatchObject({ kind: 'signed_out', why: 'chosen' });
  expect(wang.conversations.view.get().rows).toEqual([]);
  expect(wang.connection.state.get().kind).toBe('stopped');
  await timers.pass(10);
  expect(server.methods).toContain('session.sign_out');
});

test('another store behind the server empties what is kept', async () => {
  const wang = await clientOf('wang');
  let told = 0;
  wang.onOtherStore = () => {
    told += 1;
  };
  server.kill();
  server.down = false;
  await timers.pass(5_000);
  expect(told).toBe(0);
});

test('memory stays bounded however many conversations one looks into', async () => {
  const wang = await clientOf('wang');
  for (let i = 0; i < 60; i += 1) {
    server.addTalk(`m${i}`, 'direct', ['wang', 'li']);
    server.write(`m${i}`, 'li', '字');
    await look(wang, `m${i}`);
  }
  server.methods.length = 0;
  server.push(['wang'], 'connection.resync', {});
  await timers.pass(10);
  expect(server.methods.filter((method) => method === 'message.list').length).toBe(30);
});

test('the list comes over the socket, once; where none opens, without it', async () => {
  await clientOf('wang');
  await timers.pass(5_000);
  expect(server.methods.filter((method) => method === 'conversation.list')).toHaveLength(1);

  const deaf = await clientOf('wang', new MemoryOutboxStore(), () => ({
    onopen: null,
    onmessage: null,
    onclose: null,
    send: () => {},
    close: () => {},
  }));
  await timers.pass(500);
  expect(deaf.conversations.view.get().phase).toBe('empty');
  await timers.pass(1_000);
  expect(deaf.conversations.view.get().rows.map((row) => row.conversation_id)).toEqual(['c1']);
});

test('what the screen of a conversation will ask for can be asked for before there is one, and once', async () => {
  const wang = await clientOf('wang');
  server.methods.length = 0;
  wang.prepare('c1');
  expect(wang.takePrepared('c1')).toBe(false);
  wang.prepare('c1');
  await timers.pass(50);
  expect(texts(wang)).toEqual(['早']);
  expect(wang.people.known.get().get('li')?.name).toBe('李娜');
  expect(wang.takePrepared('c1')).toBe(true);
  expect(wang.takePrepared('c1')).toBe(false);
  expect(server.methods.toSorted()).toEqual(['conversation.get', 'directory.get', 'message.list']);
});

test('nothing is drawn for an answer that says the same once more', async () => {
  const wang = await clientOf('wang');
  await look(wang);
  let drawn = 0;
  for (const cell of [wang.conversations.details, wang.people.known, wang.session]) cell.subscribe(() => (drawn += 1));
  await wang.conversations.fetch('c1');
  wang.people.put([...wang.people.known.get().values()].map((person) => ({ ...person })));
  expect(drawn).toBe(0);
  server.people.set('li', { ...server.people.get('li')!, name: '李娜娜' });
  wang.people.put([server.people.get('li')!]);
  expect(drawn).toBe(1);
});
