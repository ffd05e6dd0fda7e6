import { beforeEach, expect, test } from 'vitest';

import { settle } from '../testing/time';
import { Api, type TabNote } from './api';
import type { SignedIn } from './wire';

interface Asked {
  method: string;
  token: string | undefined;
  body: unknown;
}

let asked: Asked[];
let answers: Map<string, ((asked: Asked) => Response | Promise<Response>)[]>;
let listeners: ((note: TabNote) => void)[];
let now: number;

function signedIn(token: string, lives = 900_000): SignedIn {
  return {
    user: { user_id: 'u1', name: '张伟', login: 'zhangwei', role: 'admin', initial: 'Z', online: true },
    space: { space_id: 's1', name: '超客科技' },
    session_id: 'x',
    access_token: token,
    access_expires_at: now + lives,
    refresh_expires_at: now + 30 * 86_400_000,
    must_change_password: false,
  };
}

function ok(body: unknown): Response {
  return Response.json(body);
}

function error(status: number, kind: string): Response {
  return Response.json({ class: kind, code: 'test', message: { zh: '', en: '' } }, { status });
}

function answer(method: string, ...with_: ((asked: Asked) => Response | Promise<Response>)[]): void {
  answers.set(method, with_);
}

/** Two tabs share locks and notes, as in one browser. */
function tab(lock: <T>(name: string, work: () => Promise<T>) => Promise<T>): Api {
  let mine: ((note: TabNote) => void) | undefined;
  return new Api({
    fetch: async (url, init) => {
      const method = String(url).replace('/api/v1/', '');
      const headers = init?.headers as Record<string, string>;
      const one = { method, token: headers['authorization']?.slice(7), body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined };
      asked.push(one);
      await Promise.resolve();
      const list = answers.get(method) ?? [];
      const next = list.length > 1 ? list.shift() : list[0];
      if (!next) throw new TypeError('failed to fetch');
      return next(one);
    },
    now: () => now,
    lock,
    tabs: {
      send: (note) => {
        for (const hear of listeners) if (hear !== mine) hear(structuredClone(note));
      },
      listen: (hear) => {
        mine = hear;
        listeners.push(hear);
      },
    },
  });
}

function sharedLock(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (_, work) => {
    const mine = tail.then(work, work);
    tail = mine.catch(() => {});
    return mine;
  };
}

beforeEach(() => {
  asked = [];
  answers = new Map();
  listeners = [];
  now = 1_750_000_000_000;
});

test('a call carries the token and the key is a header', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1'));
  answer('session.list', () => ok({ x: 1 }));
  expect(await api.call('session.list', {}, 'key-1')).toEqual({ x: 1 });
  expect(asked).toEqual([{ method: 'session.list', token: 't1', body: {} }]);
});

test('an ending token is refreshed before it is used, once for many calls', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1', 10_000));
  answer('session.refresh', () => ok(signedIn('t2')));
  answer('session.list', () => ok({}));
  await Promise.all([api.call('session.list', {}), api.call('session.list', {}), api.call('session.list', {})]);
  expect(asked.filter((one) => one.method === 'session.refresh').length).toBe(1);
  expect(asked.filter((one) => one.method === 'session.list').map((one) => one.token)).toEqual(['t2', 't2', 't2']);
});

test('a token the server refuses is refreshed and the call repeated once', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1'));
  answer('session.refresh', () => ok(signedIn('t2')));
  answer('session.list', () => error(401, 'unauthenticated'), (one) => ok({ by: one.token }));
  expect(await api.call('session.list', {})).toEqual({ by: 't2' });
});

test('bytes carry the token too, and a refused one is renewed once', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1'));
  answer('session.refresh', () => ok(signedIn('t2')));
  answer('/files/f1', () => error(401, 'unauthenticated'), () => ok({ offset: 3 }));
  const response = await api.raw('/files/f1', { method: 'PUT', body: new ArrayBuffer(3) });
  expect(await response.json()).toEqual({ offset: 3 });
  expect(asked.filter((one) => one.method === '/files/f1').map((one) => one.token)).toEqual(['t1', 't2']);
  answer('/files/f1');
  await expect(api.raw('/files/f1', { method: 'HEAD' })).rejects.toMatchObject({ class: 'network' });
});

test('a second tab takes over the pair of the first instead of refreshing again', async () => {
  const lock = sharedLock();
  const [first, second] = [tab(lock), tab(lock)];
  first.setSignedIn(signedIn('t1', 10_000));
  expect(second.signedIn()?.access_token).toBe('t1');
  answer('session.refresh', () => ok(signedIn('t2')), () => ok(signedIn('t3')));
  const tokens = await Promise.all([first.token(), second.token()]);
  expect(tokens).toEqual(['t2', 't2']);
  expect(asked.length).toBe(1);
});

test('signing out in one tab signs out the other', async () => {
  const lock = sharedLock();
  const [first, second] = [tab(lock), tab(lock)];
  const heard: (SignedIn | undefined)[] = [];
  second.onSession = (session) => heard.push(session);
  first.setSignedIn(signedIn('t1'));
  answer('session.sign_out', () => ok({}));
  await first.signOut();
  expect(heard.at(-1)).toBeUndefined();
  expect(second.signedIn()).toBeUndefined();
});

test('an ended session is told as such and the token is forgotten', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1', 10_000));
  answer('session.refresh', () => error(401, 'unauthenticated'));
  await expect(api.call('session.list', {})).rejects.toMatchObject({ class: 'unauthenticated' });
  expect(api.signedIn()).toBeUndefined();
});

test('no network is an error of its own and ends no session', async () => {
  const api = tab(sharedLock());
  api.setSignedIn(signedIn('t1', 10_000));
  await expect(api.call('session.list', {})).rejects.toMatchObject({ class: 'network' });
  expect(api.signedIn()?.access_token).toBe('t1');
});

test('an answer that is not JSON is told as no network', async () => {
  const api = tab(sharedLock());
  answer('setup.state', () => new Response('<html>proxy</html>', { status: 502 }));
  await expect(api.open('setup.state', {})).rejects.toMatchObject({ class: 'network' });
  await settle();
});
