// The client's core without a browser, against the real server: what the screens rely on.
import { Api } from './api';
import { Device, MemoryStorage } from './node_client';
import { MemoryOutboxStore } from '../src/core/outbox_store';
import { expect, PASSWORD, test } from './world';

const STEPS = 60;

test('two devices of one person and a colleague see the same, whatever is cut', async ({ server, company }) => {
  const wang = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const phone = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const li = await new Device(server).signsIn(company.li.login, PASSWORD);
  const chat = await wang.client.call('conversation.open_direct', { user_id: company.li.user_id });
  const id = chat.conversation_id;
  const devices = [wang, phone, li];
  const written: string[] = [];
  const write = (device: Device, text: string) => {
    const peer = device === li ? company.wang : company.li;
    written.push(text);
    expect(device.client.outbox.add({ conversation_id: id, peer_id: peer.user_id }, text)).toBe(true);
  };
  write(wang, '开始');
  await li.until(() => li.client.conversations.row(id)?.head_seq === 1, 'the first message came');
  for (const device of devices) await device.client.timeline(id).open();

  let dice = 7;
  const below = (limit: number) => (dice = (dice * 48_271) % 2_147_483_647) % limit;
  for (let step = 0; step < STEPS; step += 1) {
    const device = devices[below(devices.length)]!;
    const what = below(20);
    if (what < 13) write(device, `第${step}句`);
    else if (what < 18) device.cut();
    else if (what === 18) {
      write(device, `第${step}句，服务器被杀`);
      await server.kill();
      write(device, `第${step}句，服务器不在`);
      await server.start();
    } else device.client.connection.hurry();
  }

  const api = new Api(server);
  await api.signIn(company.wang.login, PASSWORD);
  const log = async () => {
    const page = await api.call<{ items: { text?: string }[] }>('message.list', { conversation_id: id, limit: 200 });
    return page.items.flatMap((item) => item.text ?? []);
  };
  await wang.until(async () => (await log()).length >= written.length, 'all was sent');
  const truth = await log();
  expect(truth.toSorted(), 'each once, and nothing else').toEqual(written.toSorted());
  for (const device of devices) {
    await device.until(() => device.texts(id).length >= truth.length, 'the device has all');
    expect(device.texts(id)).toEqual(truth);
    expect(await device.outbox.all(device.client.me())).toEqual([]);
    device.leave();
  }
});

test('what was written before a reload is sent once by the page that comes after it', async ({ server, company }) => {
  const li = await new Device(server).signsIn(company.li.login, PASSWORD);
  const before = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const chat = await before.client.call('conversation.open_direct', { user_id: company.li.user_id });
  const target = { conversation_id: chat.conversation_id, peer_id: company.li.user_id };
  await server.kill();
  before.client.outbox.add(target, '断线时写的');
  await before.until(async () => (await before.outbox.all(before.client.me())).length === 1, 'it is kept');
  before.leave();
  await server.start();
  const after = await new Device(server, before.outbox).signsIn(company.wang.login, PASSWORD);
  await li.until(() => li.client.conversations.row(target.conversation_id)?.count === 1, 'it came');
  await after.until(async () => (await after.outbox.all(after.client.me())).length === 0, 'it is settled');
  expect(li.client.conversations.row(target.conversation_id)?.last?.text).toBe('断线时写的');
  expect(li.client.conversations.row(target.conversation_id)?.unread).toBe(1);
  after.leave();
  li.leave();
});

test('a draft outlives a reload and is the person\'s own', async ({ server, company }) => {
  const storage = new MemoryStorage();
  const before = await new Device(server, new MemoryOutboxStore(), storage).signsIn(company.wang.login, PASSWORD);
  const { conversation_id: id } = await before.client.call('conversation.open_direct', { user_id: company.li.user_id });
  before.client.drafts.set(id, '写到一半');
  before.client.flush();
  before.leave();
  const after = await new Device(server, new MemoryOutboxStore(), storage).signsIn(company.wang.login, PASSWORD);
  expect(after.client.drafts.get(id)).toBe('写到一半');
  after.client.signOut();
  await after.client.signIn(company.li.login, PASSWORD);
  expect(after.client.drafts.get(id)).toBe('');
  after.leave();
});

