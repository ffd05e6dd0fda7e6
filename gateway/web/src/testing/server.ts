// A server that speaks the wire as `docs` have it, over scripted sockets and HTTP, with the faults a test
// asks for: answers that get lost, pushes that get lost, a process that dies.

import type { SocketLike } from '../core/connection';
import type { Conversation, ConversationRow, FinishedFile, Message, Person } from '../core/wire';
import { ScriptedSocket } from './socket';
import type { ManualTimers } from './time';

interface Talk {
  id: string;
  kind: 'direct' | 'discussion';
  members: Map<string, number>;
  log: Message[];
}

export class ScriptedServer {
  readonly talks = new Map<string, Talk>();
  readonly people = new Map<string, Person>();
  readonly selfLogs = new Map<string, object[]>();
  readonly files = new Map<string, FinishedFile & { has: number }>();
  sockets: { socket: ScriptedSocket; userId: string | undefined }[] = [];
  down = false;
  /** The next sends are written but their answers never leave. */
  loseAnswers = 0;
  /** Pushes of entries with these numbers never leave. */
  losePushes = new Set<number>();
  readonly methods: string[] = [];

  constructor(readonly timers: ManualTimers) {}

  addPerson(userId: string, name: string): void {
    this.people.set(userId, { user_id: userId, name, login: userId, role: 'member', initial: '#', online: false });
    this.selfLogs.set(userId, []);
  }

  addTalk(id: string, kind: Talk['kind'], members: string[]): void {
    this.talks.set(id, { id, kind, members: new Map(members.map((member) => [member, 0])), log: [] });
  }

  socketFor(userId: string): (url: string, protocols: string[]) => SocketLike {
    return (url, protocols) => {
      const socket = new ScriptedSocket(url, protocols);
      const entry = { socket, userId: undefined as string | undefined };
      this.sockets.push(entry);
      socket.onFrame = (frame) => this.#frame(entry, userId, frame);
      const { down } = this;
      void Promise.resolve().then(() => (down ? socket.hangUp(1006) : socket.accept()));
      return socket;
    };
  }

  fetchFor(userId: string): typeof fetch {
    return async (url, init) => {
      if (this.down) throw new TypeError('failed to fetch');
      if (String(url).startsWith('/files/')) return this.#bytes(String(url).slice(7), init?.body as ArrayBuffer);
      const method = String(url).replace('/api/v1/', '');
      if (method === 'session.refresh') return Response.json(this.#signedIn(userId));
      return Response.json(this.#answer(userId, method, JSON.parse(String(init?.body)) as never));
    };
  }

  /** The process dies: every socket with it. */
  kill(): void {
    this.down = true;
    for (const { socket } of this.sockets) if (!socket.closed) socket.hangUp(1006);
    this.sockets = [];
  }

  /** Somebody writes, from outside the clients under test. */
  write(talkId: string, authorId: string, said: string | FinishedFile, clientMsgId?: string): Message {
    const talk = this.#talk(talkId);
    const seq = talk.log.length + 1;
    const sent_at = this.timers.now();
    const what = typeof said === 'string' ? ({ kind: 'text', text: said } as const) : { kind: said.kind, file: said };
    const message: Message = { conversation_id: talkId, seq, count: seq, ...what, author_id: authorId, sent_at };
    if (clientMsgId !== undefined) message.client_msg_id = clientMsgId;
    talk.log.push(message);
    talk.members.set(authorId, seq);
    if (!this.losePushes.has(seq)) this.push([...talk.members.keys()], 'message.created', { message });
    return message;
  }

  remove(talkId: string, userId: string): void {
    this.#talk(talkId).members.delete(userId);
    const log = this.selfLogs.get(userId) ?? [];
    const entry = { seq: log.length + 1, at: this.timers.now(), what: 'left', conversation_id: talkId };
    log.push(entry);
    this.push([userId], 'self.appended', entry);
  }

  push(userIds: string[], event: string, data: object): void {
    for (const { socket, userId } of this.sockets) {
      if (userId !== undefined && userIds.includes(userId) && !socket.closed) socket.say([event, data]);
    }
  }

  #bytes(id: string, bytes: ArrayBuffer): Response {
    const file = this.files.get(id);
    if (!file) return new Response(null, { status: 404 });
    file.has += bytes.byteLength;
    return Response.json({ offset: file.has });
  }

  #file(method: string, params: Record<string, unknown>): unknown {
    const id = params['upload_id'] as string;
    if (method === 'file.finish') return this.files.get(id);
    const upload_id = `f${this.files.size + 1}`;
    const { name, size } = params as { name: string; size: number };
    this.files.set(upload_id, { file_id: upload_id, name, size, mime: 'application/pdf', kind: 'file', has: 0 });
    return { upload_id, chunk_bytes: 4_194_304 };
  }

