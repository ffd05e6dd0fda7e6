// The story on a real server, and the pages that look at it.
import { expect, type Page } from '@playwright/test';

import { Api } from '../api';
import { chooseFirstPassword, composer, say, signIn } from '../screens';
import { Server } from '../server';
import { PASSWORD, type People } from '../world';
import { type Lens, putOn } from './lens';
import { painted } from './png';
import { at, BUSY, COMPANY, DRAFT, EAST, LIUYANG, ME, NOW, PASTED, PEOPLE, TALKS, TRADE, tradeTitle, UNSENT, WANGFANG } from './story';
import type { Painting, Sent, Talk } from './story';
import { CAUSES } from './upkeep';
import { Wire } from './wire';

interface SignedIn {
  user: { user_id: string };
  access_token: string;
}

interface Conversation {
  conversation_id: string;
  head_seq: number;
}

/** A page and the hand on its line to the server. */
export interface Seat {
  page: Page;
  wire: Wire;
}

export class Stage {
  /** By login, as the pages know them. */
  readonly people = new Map<string, string>();
  /** By the key of the talk. */
  readonly chats = new Map<string, string>();
  readonly voices = new Map<string, Api>();
  readonly admin: Api;
  me!: Seat;
  other!: Seat;
  private readonly lens: Lens = { now: NOW, ids: {}, moments: { ...CAUSES } };
  /** How many entries a chat had before its first line. */
  private readonly firstSeq = new Map<string, number>();
  private bareServer: Server | undefined;
  private busySeat: Promise<Seat> | undefined;

  constructor(
    readonly server: Server,
    private readonly cast: People,
  ) {
    this.admin = new Api(server);
  }

  async raise(): Promise<void> {
    const boss = await this.admin.setUp(COMPANY, ME.name, ME.login, PASSWORD);
    this.show(ME.login, boss.user_id);
    this.voices.set(ME.login, this.admin);
    for (const person of PEOPLE) await this.hire(person);
    await this.admin.call('space.add_members', { text: PASTED });
    const { items } = await this.admin.call<{ items: { user_id: string; login: string }[] }>('space.members', {
      limit: 200,
    });
    for (const { login, user_id } of items) this.show(login, user_id);
    // Oldest first: the list is ordered by what was said last.
    for (const talk of TALKS.toReversed()) await this.tell(talk);
    await this.admin.call('conversation.dissolve', { conversation_id: this.chat('closed') });
    this.date('closed', 2 + 3, at(29, '18:00'));
    await this.devices();
    await this.othersRead();
    this.other = await this.seat('wangfang');
    this.me = await this.seat(ME.login);
    await this.leaveUnsent();
  }

  async end(): Promise<void> {
    await this.bareServer?.stop();
  }

  chat(key: string): string {
    const id = this.chats.get(key);
    if (id === undefined) throw new Error(`there is no talk ${key}`);
    return id;
  }

  person(login: string): string {
    const id = this.people.get(login);
    if (id === undefined) throw new Error(`nobody is called ${login}`);
    return id;
  }

  /** Opens an address as after a reload: nothing of the state before is left. */
  async open(path: string, seat = this.me): Promise<Page> {
    await seat.page.goto('about:blank');
    await seat.page.goto(new URL(path, this.server.url).href);
    await expect(seat.page.getByRole('main')).toBeVisible();
    return seat.page;
  }

  /** A browser of somebody who signs in for the first time. */
  async newcomer(login: string, password: string): Promise<Seat> {
    const added = await this.admin.patiently<{ credential: string }>('space.reset_credential', { user_id: this.real(login) });
    const seat = await this.visitor();
    await seat.page.goto(this.server.url);
    await signIn(seat.page, login, added.credential);
    await chooseFirstPassword(seat.page, password);
    await expect(seat.page.getByRole('navigation', { name: '主导航' })).toBeVisible();
    return seat;
  }

  /** Who has very many conversations, and the first of them with a long history and more members than come with it. */
  busy(): Promise<Seat> {
    this.busySeat ??= this.makeBusy();
    return this.busySeat;
  }

