import 'fake-indexeddb/auto';

import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, expect, test, vi } from 'vitest';

import type { OutboxItem } from './outbox';
import { BrowserOutboxStore } from './outbox_store';

function item(id: string, userId = 'me'): OutboxItem {
  return {
    client_msg_id: id,
    user_id: userId,
    conversation_id: 'c1',
    text: '你好',
    created_at: 1,
    state: 'waiting',
    attempts: 0,
  };
}

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
});

test('what is put is there after a reload, for its person only', async () => {
  const before = new BrowserOutboxStore();
  await before.put(item('a'));
  await before.put(item('b', 'other'));
  const after = new BrowserOutboxStore();
  expect((await after.all('me')).map((one) => one.client_msg_id)).toEqual(['a']);
  expect(await after.get('b')).toMatchObject({ user_id: 'other' });
  await after.remove('a');
  expect(await new BrowserOutboxStore().all('me')).toEqual([]);
  expect(after.durable.get()).toBe(true);
});

test('where the browser refuses storage, memory keeps it and says so', async () => {
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new Error('private window');
    },
  });
  const store = new BrowserOutboxStore();
  await store.put(item('a'));
  expect((await store.all('me')).length).toBe(1);
  expect(await store.get('a')).toMatchObject({ text: '你好' });
  expect(store.durable.get()).toBe(false);
  await store.remove('a');
  expect(await store.all('me')).toEqual([]);
});

test('a full disk is known by what could not be written, however well it can be read', async () => {
  const store = new BrowserOutboxStore();
  await store.put(item('a'));
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  await store.put(item('b'));
  IDBObjectStore.prototype.put = put;
  expect((await store.all('me')).map((one) => one.client_msg_id)).toEqual(['a', 'b']);
  expect(store.durable.get()).toBe(false);
  await store.put(item('c'));
  expect(store.durable.get()).toBe(true);
});
