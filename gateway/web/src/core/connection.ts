// One WebSocket that stays: opening, heartbeat, renewing, resuming, and reconnecting at a pace the server
// chooses. It has no clock, no randomness and no socket of its own, so tests play the server line by line.

import { Cell } from './cell';
import type { Timers } from './clock';
import { ApiError, isRecord, networkError, readError } from './errors';
import type { Method, OpenResult, Params, Result } from './wire';

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(text: string): void;
  close(code?: number): void;
}

export interface Hello {
  device_id: string;
  client: string;
  locale: string;
  self_seq?: number;
  cursors?: Record<string, number>;
}

export interface ConnectionDeps {
  url: string;
  openSocket: (url: string, protocols: string[]) => SocketLike;
  timers: Timers;
  /** A number in [0, 1). */
  random: () => number;
  /** A token that is good now; `refused` is one the server did not take. */
  token: (refused?: string) => Promise<string>;
  freshToken: () => Promise<string>;
  hello: () => Hello;
  online: () => boolean;
}

export type ConnectionState =
  | { kind: 'stopped' }
  | { kind: 'connecting'; attempt: number }
  | { kind: 'open' }
  | { kind: 'waiting'; untilAt: number; attempt: number }
  | { kind: 'offline' }
  /** `signed_out`, `origin` (4403) or `displaced` (4409): only a person can change it. */
  | { kind: 'refused'; why: 'signed_out' | 'origin' | 'displaced' };

export const PROTOCOL_JSON = 'chaoke.v1.json';

/** Longer than the server's own deadline of 10 s for a call. */
const CALL_DEADLINE_MS = 15_000;
/** The server drops a socket that has not opened in 5 s; the rest is connecting. */
const OPENING_DEADLINE_MS = 10_000;
/** Two heartbeats and a half without a sign: the line is dead (75 s at 30 s). */
const DEAD_AFTER_HEARTBEATS = 2.5;
/** A question asked on waking must be answered in this time. */
const PROBE_DEADLINE_MS = 5_000;
/** Calls that wait for a free place; more than that is a fault of the client. */
const QUEUE_MAX = 256;
/** Used until the server has named its own range. */
const RECONNECT_DEFAULT = { min_ms: 300, max_ms: 10_000 };
const FIRST_HEARTBEAT_MS = 30_000;

interface Waiting {
  frame: unknown[];
  resolve: (value: unknown) => void;
  reject: (error: ApiError) => void;
}

interface InFlight {
  resolve: (value: unknown) => void;
  reject: (error: ApiError) => void;
  cancel: () => void;
}

export class Connection {
  readonly state = new Cell<ConnectionState>({ kind: 'stopped' });
  onOpened: (result: OpenResult, askedAt: number) => void = () => {};
  onPush: (event: string, data: unknown) => void = () => {};
  onSignedOut: () => void = () => {};

  readonly #deps: ConnectionDeps;
  #socket: SocketLike | undefined;
  #attempt = 0;
  #nextId = 1;
  #inFlight = new Map<number, InFlight>();
  #queue: Waiting[] = [];
  #maxInFlight = 1;
  #heartbeatMs = FIRST_HEARTBEAT_MS;
  #reconnect = RECONNECT_DEFAULT;
  #heardAt = 0;
  #refusedToken: string | undefined;
  #usedToken: string | undefined;
  #cancelTimer: () => void = () => {};
  #cancelBeat: () => void = () => {};

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  start(): void {
    const kind = this.state.get().kind;
    if (kind === 'stopped' || kind === 'refused') this.#connect();
  }

  stop(): void {
    this.#drop(1000);
    this.state.set({ kind: 'stopped' });
  }

  /** The browser is online again, or a person pressed "now". */
  hurry(): void {
    const kind = this.state.get().kind;
    if (kind === 'waiting' || kind === 'offline' || kind === 'refused') {
      this.#cancelTimer();
      this.#connect();
    } else if (kind === 'open') {
      this.probe();
    }
  }

  /** The browser says that the network is gone: no need to wait for the heartbeat to find out. */
  networkGone(): void {
    const kind = this.state.get().kind;
    if (kind === 'open' || kind === 'connecting' || kind === 'waiting') this.#lost(0);
  }