  private async makeBusy(): Promise<Seat> {
    const voice = await this.entered(BUSY);
    const others = [...this.people.keys()].slice(PEOPLE.length + 1);
    const begun = async (name: string, logins: string[], texts: string[], when: (n: number) => number) => {
      const user_ids = logins.map((login) => this.real(login));
      const { conversation_id, head_seq } = await voice.patiently<Conversation>('conversation.create_discussion', { name, user_ids });
      this.chats.set(name, conversation_id);
      this.date(name, head_seq, when(0));
      for (const [n, text] of texts.entries()) await this.says(BUSY, name, text, when(n));
    };
    const { title, members, lines, text } = TRADE;
    const history = Array.from({ length: lines }, (_, n) => text(n));
    await begun(title, others.slice(0, members), history, (n) => at(2, '09:00') + n * 5 * 60_000);
    for (const [n, login] of others.entries()) {
      const second = others[(n + 1) % others.length] ?? login;
      await begun(tradeTitle(n), [login, second], [text(n)], () => at(3, '18:00') - n * 40 * 60_000);
    }
    // The glasses of a page know what there was when it was opened.
    return this.seat(BUSY);
  }

  /** A browser of somebody new. */
  async visitor(clock = NOW): Promise<Seat> {
    const page = await this.cast.stranger();
    await putOn(page, this.lens, clock);
    const wire = await Wire.on(page);
    return { page, wire };
  }

  async seat(login: string, password = PASSWORD, clock = NOW): Promise<Seat> {
    const seat = await this.visitor(clock);
    await seat.page.goto(this.server.url);
    await signIn(seat.page, login, password);
    await expect(seat.page.getByRole('navigation', { name: '主导航' })).toBeVisible();
    return seat;
  }

  /** A server on which nobody has set up a company. */
  async bare(): Promise<Server> {
    if (!this.bareServer) {
      this.bareServer = new Server();
      await this.bareServer.start();
    }
    return this.bareServer;
  }

  /** Somebody says something now. */
  async says(login: string, key: string, said: string | Sent, when = NOW): Promise<void> {
    const peer = key === ME.login || this.people.has(key) ? { peer_id: this.real(login === ME.login ? key : ME.login) } : {};
    const conversation_id = this.chat(key);
    const voice = this.voice(login);
    const line = typeof said === 'string' ? said : said.name;
    const { seq } = await voice.patiently<{ seq: number }>('message.send', {
      conversation_id,
      ...peer,
      ...(typeof said === 'string' ? { text: said } : { file_id: await voice.upload(said.name, bytesOf(said.what)) }),
      client_msg_id: `${key}-${when}-${line.length}-${login}`,
    });
    this.lens.moments[`${conversation_id}:${seq}`] = when;
  }

  /** The chat of two people, as `message.send` wants it named. */
  async direct(login: string, other: string): Promise<{ conversation_id: string; peer_id: string }> {
    const peer_id = this.real(other);
    const { conversation_id } = await this.voice(login).patiently<Conversation>('conversation.open_direct', { user_id: peer_id });
    return { conversation_id, peer_id };
  }

  voice(login: string): Api {
    const api = this.voices.get(login);
    if (!api) throw new Error(`${login} never signed in`);
    return api;
  }

  /** The id that the server knows. */
  real(login: string): string {
    const shown = this.person(login);
    const found = Object.entries(this.lens.ids).find(([, one]) => one === shown);
    return found?.[0] ?? shown;
  }

  private show(login: string, user_id: string): void {
    if (this.people.has(login)) return;
    const shown = `p${String(this.people.size * 7 + 3).padStart(25, '0')}`;
    this.people.set(login, shown);
    this.lens.ids[user_id] = shown;
    this.lens.moments[shown] = at(1, '18:05') - this.people.size * 60_000;
  }

  private async hire([name, login, title, writes]: (typeof PEOPLE)[number]): Promise<void> {
    const added = await this.admin.patiently<SignedIn & { credential: string }>('space.add_member', { name, login, title });
    this.show(login, added.user.user_id);
    if (writes) await this.entered(login, added.credential);
  }

