import { beforeEach, expect, test } from 'vitest';

import { ScriptedSocket } from '../testing/socket';
import { ManualTimers, settle } from '../testing/time';
import { backOffMs, Connection, type ConnectionDeps } from './connection';
import { type ApiError, networkError, readError } from './errors';
import type { OpenResult } from './wire';

const OPENED: OpenResult = {
  user: { user_id: 'u1', name: '张伟', login: 'zhangwei', role: 'admin', initial: 'Z', online: true },
  space: { space_id: 's1', name: '超客科技' },
  server_now_at: 1_750_000_000_000,
  expires_at: 1_750_000_900_000,
  incarnation: 'i1',
  heartbeat_ms: 30_000,
  max_in_flight: 2,
  reconnect: { min_ms: 500, max_ms: 8_000 },
  logs: { conversations: {} },
};

const timers = { current: new ManualTimers() };
let sockets: ScriptedSocket[];
let tokens: (string | undefined)[];
let online: boolean;

function connect(over: Partial<ConnectionDeps> = {}): Connection {
  const connection = new Connection({
    url: 'ws://127.0.0.1/ws',
    openSocket: (url, protocols) => {
      const socket = new ScriptedSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    timers: timers.current,
    random: () => 0.5,
    token: (refused) => {
      tokens.push(refused);
      return Promise.resolve(refused === undefined ? 'token-1' : 'token-2');
    },
    freshToken: () => Promise.resolve('token-fresh'),
    hello: () => ({ device_id: 'd1', client: 'test', locale: 'zh-CN', cursors: { c1: 7 } }),
    online: () => online,
    ...over,
  });
  connection.start();
  return connection;
}

async function opened(connection: Connection): Promise<ScriptedSocket> {
  await settle();
  const socket = last();
  socket.accept();
  socket.say([1, true, OPENED]);
  await settle();
  expect(connection.state.get().kind).toBe('open');
  return socket;
}

function last(): ScriptedSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error('no socket was opened');
  return socket;
}

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  return call.then(
    () => {
      throw new Error('it was answered');
    },
    (error: ApiError) => error,
  );
}

beforeEach(() => {
  timers.current = new ManualTimers();
  sockets = [];
  tokens = [];
  online = true;
});

test('the first frame opens with the token, which is in neither address nor subprotocol', async () => {
  const connection = connect();
  await settle();
  const socket = last();
  expect(socket.url).toBe('ws://127.0.0.1/ws');
  expect(socket.protocols).toEqual(['chaoke.v1.json']);
  socket.accept();
  const params = { token: 'token-1', device_id: 'd1', client: 'test', locale: 'zh-CN', cursors: { c1: 7 } };
  expect(socket.sent).toEqual([[1, 'connection.open', params]]);
  expect(connection.state.get().kind).toBe('connecting');
});

test('a call is answered by its id, in any order', async () => {
  const connection = connect();
  const socket = await opened(connection);
  const first = connection.call('conversation.get', { conversation_id: 'x' });
  const second = connection.call('session.list', {}, 'key-1');
  expect(socket.sent.slice(1)).toEqual([
    [2, 'conversation.get', { conversation_id: 'x' }],
    [3, 'session.list', {}, 'key-1'],
  ]);
  socket.say([3, true, 'two']);
  socket.say([2, false, { class: 'not_found', code: 'gone', message: { zh: '没有', en: 'none' } }]);
  expect(await second).toBe('two');
  expect((await refusal(first)).code).toBe('gone');
});

test('no more calls are in flight than the server allows; the rest waits its turn', async () => {
  const connection = connect();
  const socket = await opened(connection);
  const calls = (['session.list', 'session.revoke_others', 'setup.state'] as const).map((name) => connection.call(name, {}));
  expect(socket.sent.length - 1).toBe(2);
  socket.say([2, true, 1]);
  await settle();
  expect(socket.sent.at(-1)).toEqual([4, 'setup.state', {}]);
  socket.say([3, true, 2]);
  socket.say([4, true, 3]);
  expect(await Promise.all(calls)).toEqual([1, 2, 3]);
});

test('a call without an answer ends after its deadline and is not counted any more', async () => {
  const connection = connect();
  const socket = await opened(connection);
  const lost = refusal(connection.call('session.list', {}));
  void connection.call('session.revoke_others', {}).catch(() => {});
  void connection.call('setup.state', {}).catch(() => {});
  await timers.current.pass(15_000);
  expect((await lost).class).toBe('network');
  expect(socket.sent.at(-1)?.[1]).toBe('setup.state');
});

test('when the socket goes, every call is told that nothing is known', async () => {
  const connection = connect();
  const socket = await opened(connection);
  const calls = [connection.call('session.list', {}), connection.call('session.revoke_others', {}), connection.call('setup.state', {})].map(refusal);
  socket.hangUp(1006);
  for (const error of await Promise.all(calls)) expect(error.class).toBe('network');
  expect(connection.state.get()).toEqual({
    kind: 'waiting',
    untilAt: timers.current.now() + backOffMs(0, OPENED.reconnect, 0.5),
    attempt: 0,
  });
});

test('it comes back by itself in the range of the server, later after each failure', async () => {
  const connection = connect();
  (await opened(connection)).hangUp(1012);
  const delays: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    const state = connection.state.get();
    if (state.kind !== 'waiting') throw new Error(state.kind);
    delays.push(state.untilAt - timers.current.now());
    await timers.current.pass(state.untilAt - timers.current.now());
    last().hangUp(1006);
  }
  expect(delays[0]).toBeLessThanOrEqual(1_000);
  expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  for (const delay of delays) {
    expect(delay).toBeGreaterThanOrEqual(500);
    expect(delay).toBeLessThanOrEqual(8_000);
  }
});

