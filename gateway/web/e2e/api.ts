// What a test needs before its story begins (a company, colleagues) goes over HTTP: it is faster than
// the screens, and the screens of set-up have a test of their own.
import { setTimeout as oneMoment } from 'node:timers/promises';

import type { Server } from './server';

export interface Account {
  user_id: string;
  name: string;
  login: string;
  password: string;
}

interface SignedIn {
  user: { user_id: string; name: string; login: string };
  access_token: string;
}

export class Api {
  constructor(
    private readonly server: Pick<Server, 'url' | 'setupLink'>,
    private token = '',
    /** Who signs in again when the token has ended: a long story takes longer than it lives. */
    private again?: { login: string; password: string },
  ) {}

  async call<T>(method: string, params: object): Promise<T> {
    const answer = await this.post(method, params);
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${method} answered ${answer.status}: ${body}`);
    return JSON.parse(body) as T;
  }

  private async post(method: string, params: object): Promise<Response> {
    const answer = await this.postOnce(method, params);
    if (answer.status !== 401 || !this.again || method === 'session.sign_in') return answer;
    await this.signIn(this.again.login, this.again.password);
    return this.postOnce(method, params);
  }

  private postOnce(method: string, params: object): Promise<Response> {
    return fetch(`${this.server.url}/api/v1/${method}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      },
      body: JSON.stringify(params),
    });
  }

  /** Calls again when the server asks to wait. */
  patiently<T>(method: string, params: object): Promise<T> {
    return this.until(method, () => this.post(method, params));
  }

  private async until<T>(method: string, ask: () => Promise<Response>): Promise<T> {
    for (;;) {
      const answer = await ask();
      if (answer.ok) return (await answer.json()) as T;
      const error = (await answer.json()) as { class: string; retry_after_ms?: number };
      if (error.class !== 'limited') throw new Error(`${method} answered ${JSON.stringify(error)}`);
      await oneMoment(error.retry_after_ms ?? 50);
    }
  }

  /** Brings a file to the server in one part; gives its id, which `message.send` takes. */
  async upload(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const file = { name, size: bytes.length, purpose: 'message' };
    const { upload_id } = await this.patiently<{ upload_id: string }>('file.begin', file);
    const headers = { authorization: `Bearer ${this.token}`, 'upload-offset': '0' };
    await this.until('PUT', () => fetch(`${this.server.url}/files/${upload_id}`, { method: 'PUT', headers, body: bytes }));
    return (await this.patiently<{ file_id: string }>('file.finish', { upload_id })).file_id;
  }

  async signIn(login: string, password: string): Promise<void> {
    this.token = (await this.call<SignedIn>('session.sign_in', { login, password })).access_token;
  }

  /** Completes the set-up and stays signed in as the administrator. */
  async setUp(company_name: string, name: string, login: string, password: string): Promise<Account> {
    const token = (await this.server.setupLink()).split('#')[1] ?? '';
    const done = await this.call<SignedIn>('setup.complete', { token, company_name, name, login, password });
    this.token = done.access_token;
    this.again = { login, password };
    return { user_id: done.user.user_id, name, login, password };
  }

  /** Adds a colleague and gives them a password of their own, as their first sign-in would. */
  async addColleague(name: string, login: string, password: string): Promise<Account> {
    const added = await this.call<{ user: { user_id: string }; credential: string }>('space.add_member', {
      name,
      login,
    });
    const theirs = new Api(this.server);
    await theirs.signIn(login, added.credential);
    await theirs.call('account.change_password', { old_password: added.credential, new_password: password });
    return { user_id: added.user.user_id, name, login, password };
  }
}