  /** Somebody with a password of their own; without `credential` a new one is asked for. */
  private async entered(login: string, credential?: string): Promise<Api> {
    const asked = { user_id: this.real(login) };
    const old_password =
      credential ?? (await this.admin.patiently<{ credential: string }>('space.reset_credential', asked)).credential;
    const first = await new Api(this.server).patiently<SignedIn>('session.sign_in', { login, password: old_password });
    const kept = await new Api(this.server, first.access_token).patiently<SignedIn>('account.change_password', {
      old_password,
      new_password: PASSWORD,
    });
    const voice = new Api(this.server, kept.access_token, { login, password: PASSWORD });
    this.voices.set(login, voice);
    return voice;
  }

  private async tell(talk: Talk): Promise<void> {
    const conversation = await this.begin(talk);
    this.chats.set(talk.key, conversation.conversation_id);
    this.firstSeq.set(talk.key, conversation.head_seq);
    const first = talk.lines[0]?.at ?? NOW;
    this.date(talk.key, conversation.head_seq, first - 60_000);
    for (const { from, said, at: when } of talk.lines) await this.says(from, talk.key, said, when);
    const seq = conversation.head_seq + talk.read;
    if (seq > 0) {
      await this.admin.patiently('conversation.mark_read', { conversation_id: conversation.conversation_id, seq });
    }
  }

  private begin({ key, title, members }: Talk): Promise<Conversation> {
    if (!members) return this.admin.patiently('conversation.open_direct', { user_id: this.real(key) });
    return this.admin.patiently('conversation.create_discussion', {
      user_ids: members.map((login) => this.real(login)),
      ...(title ? { name: title } : {}),
    });
  }

  /** Everything of a chat up to an entry that has no moment yet. */
  private date(key: string, upTo: number, when: number): void {
    for (let seq = 1; seq <= upTo; seq += 1) this.lens.moments[`${this.chat(key)}:${seq}`] ??= when;
  }

  /** Own messages read by the other one, by some, by nobody. */
  private async othersRead(): Promise<void> {
    for (const [login, key, lines] of [
      ['wangfang', 'wangfang', WANGFANG.lines.length - 1],
      ['liuyang', 'liuyang', LIUYANG.lines.length - 1],
      ['chenchen', 'east', EAST.lines.length],
      ['sunlei', 'east', EAST.lines.length - 2],
    ] as const) {
      const seq = (this.firstSeq.get(key) ?? 0) + lines;
      await this.voice(login).patiently('conversation.mark_read', { conversation_id: this.chat(key), seq });
    }
  }

  /**
   * A draft and a message that the server refused; both stay in the browser. The page's clock is months behind,
   * and what was written so long ago the server takes no more.
   */
  private async leaveUnsent(): Promise<void> {
    const { page } = this.me;
    await this.open(`/chats/${this.chat('hengtong')}`);
    await composer(page).fill(DRAFT);
    await this.open(`/chats/${this.chat('sunlei')}`);
    await say(page, UNSENT);
    await expect(page.getByRole('button', { name: '重发' })).toBeVisible();
  }

  /** The other devices of the first person. */
  private async devices(): Promise<void> {
    for (const [device_name, when] of [
      ['Safari · iOS', at(0, '08:41')],
      ['Edge · Windows', at(6, '17:55')],
    ] as const) {
      const device_id = device_name;
      const params = { login: ME.login, password: PASSWORD, device_name, device_id };
      await new Api(this.server).patiently('session.sign_in', params);
      this.lens.moments[device_name] = when;
    }
  }
}

function bytesOf(what: Painting | number): Uint8Array<ArrayBuffer> {
  if (typeof what === 'number') return new Uint8Array(what).fill(1);
  const { width, height, ground, boxes } = what;
  const colourAt = (x: number, y: number) =>
    boxes.findLast(([left, top, wide, high]) => x >= left && x < left + wide && y >= top && y < top + high)?.[4] ?? ground;
  return new Uint8Array(painted(width, height, colourAt));
}