test('opened again, it starts with the shortest delay', async () => {
  const connection = connect();
  (await opened(connection)).hangUp(1006);
  await timers.current.pass(8_000);
  last().hangUp(1006);
  await timers.current.pass(8_000);
  (await opened(connection)).hangUp(1006);
  expect(connection.state.get()).toMatchObject({ kind: 'waiting', attempt: 0 });
});

test('heartbeats go out, and silence of two and a half is a dead line', async () => {
  const connection = connect();
  const socket = await opened(connection);
  await timers.current.pass(30_000);
  expect(socket.sent.filter((frame) => frame[0] === 0).length).toBe(1);
  socket.say([0]);
  await timers.current.pass(60_000);
  expect(connection.state.get().kind).toBe('open');
  await timers.current.pass(30_000);
  expect(socket.closed).toBe(true);
  expect(connection.state.get().kind).not.toBe('open');
});

test('a socket that never opens is given up', async () => {
  const connection = connect();
  await settle();
  await timers.current.pass(10_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(connection.state.get().kind).toBe('waiting');
});

test('4401 asks for another token than the refused one and comes back at once', async () => {
  const connection = connect();
  (await opened(connection)).hangUp(4401);
  await timers.current.pass(0);
  expect(tokens).toEqual([undefined, 'token-1']);
  last().accept();
  expect(last().sent[0]?.[2]).toMatchObject({ token: 'token-2' });
});

test('a refused opening counts as 4401', async () => {
  connect();
  await settle();
  last().accept();
  last().say([1, false, { class: 'unauthenticated', code: 'expired', message: { zh: '', en: '' } }]);
  await timers.current.pass(0);
  expect(tokens).toEqual([undefined, 'token-1']);
});

test('when no token can be had the person is signed out, and nothing is tried any more', async () => {
  const gone = readError({ class: 'unauthenticated', code: 'session_ended', message: {} });
  const connection = connect({ token: () => Promise.reject(gone) });
  let told = 0;
  connection.onSignedOut = () => {
    told += 1;
  };
  await settle();
  expect(connection.state.get()).toEqual({ kind: 'refused', why: 'signed_out' });
  expect(told).toBe(1);
  expect(timers.current.waiting()).toBe(0);
});

test('when the token cannot be had for want of a network it is tried again', async () => {
  let down = true;
  const connection = connect({ token: () => (down ? Promise.reject(networkError('fetch')) : Promise.resolve('t')) });
  await settle();
  expect(connection.state.get().kind).toBe('waiting');
  down = false;
  await timers.current.pass(10_000);
  expect(sockets.length).toBe(1);
});

test('one device too many stops and waits for a person', async () => {
  const connection = connect();
  (await opened(connection)).hangUp(4409);
  expect(connection.state.get()).toEqual({ kind: 'refused', why: 'displaced' });
  await timers.current.pass(600_000);
  expect(sockets.length).toBe(1);
  connection.hurry();
  await settle();
  expect(sockets.length).toBe(2);
});

test('an expiring token is renewed on the same socket', async () => {
  const connection = connect();
  const socket = await opened(connection);
  socket.say(['connection.expiring', { expires_at: 1 }]);
  await settle();
  expect(socket.calls('connection.renew')).toEqual([[2, 'connection.renew', { token: 'token-fresh' }]]);
  expect(connection.state.get().kind).toBe('open');
});

test('pushes arrive in their order; unknown answers are ignored', async () => {
  const connection = connect();
  const heard: unknown[] = [];
  connection.onPush = (event, data) => heard.push([event, data]);
  const socket = await opened(connection);
  socket.say(['message.created', { a: 1 }]);
  socket.say([999, true, {}]);
  socket.say(['something.new', {}]);
  expect(heard).toEqual([
    ['message.created', { a: 1 }],
    ['something.new', {}],
  ]);
});

test.each([['not json'], ['{"a":1}'], ['[]'], [new ArrayBuffer(2)]])('a frame that is none (%s) ends the socket', async (raw) => {
  const connection = connect();
  const socket = await opened(connection);
  socket.sayRaw(raw);
  expect(socket.closed).toBe(true);
  expect(connection.state.get().kind).toBe('waiting');
});

test('without a network it says so, still tries now and then, and hurries when the network is back', async () => {
  const connection = connect();
  await opened(connection);
  online = false;
  connection.networkGone();
  expect(connection.state.get().kind).toBe('offline');
  await timers.current.pass(OPENED.reconnect.max_ms);
  expect(sockets.length).toBe(2);
  last().hangUp(1006);
  online = true;
  connection.hurry();
  await settle();
  expect(sockets.length).toBe(3);
});

test('after a sleep a dead line is found out in seconds', async () => {
  const connection = connect();
  const socket = await opened(connection);
  await timers.current.pass(20_000);
  connection.hurry();
  await settle();
  expect(socket.calls('connection.renew').length).toBe(1);
  await timers.current.pass(5_000);
  expect(socket.closed).toBe(true);
});

test('stopping is for good', async () => {
  const connection = connect();
  const socket = await opened(connection);
  connection.stop();
  expect(socket.closed).toBe(true);
  await timers.current.pass(600_000);
  expect(sockets.length).toBe(1);
  expect((await refusal(connection.call('session.list', {}))).class).toBe('network');
});

test('the delay is never outside the range, whatever is drawn', () => {
  for (const random of [0, 0.3, 0.999]) {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const delay = backOffMs(attempt, { min_ms: 200, max_ms: 5_000 }, random);
      expect(delay).toBeGreaterThanOrEqual(200);
      expect(delay).toBeLessThanOrEqual(5_000);
    }
  }
});