test('reading, typing and being there are told to whoever should know', async ({ server, company }) => {
  const wang = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const phone = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const li = await new Device(server).signsIn(company.li.login, PASSWORD);
  const { conversation_id: id } = await li.client.call('conversation.open_direct', { user_id: company.wang.user_id });
  for (const text of ['一', '二', '三']) li.client.outbox.add({ conversation_id: id, peer_id: company.wang.user_id }, text);
  for (const device of [wang, phone]) await device.until(() => device.client.conversations.row(id)?.unread === 3, 'three are unread');
  await li.client.conversations.fetch(id);
  const readByWang = () =>
    li.client.conversations.details.get().get(id)?.members?.find(({ user_id }) => user_id === company.wang.user_id)?.read_seq;
  expect(readByWang() ?? 0).toBe(0);

  wang.client.markRead(id, 2);
  await phone.until(() => phone.client.conversations.row(id)?.unread === 1, 'the phone knows that two are read');
  await li.until(() => readByWang() === 2, 'the author knows that two are read');
  wang.client.markRead(id, 3);
  await phone.until(() => phone.client.conversations.row(id)?.unread === 0, 'the phone knows that all are read');

  wang.client.typed(id);
  await li.until(() => li.client.typing.get().get(id)?.has(company.wang.user_id) === true, 'typing is told');

  const there = () => li.client.people.presence.get().get(company.wang.user_id);
  li.client.people.watch([company.wang.user_id]);
  await li.until(() => there()?.online === true, 'wang is there');
  wang.leave();
  await phone.until(() => phone.client.connection.state.get().kind === 'open', 'the phone stays');
  expect(there()?.online, 'one device is left').toBe(true);
  phone.leave();
  await li.until(() => there()?.online === false && there()?.last_seen_at !== undefined, 'wang has left');
  const back = await new Device(server).signsIn(company.wang.login, PASSWORD);
  await li.until(() => there()?.online === true, 'wang is back');
  // The watch is asked for anew on a line that is new.
  li.cut();
  await li.until(() => li.openings.length === 2, 'the line is back');
  back.leave();
  await li.until(() => there()?.online === false, 'wang has left again');
  li.leave();
});

for (const [what, missed] of [
  ['recovered', 30],
  ['reload', 230],
] as const) {
  test(`who was away for ${missed} messages has them all in order (${what})`, async ({ server, company }) => {
    const wang = await new Device(server).signsIn(company.wang.login, PASSWORD);
    const li = await new Device(server).signsIn(company.li.login, PASSWORD);
    const { conversation_id: id } = await li.client.call('conversation.open_direct', { user_id: company.wang.user_id });
    const target = { conversation_id: id, peer_id: company.wang.user_id };
    li.client.outbox.add(target, '0');
    await wang.until(() => wang.client.conversations.row(id)?.head_seq === 1, 'the first message came');
    await wang.client.timeline(id).open();
    wang.leaves();
    await wang.until(() => wang.client.connection.state.get().kind === 'waiting', 'wang is away');
    for (let n = 1; n <= missed; n += 1) li.client.outbox.add(target, String(n));
    await li.until(async () => (await li.outbox.all(li.client.me())).length === 0, 'all is sent');
    expect(wang.texts(id)).toEqual(['0']);

    wang.returns();
    const all = Array.from({ length: missed + 1 }, (_, n) => String(n));
    await wang.until(() => wang.texts(id).length === all.length, 'wang has what was missed');
    expect(wang.texts(id)).toEqual(all);
    expect(wang.openings.at(-1)?.logs.conversations[id]?.state).toBe(what);
    await wang.until(() => wang.client.conversations.row(id)?.unread === all.length, 'and it counts as unread');
    li.client.outbox.add(target, '还在');
    await wang.until(() => wang.texts(id).at(-1) === '还在', 'the line lives');
    wang.leave();
    li.leave();
  });
}

test('a session is renewed on the open line, after a sleep, and by two tabs at once', async ({ server, company }) => {
  const wang = await new Device(server).signsIn(company.wang.login, PASSWORD);
  const renewed = () => wang.sent.filter((frame) => frame.includes('connection.renew')).length;
  const token = () => wang.client.api.signedIn()?.access_token;

  // The server says that the session of this line ends soon: another token, the same line.
  const first = token();
  wang.hears(['connection.expiring', { expires_at: Date.now() + 60_000 }]);
  await wang.until(() => renewed() === 1, 'the new token is told on the line');
  expect(token()).not.toBe(first);
  expect(wang.openings).toHaveLength(1);
  await wang.client.call('session.list', {});

  // Asleep past the end of the token: another one is asked for before the line is opened.
  const second = token();
  wang.leaves();
  wang.skewMs += 20 * 60_000;
  const asked = wang.posted.length;
  wang.returns();
  await wang.until(() => wang.openings.length === 2, 'the line is back');
  expect(token()).not.toBe(second);
  expect(new Set(wang.posted.slice(asked))).toEqual(new Set(['session.refresh']));
  expect(wang.client.session.get().kind).toBe('ready');
  expect(wang.client.clockWrong.get(), 'the clock of the device is wrong now').toBe(true);

  // Two tabs that know nothing of each other renew with one cookie.
  const twin = await wang.twin();
  const tokens = await Promise.all([wang.client.api.freshToken(), twin.client.api.freshToken()]);
  expect(tokens.every((one) => one.length > 0)).toBe(true);
  for (const tab of [wang, twin]) {
    await tab.client.api.call('session.list', {});
    tab.cut();
    await tab.until(() => tab.client.connection.state.get().kind !== 'open', 'the line is lost');
    await tab.until(() => tab.client.connection.state.get().kind === 'open', 'and is back');
    expect(tab.client.session.get().kind).toBe('ready');
    tab.leave();
  }
});
