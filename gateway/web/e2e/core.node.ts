// The client's core without a browser, against the real server: what the screens rely on.
import { Api } from './api';
import { Device } from './node_client';
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
