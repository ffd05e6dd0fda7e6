// The client's core under Node: the same code as in the browser, with Node's fetch, a cookie jar and a
// WebSocket that a test can cut.
import { setTimeout as oneMoment } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { Client } from '../src/core/client';
import { browserTimers, type Timers } from '../src/core/clock';
import type { SocketLike } from '../src/core/connection';
import type { KeyValue } from '../src/core/drafts';
import { newId, randomUnit } from '../src/core/ids';
import { MemoryOutboxStore } from '../src/core/outbox_store';
import type { OpenResult } from '../src/core/wire';
import type { Server } from './server';

const WITHIN_MS = 40_000;

/** Nobody listens there. */
const NOWHERE = 'ws://127.0.0.1:1/';

/** What a browser keeps for a page. */
export class MemoryStorage implements KeyValue {
  private readonly items = new Map<string, string>();

  get length(): number {
    return this.items.size;
  }

  key = (index: number): string | null => [...this.items.keys()][index] ?? null;
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => {
    this.items.set(key, value);
  };
  removeItem = (key: string): void => {
    this.items.delete(key);
  };
}

/** One device of one person. */
export class Device {
  readonly client: Client;
  /** The methods that were called over HTTP. */
  readonly posted: string[] = [];
  /** The frames that went out on the present socket. */
  sent: string[] = [];
  /** What the server said to each opening, in order. */
  readonly openings: OpenResult[] = [];
  /** How far the clock of the device was set. */
  skewMs = 0;
  private socket: WebSocket | undefined;
  private cookie = '';
  private away = false;

  constructor(
    private readonly server: Server,
    /** What was written and not sent: another device of the same kind may go on with it, as after a reload. */
    readonly outbox = new MemoryOutboxStore(),
    readonly storage?: MemoryStorage,
  ) {
    let queue: Promise<unknown> = Promise.resolve();
    this.client = new Client({
      api: {
        fetch: (input, init) => this.fetch(input, init),
        lock: (_, work) => {
          const mine = queue.then(work, work);
          queue = mine.catch(() => {});
          return mine;
        },
        tabs: { send: () => {}, listen: () => {} },
      },
      socket: { url: `${server.url.replace('http', 'ws')}/ws`, openSocket: (url, protocols) => this.open(url, protocols), online: () => true },
      timers: this.timers,
      random: randomUnit,
      newId,
      storage,
      outbox,
      deviceId: newId(),
      deviceName: 'Node',
      locale: () => 'zh-CN',
    });
    const opened = this.client.connection.onOpened;
    this.client.connection.onOpened = (result, askedAt) => {
      this.openings.push(result);
      opened(result, askedAt);
    };
  }

  private readonly timers: Timers = {
    now: () => browserTimers.now() + this.skewMs,
    after: browserTimers.after,
  };

  async signsIn(login: string, password: string): Promise<this> {
    await this.client.signIn(login, password);
    await this.until(() => this.client.connection.state.get().kind === 'open', 'the connection is open');
    return this;
  }

  /** The network between this device and the server breaks; nobody is told. */
  cut(): void {
    this.socket?.terminate();
  }

  /** Without a network until it `returns`. */
  leaves(): void {
    this.away = true;
    this.cut();
  }

  returns(): void {
    this.away = false;
    this.client.connection.hurry();
  }

  /** As if the server had said it now. */
  hears(frame: unknown[]): void {
    this.socket?.emit('message', JSON.stringify(frame), false);
  }

  /** Another tab of the same browser, without locks and channels between them. */
  async twin(): Promise<Device> {
    const twin = new Device(this.server);
    twin.cookie = this.cookie;
    await twin.client.start();
    await twin.until(() => twin.client.connection.state.get().kind === 'open', 'the connection of the other tab is open');
    return twin;
  }

  /** What this device shows of a conversation. */
  texts(id: string): string[] {
    return this.client.timeline(id).view.get().items.flatMap((item) => item.text ?? []);
  }

  /** Waits for something to become true. */
  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const until = Date.now() + WITHIN_MS;
    while (!(await holds())) {
      if (Date.now() > until) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
      await oneMoment(20);
    }
  }

  leave(): void {
    this.client.connection.stop();
    this.socket?.terminate();
  }

  private async fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
    this.posted.push(String(input).split('/').at(-1) ?? '');
    const headers = new Headers(init?.headers);
    if (this.cookie) headers.set('cookie', this.cookie);
    const answer = await fetch(new URL(String(input), this.server.url), { ...init, headers });
    const set = answer.headers.getSetCookie()[0];
    if (set !== undefined) this.cookie = set.split(';')[0] ?? '';
    return answer;
  }

  private open(url: string, protocols: string[]): SocketLike {
    const socket = new WebSocket(this.away ? NOWHERE : url, protocols);
    this.sent = [];
    const send = socket.send.bind(socket);
    socket.send = (text: string) => {
      this.sent.push(text);
      send(text);
    };
    this.socket = socket;
    // A refused connection is told as a close, as in a browser.
    this.socket.on('error', () => {});
    return this.socket as unknown as SocketLike;
  }
}
