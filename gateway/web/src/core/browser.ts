// The browser's side of the client: real sockets, locks, tabs and storage, each with a way out where the
// browser has none (plain HTTP knows no locks, private windows may refuse storage).

import type { TabChannel, TabNote } from './api';
import { Client } from './client';
import { browserTimers } from './clock';
import type { SocketLike } from './connection';
import type { KeyValue } from './drafts';
import { newId, randomUnit } from './ids';
import { BrowserOutboxStore } from './outbox_store';

export function storage(): KeyValue | undefined {
  try {
    const probe = 'chaoke.probe';
    localStorage.setItem(probe, '1');
    localStorage.removeItem(probe);
    return localStorage;
  } catch {
    return undefined;
  }
}

/** Between tabs by `navigator.locks`; where that is missing, at least inside this tab. */
export function makeLock(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  if (navigator.locks) {
    return <T>(name: string, work: () => Promise<T>) => navigator.locks.request(name, work) as Promise<T>;
  }
  const tails = new Map<string, Promise<unknown>>();
  return <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const mine = (tails.get(name) ?? Promise.resolve()).then(work, work);
    const tail = mine.catch(() => {});
    tails.set(name, tail);
    void tail.then(() => {
      if (tails.get(name) === tail) tails.delete(name);
    });
    return mine;
  };
}

function tabs(): TabChannel {
  if (typeof BroadcastChannel === 'undefined') return { send: () => {}, listen: () => {} };
  const channel = new BroadcastChannel('chaoke');
  const listeners: ((note: TabNote) => void)[] = [];
  channel.addEventListener('message', (event: MessageEvent<TabNote>) => {
    for (const hear of listeners) hear(event.data);
  });
  return {
    send: (note) => channel.postMessage(note),
    listen: (hear) => {
      listeners.push(hear);
    },
  };
}

function deviceId(store: KeyValue | undefined): string {
  const key = 'chaoke.device';
  const have = store?.getItem(key);
  if (have) return have;
  const made = newId();
  try {
    store?.setItem(key, made);
  } catch {
    // Without storage every page is a device of its own.
  }
  return made;
}

/** "Chrome · Windows", for the list of sessions. */
export function deviceName(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/MicroMessenger/, 'WeChat'],
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ];
  const systems: [RegExp, string][] = [
    [/HarmonyOS|OpenHarmony/, 'HarmonyOS'],
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ];
  const name = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(agent))?.[1];
  return [name(browsers), name(systems)].filter(Boolean).join(' · ') || 'Web';
}

/** A file that is on its way ends with the page: the browser asks whether one means it. Only then: it costs a quick way back. */
function askBeforeLeaving(client: Client): void {
  const ask = (event: BeforeUnloadEvent) => event.preventDefault();
  client.uploading.subscribe(() => {
    const under = [...client.uploading.get().values()].flat().some(({ state }) => state !== 'failed');
    if (under) window.addEventListener('beforeunload', ask);
    else window.removeEventListener('beforeunload', ask);
  });
}

export function browserClient(locale: () => string): Client {
  const store = storage();
  const client = new Client({
    api: { fetch: (input, init) => fetch(input, init), lock: makeLock(), tabs: tabs() },
    socket: {
      url: `${location.origin.replace(/^http/, 'ws')}/ws`,
      openSocket: (url, protocols) => new WebSocket(url, protocols) as SocketLike,
      online: () => navigator.onLine,
    },
    timers: browserTimers,
    random: randomUnit,
    newId,
    storage: store,
    outbox: new BrowserOutboxStore(),
    deviceId: deviceId(store),
    deviceName: deviceName(navigator.userAgent),
    locale,
  });
  // Drafts and unsent messages are stored; everything else comes anew.
  client.onOtherStore = () => location.reload();
  window.addEventListener('online', () => client.connection.hurry());
  window.addEventListener('offline', () => client.connection.networkGone());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') client.connection.hurry();
    else client.flush();
  });
  window.addEventListener('storage', (event) => client.drafts.heard(event.key, event.newValue));
  window.addEventListener('pagehide', () => client.flush());
  askBeforeLeaving(client);
  return client;
}
