// The client's core under Node: the same code as in the browser, with Node's fetch, a cookie jar and a
// WebSocket that a test can cut.
import { setTimeout as oneMoment } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { Client } from '../src/core/client';
import { browserTimers } from '../src/core/clock';
import type { SocketLike } from '../src/core/connection';
import { newId, randomUnit } from '../src/core/ids';
import { MemoryOutboxStore } from '../src/core/outbox_store';
import type { Server } from './server';

const WITHIN_MS = 40_000;

/** One device of one person. */
export class Device {
  readonly client: Client;
  private socket: WebSocket | undefined;
  private cookie = '';

  constructor(
    private readonly server: Server,
    /** What was written and not sent: another device of the same kind may go on with it, as after a reload. */
    readonly outbox = new MemoryOutboxStore(),
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
      timers: browserTimers,
      random: randomUnit,
      newId,
      storage: undefined,
      outbox,
      deviceId: newId(),
      deviceName: 'Node',
      locale: () => 'zh-CN',
    });
  }

  async signsIn(login: string, password: string): Promise<this> {
    await this.client.signIn(login, password);
    await this.until(() => this.client.connection.state.get().kind === 'open', 'the connection is open');
    return this;
  }

  /** The network between this device and the server breaks; nobody is told. */
  cut(): void {
    this.socket?.terminate();
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
    const headers = new Headers(init?.headers);
    if (this.cookie) headers.set('cookie', this.cookie);
    const answer = await fetch(new URL(String(input), this.server.url), { ...init, headers });
    const set = answer.headers.getSetCookie()[0];
    if (set !== undefined) this.cookie = set.split(';')[0] ?? '';
    return answer;
  }

  private open(url: string, protocols: string[]): SocketLike {
    this.socket = new WebSocket(url, protocols);
    // A refused connection is told as a close, as in a browser.
    this.socket.on('error', () => {});
    return this.socket as unknown as SocketLike;
  }
}
