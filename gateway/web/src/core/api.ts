// HTTP calls and the session. The access token lives in memory only; the refresh token is a cookie the
// page cannot read. One refresh runs at a time over all tabs, and its result is shared with them.

import { ApiError, networkError, readError } from './errors';
import type { Method, Params, Result, SignedIn } from './wire';

export interface TabChannel {
  send(note: TabNote): void;
  listen(hear: (note: TabNote) => void): void;
}

export type TabNote =
  | { kind: 'signed_in'; signedIn: SignedIn }
  | { kind: 'signed_out' }
  | { kind: 'outbox'; user_id: string };

export interface ApiDeps {
  fetch: typeof fetch;
  now: () => number;
  /** Runs `work` while no other tab runs work of the same name. */
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  tabs: TabChannel;
}

export interface RawInit {
  method: string;
  headers?: Record<string, string>;
  body?: ArrayBuffer;
  signal?: AbortSignal;
}

/** A token that ends sooner than this is refreshed before it is used. */
const TOKEN_MARGIN_MS = 30_000;
/** The server gives up a call after 10 s; the rest is the way there and back. */
const HTTP_DEADLINE_MS = 15_000;

export class Api {
  readonly #deps: ApiDeps;
  #signedIn: SignedIn | undefined;
  #refreshing: Promise<SignedIn> | undefined;
  /** Called when this tab's session changed, by itself or by another tab. */
  onSession: (signedIn: SignedIn | undefined) => void = () => {};

  constructor(deps: ApiDeps) {
    this.#deps = deps;
    deps.tabs.listen((note) => {
      if (note.kind === 'signed_in') this.#adopt(note.signedIn);
      if (note.kind === 'signed_out') this.#adopt(undefined);
    });
  }

  signedIn(): SignedIn | undefined {
    return this.#signedIn;
  }

  /** Takes over a fresh pair and tells the other tabs. */
  setSignedIn(signedIn: SignedIn): void {
    this.#signedIn = signedIn;
    this.#deps.tabs.send({ kind: 'signed_in', signedIn });
  }

  /** Ends the session of all tabs here; the server is told where it can be reached. */
  async signOut(): Promise<void> {
    try {
      await this.#post('session.sign_out', {}, this.#signedIn?.access_token, undefined);
    } finally {
      this.#signedIn = undefined;
      this.#deps.tabs.send({ kind: 'signed_out' });
    }
  }

  /** Calls without a session. */
  open<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.#post(method, params, undefined, undefined);
  }

  /** Calls with the session; an ended access token is renewed once. */
  async call<M extends Method>(method: M, params: Params<M>, key?: string): Promise<Result<M>> {
    const token = await this.token();
    try {
      return await this.#post(method, params, token, key);
    } catch (error) {
      if (!(error instanceof ApiError) || error.class !== 'unauthenticated') throw error;
      return this.#post(method, params, await this.token(token), key);
    }
  }

  /** What is no call: the bytes of files. An ended access token is renewed once. */
  async raw(path: string, init: RawInit): Promise<Response> {
    const token = await this.token();
    const answer = await this.#raw(path, init, token);
    return answer.status === 401 ? this.#raw(path, init, await this.token(token)) : answer;
  }

  /** A token that is good now. `notThis` is one the server has refused. */
  async token(notThis?: string): Promise<string> {
    const have = this.#signedIn;
    if (have && have.access_token !== notThis && have.access_expires_at - TOKEN_MARGIN_MS > this.#deps.now()) {
      return have.access_token;
    }
    return (await this.refresh()).access_token;
  }

  /** A token from a refresh that happens now, for staying connected past the end of the present one. */
  async freshToken(): Promise<string> {
    return (await this.refresh()).access_token;
  }

  refresh(): Promise<SignedIn> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<SignedIn> {
    const before = this.#signedIn?.access_token;
    return this.#deps.lock('chaoke-refresh', async () => {
      const other = this.#signedIn;
      if (other && before !== undefined && other.access_token !== before) return other;
      try {
        const signedIn = await this.#post('session.refresh', {}, undefined, undefined);
        this.setSignedIn(signedIn);
        return signedIn;
      } catch (error) {
        if (error instanceof ApiError && error.class === 'unauthenticated') {
          this.#signedIn = undefined;
        }
        throw error;
      }
    });
  }

  #adopt(signedIn: SignedIn | undefined): void {
    this.#signedIn = signedIn;
    this.onSession(signedIn);
  }

  async #raw(path: string, init: RawInit, token: string): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${token}` };
    try {
      return await this.#deps.fetch(path, { ...init, headers, credentials: 'same-origin', cache: 'no-store' });
    } catch {
      throw networkError('fetch');
    }
  }

  async #post<M extends Method>(
    method: M,
    params: Params<M>,
    token: string | undefined,
    key: string | undefined,
  ): Promise<Result<M>> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (key !== undefined) headers['idempotency-key'] = key;
    let response: Response;
    let body: unknown;
    try {
      response = await this.#deps.fetch(`/api/v1/${method}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(params),
        credentials: 'same-origin',
        cache: 'no-store',
        // Leaving the page must not leave the session behind.
        keepalive: method === 'session.sign_out',
        signal: AbortSignal.timeout(HTTP_DEADLINE_MS),
      });
      body = await response.json();
    } catch {
      throw networkError('fetch');
    }
    if (!response.ok) throw readError(body);
    return body as Result<M>;
  }
}