  /** After a sleep the socket may be dead without knowing: ask, and reconnect when nothing comes. */
  probe(): void {
    if (this.state.get().kind !== 'open') return;
    const socket = this.#socket;
    const askedAt = this.#deps.timers.now();
    if (askedAt - this.#heardAt < this.#heartbeatMs / 2) return;
    void this.#renew(this.#deps.token);
    this.#deps.timers.after(PROBE_DEADLINE_MS, () => {
      if (this.#socket === socket && this.#heardAt < askedAt) this.#lost(0);
    });
  }

  /** Asks over the open socket. Rejects with class `network` when no answer came. */
  call<M extends Method>(method: M, params: Params<M>, key?: string): Promise<Result<M>> {
    if (this.state.get().kind !== 'open') return Promise.reject(networkError('closed'));
    return this.#ask(method, params, key) as Promise<Result<M>>;
  }

  #ask(method: string, params: object, key?: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId = id >= 2 ** 31 - 1 ? 1 : id + 1;
      const frame = key === undefined ? [id, method, params] : [id, method, params, key];
      if (this.#inFlight.size < this.#maxInFlight) {
        this.#send({ frame, resolve, reject });
      } else if (this.#queue.length < QUEUE_MAX) {
        this.#queue.push({ frame, resolve, reject });
      } else {
        reject(networkError('queue_full'));
      }
    });
  }

  #send(waiting: Waiting): void {
    const id = waiting.frame[0] as number;
    const cancel = this.#deps.timers.after(CALL_DEADLINE_MS, () => {
      this.#inFlight.delete(id);
      waiting.reject(networkError('deadline'));
      this.#pump();
    });
    this.#inFlight.set(id, { resolve: waiting.resolve, reject: waiting.reject, cancel });
    this.#socket?.send(JSON.stringify(waiting.frame));
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#inFlight.size < this.#maxInFlight) {
      const next = this.#queue.shift();
      if (next) this.#send(next);
    }
  }

  #connect(): void {
    this.#drop(1000);
    this.#attempt += 1;
    this.state.set({ kind: 'connecting', attempt: this.#attempt });
    const attempt = this.state.get();
    this.#deps.token(this.#refusedToken).then(
      (token) => {
        if (this.state.get() === attempt) this.#dial(token);
      },
      (error: unknown) => {
        if (this.state.get() !== attempt) return;
        if (error instanceof ApiError && error.class === 'unauthenticated') this.#signedOut();
        else this.#wait(error instanceof ApiError ? error.retryAfterMs : undefined);
      },
    );
  }

  #dial(token: string): void {
    const socket = this.#deps.openSocket(this.#deps.url, [PROTOCOL_JSON]);
    this.#socket = socket;
    this.#usedToken = token;
    this.#heardAt = this.#deps.timers.now();
    this.#maxInFlight = 1;
    this.#cancelTimer = this.#deps.timers.after(OPENING_DEADLINE_MS, () => {
      if (this.#socket === socket) this.#lost(0);
    });
    socket.onopen = () => {
      if (this.#socket === socket) this.#hello(token);
    };
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#hear(event.data);
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#lost(event.code);
    };
  }

  #hello(token: string): void {
    const askedAt = this.#deps.timers.now();
    const socket = this.#socket;
    this.#nextId = 1;
    this.#ask('connection.open', { token, ...this.#deps.hello() }).then(
      (value) => {
        if (this.#socket === socket) this.#opened(value as OpenResult, askedAt);
      },
      (error: ApiError) => {
        if (this.#socket !== socket) return;
        this.#lost(error.class === 'unauthenticated' ? 4401 : 0, error.retryAfterMs);
      },
    );
  }

  #opened(result: OpenResult, askedAt: number): void {
    this.#cancelTimer();
    this.#attempt = 0;
    this.#refusedToken = undefined;
    this.#heartbeatMs = result.heartbeat_ms;
    this.#maxInFlight = Math.max(1, result.max_in_flight);
    this.#reconnect = result.reconnect;
    this.#beat();
    this.state.set({ kind: 'open' });
    this.onOpened(result, askedAt);
    this.#pump();
  }

  #beat(): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#deps.timers.after(this.#heartbeatMs, () => {
      const silentMs = this.#deps.timers.now() - this.#heardAt;
      if (silentMs >= this.#heartbeatMs * DEAD_AFTER_HEARTBEATS) {
        this.#lost(0);
        return;
      }
      this.#socket?.send('[0]');
      this.#beat();
    });
  }

  #hear(data: unknown): void {
    this.#heardAt = this.#deps.timers.now();
    const frame = parse(data);
    if (!frame) {
      this.#lost(4400);
      return;
    }
    const [head, second, third] = frame;
    if (head === 0) return;
    if (typeof head === 'string') {
      if (head === 'connection.expiring') void this.#renew(this.#deps.freshToken);
      else this.onPush(head, second);
      return;
    }
    const call = this.#inFlight.get(head);
    if (!call) return;
    this.#inFlight.delete(head);
    call.cancel();
    if (second === true) call.resolve(third);
    else call.reject(readError(third));
    this.#pump();
  }

  async #renew(getToken: () => Promise<string>): Promise<void> {
    try {
      const token = await getToken();
      await this.call('connection.renew', { token });
      this.#usedToken = token;
    } catch (error) {
      // A refused token ends in 4401 by the server, which is handled there; anything else is tried again
      // by the reconnect that follows.
      if (error instanceof ApiError && error.class === 'unauthenticated') this.#lost(4401);
    }
  }

  #lost(code: number, retryAfterMs?: number): void {
    this.#drop(1000);
    if (code === 4401) {
      this.#refusedToken = this.#usedToken;
      this.#wait(this.#attempt <= 1 ? 0 : undefined);
    } else if (code === 4403) {
      this.state.set({ kind: 'refused', why: 'origin' });
    } else if (code === 4409) {
      this.state.set({ kind: 'refused', why: 'displaced' });
    } else {
      this.#wait(code === 4429 ? this.#reconnect.max_ms : retryAfterMs);
    }
  }

  #signedOut(): void {
    this.state.set({ kind: 'refused', why: 'signed_out' });
    this.onSignedOut();
  }

  #wait(givenMs: number | undefined): void {
    // A server on this very machine is there without any network: being offline slows down, it does not stop.
    const offline = !this.#deps.online();
    const delayMs = offline
      ? this.#reconnect.max_ms
      : (givenMs ?? backOffMs(this.#attempt, this.#reconnect, this.#deps.random()));
    const untilAt = this.#deps.timers.now() + delayMs;
    this.state.set(offline ? { kind: 'offline' } : { kind: 'waiting', untilAt, attempt: this.#attempt });
    const mine = this.state.get();
    this.#cancelTimer = this.#deps.timers.after(delayMs, () => {
      if (this.state.get() === mine) this.#connect();
    });
  }

  #drop(code: number): void {
    this.#cancelTimer();
    this.#cancelBeat();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(code);
    }
    const calls = [...this.#inFlight.values()];
    const queue = this.#queue;
    this.#inFlight = new Map();
    this.#queue = [];
    for (const call of calls) {
      call.cancel();
      call.reject(networkError('closed'));
    }
    for (const call of queue) call.reject(networkError('closed'));
  }
}

/** Somewhere in the server's range; the upper end of what is drawn doubles with every failed attempt. */
export function backOffMs(attempt: number, range: { min_ms: number; max_ms: number }, random: number): number {
  const max = Math.max(range.min_ms, range.max_ms);
  const top = Math.min(max, range.min_ms * 2 ** Math.min(attempt + 1, 16));
  return Math.round(range.min_ms + random * (top - range.min_ms));
}

type Frame = [0] | [number, boolean, unknown] | [string, unknown];

function parse(data: unknown): Frame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    if (!Array.isArray(value)) return undefined;
    if (typeof value[0] !== 'number' && typeof value[0] !== 'string') return undefined;
    return value as Frame;
  } catch {
    return undefined;
  }
}

/** Reads a push whose data must be a map. */
export function pushMap(data: unknown): Record<string, unknown> {
  return isRecord(data) ? data : {};
}