  #frame(entry: { socket: ScriptedSocket; userId: string | undefined }, userId: string, frame: unknown[]): void {
    const [id, method, params] = frame as [number, string, never];
    if (id === 0) return;
    if (method === 'connection.open') entry.userId = userId;
    const before = this.loseAnswers;
    const answer = this.#answer(userId, method, params);
    void Promise.resolve().then(() => {
      if (entry.socket.closed) return;
      if (method === 'message.send' && before > 0) {
        this.loseAnswers -= 1;
        return;
      }
      const gone = typeof answer === 'object' && answer !== null && 'class' in answer;
      entry.socket.say([id, !gone, answer]);
    });
  }

  #answer(userId: string, method: string, params: Record<string, never>): unknown {
    this.methods.push(method);
    const talkId = params['conversation_id'] as unknown as string;
    switch (method) {
      case 'connection.open':
        return this.#open(userId, params);
      case 'conversation.list':
        return { items: [...this.talks.values()].filter((talk) => talk.members.has(userId)).map((talk) => this.#row(talk, userId)) };
      case 'conversation.get':
        return this.#visible(talkId, userId) ? this.#conversation(this.#talk(talkId), userId) : this.#notFound();
      case 'message.list':
        return this.#visible(talkId, userId) ? this.#page(this.#talk(talkId), params) : this.#notFound();
      case 'message.send':
        return this.#send(userId, params);
      case 'conversation.mark_read': {
        const seq = params['seq'] as unknown as number;
        this.#talk(talkId).members.set(userId, seq);
        this.push([...this.#talk(talkId).members.keys()], 'conversation.read', { conversation_id: talkId, user_id: userId, seq, count: seq });
        return { read_seq: seq, read_count: seq, unread: 0 };
      }
      case 'file.begin':
      case 'file.finish':
        return this.#file(method, params);
      case 'directory.get':
        return { items: [...this.people.values()] };
      default:
        return { items: [], expires_at: this.timers.now() + 900_000 };
    }
  }

  #open(userId: string, params: Record<string, unknown>) {
    const conversations: Record<string, object> = {};
    for (const [id, seen] of Object.entries((params['cursors'] ?? {}) as Record<string, number>)) {
      const talk = this.talks.get(id);
      if (!talk?.members.has(userId)) conversations[id] = { state: 'not_found' };
      else if (talk.log.length - seen > 200) conversations[id] = { state: 'reload', head_seq: talk.log.length };
      else conversations[id] = { state: 'recovered', entries: talk.log.slice(seen), head_seq: talk.log.length };
    }
    const own = this.selfLogs.get(userId) ?? [];
    const seen = (params['self_seq'] as number | undefined) ?? own.length;
    return {
      user: this.people.get(userId),
      space: { space_id: 's', name: '超客科技' },
      server_now_at: this.timers.now(),
      incarnation: 'one',
      heartbeat_ms: 30_000,
      max_in_flight: 64,
      reconnect: { min_ms: 200, max_ms: 2_000 },
      logs: { self: { state: 'recovered', entries: own.slice(seen), head_seq: own.length }, conversations },
    };
  }

  #send(userId: string, params: Record<string, unknown>): object {
    const talkId = params['conversation_id'] as string;
    if (!this.#visible(talkId, userId)) return this.#notFound();
    const key = params['client_msg_id'] as string;
    const talk = this.#talk(talkId);
    const had = talk.log.find((message) => message.author_id === userId && message.client_msg_id === key);
    const file = this.files.get(params['file_id'] as string);
    const message = had ?? this.write(talkId, userId, file ?? (params['text'] as string), key);
    return { conversation_id: talkId, seq: message.seq, sent_at: message.sent_at, message };
  }

  #page(talk: Talk, params: Record<string, unknown>) {
    const limit = (params['limit'] as number | undefined) ?? 50;
    const { before, after, around } = params as { before?: number; after?: number; around?: number };
    let from = Math.max(0, talk.log.length - limit);
    if (before !== undefined) from = Math.max(0, before - 1 - limit);
    if (after !== undefined) from = after;
    if (around !== undefined) from = Math.max(0, around - 1 - Math.floor(limit / 2));
    const items = talk.log.slice(from, before === undefined ? from + limit : before - 1);
    return { items, head_seq: talk.log.length, more_before: from > 0, more_after: from + items.length < talk.log.length };
  }

  #row(talk: Talk, userId: string): ConversationRow {
    const last = talk.log.at(-1);
    const read = talk.members.get(userId) ?? 0;
    return {
      conversation_id: talk.id,
      kind: talk.kind,
      state: 'open',
      head_seq: talk.log.length,
      count: talk.log.length,
      read_seq: read,
      read_count: read,
      unread: talk.log.length - read,
      from_seq: 1,
      member_count: talk.members.size,
      member_ids: [...talk.members.keys()],
      ...(last ? { last: { ...last } } : {}),
    };
  }

  #conversation(talk: Talk, userId: string): Conversation {
    const members = [...talk.members].map(([user_id, read_seq]) => ({ user_id, read_seq, joined_at: 1, role: 'member' as const }));
    return { ...this.#row(talk, userId), members, history: 'full' };
  }

  #visible(talkId: string, userId: string): boolean {
    return this.talks.get(talkId)?.members.has(userId) ?? false;
  }

  #talk(id: string): Talk {
    const talk = this.talks.get(id);
    if (!talk) throw new Error(`no conversation ${id}`);
    return talk;
  }

  #notFound(): object {
    return { class: 'not_found', code: 'conversation_not_found', message: { zh: '没有', en: 'none' } };
  }

  #signedIn(userId: string) {
    return {
      user: this.people.get(userId),
      space: { space_id: 's', name: '超客科技' },
      session_id: userId,
      access_token: `token-of-${userId}`,
      access_expires_at: this.timers.now() + 900_000,
      refresh_expires_at: this.timers.now() + 86_400_000,
      must_change_password: false,
    };
  }
}
