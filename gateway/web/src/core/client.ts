// The whole client without a screen: session, connection and stores, and what flows between them.

import { Api, type ApiDeps } from './api';
import { Cell } from './cell';
import { Clock, type Timers } from './clock';
import { Connection, type ConnectionDeps, pushMap } from './connection';
import { Conversations, firstUnread } from './conversations';
import { Drafts, type KeyValue } from './drafts';
import { type ApiError, asApiError, isRecord, networkError } from './errors';
import { FileLinks } from './files';
import { Timeline } from './messages';
import { Outbox, type OutboxItem, type OutboxStore } from './outbox';
import { People } from './people';
import { Reading } from './reading';
import type { AllUploads, Uploads } from './uploads';
import type {
  ConversationId,
  ConversationRow,
  Method,
  Message,
  OpenResult,
  Params,
  Person,
  Presence,
  ReadEvent,
  Result,
  ResumedMessage,
  ResumedSelfAppended,
  SelfAppended,
  SignedIn,
  Space,
  UserId,
} from './wire';
import { CURSORS_MAX, writerOf } from './wire';

export type SessionState =
  | { kind: 'starting' }
  | { kind: 'unreachable'; error: ApiError }
  /** `expired`: in the middle of the work of `user`; the screen stays, sign-in comes in front of it. */
  | { kind: 'signed_out'; why: 'never' | 'chosen' | 'expired'; setupDone: boolean; user?: Person }
  | { kind: 'first_password'; user: Person; space: Space; password?: string }
  | { kind: 'ready'; user: Person; space: Space };

export interface ClientDeps {
  api: Omit<ApiDeps, 'now'>;
  socket: Pick<ConnectionDeps, 'url' | 'openSocket' | 'online'>;
  timers: Timers;
  random: () => number;
  newId: () => string;
  storage: KeyValue | undefined;
  outbox: OutboxStore;
  deviceId: string;
  deviceName: string;
  locale: () => string;
}

export const CLIENT_NAME = 'chaoke-web/0.1.0';

/** Histories kept in memory; the one used longest ago is let go. */
const TIMELINES_MAX = 30;
/** A page that could not reach the server at its start tries again this often. */
const START_AGAIN_MS = 3_000;
/** A socket that has not opened by then may not open at all. */
const LIST_ALONE_AFTER_MS = 1_000;
/** Says that somebody signed in here, so that a first visit asks for no session. Not a secret. */
const SESSION_NOTE = 'chaoke.session';
/** Someone who types says so at most this often; a sign of typing is shown this long. */
const TYPING_EVERY_MS = 3_000;
export const TYPING_SHOWN_MS = 5_000;

export class Client {
  readonly session = new Cell<SessionState>({ kind: 'starting' });
  readonly clock: Clock;
  readonly api: Api;
  readonly connection: Connection;
  readonly conversations: Conversations;
  readonly people: People;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly reading: Reading;
  readonly files: FileLinks;
  /** Files on their way into conversations. */
  readonly uploading = new Cell<AllUploads>(new Map());
  /** Who types where, until when. */
  readonly typing = new Cell<ReadonlyMap<ConversationId, ReadonlyMap<UserId, number>>>(new Map());
  readonly clockWrong = new Cell(false);
  /** Conversations one was in until a moment ago, as they stood in the list. */
  readonly left = new Cell<ReadonlyMap<ConversationId, ConversationRow | undefined>>(new Map());
  /** The store behind the server is another one: nothing that is kept here counts any more. */
  onOtherStore: () => void = () => {};

  readonly #deps: ClientDeps;
  readonly #timelines = new Map<ConversationId, Timeline>();
  readonly #typedAt = new Map<ConversationId, number>();
  #selfSeq: number | undefined;
  #incarnation: string | undefined;
  #userId: UserId | undefined;
  #prepared: ConversationId | undefined;
  #leaving: Promise<void> = Promise.resolve();
  #uploads: Promise<Uploads> | undefined;

  constructor(deps: ClientDeps) {
    this.#deps = deps;
    const { timers } = deps;
    this.clock = new Clock(timers);
    // The ends of tokens are told in the server's time.
    this.api = new Api({ ...deps.api, now: () => this.clock.now() });
    this.connection = new Connection({
      ...deps.socket,
      timers,
      random: deps.random,
      token: (refused) => this.api.token(refused),
      freshToken: () => this.api.freshToken(),
      hello: () => this.#hello(),
    });
    this.conversations = new Conversations({
      list: (params) => this.call('conversation.list', params),
      get: (id) => this.call('conversation.get', { conversation_id: id }),
      me: () => this.me(),
    });
    this.people = new People({
      get: async (ids) => (await this.call('directory.get', { user_ids: ids })).items,
      list: (params) => this.call('space.members', params),
      watch: async (ids) =>
        (await this.connection.call('presence.watch', { user_ids: ids })).items,
      timers,
    });
    this.outbox = new Outbox({
      store: deps.outbox,
      send: (item) => this.#send(item),
      connected: () => this.connection.state.get().kind === 'open',
      lock: deps.api.lock,
      timers,
      newId: deps.newId,
      onSent: (message) => this.#messageCame(message),
      announce: () => deps.api.tabs.send({ kind: 'outbox', user_id: this.me() }),
    });
    this.drafts = new Drafts(deps.storage, timers);
    this.reading = new Reading({
      mark: (id, seq) => this.call('conversation.mark_read', { conversation_id: id, seq }),
      onMarked: (id, seq, count) => this.conversations.read(id, seq, count),
      timers,
    });
    this.files = new FileLinks({
      ask: (id, fileIds) => this.call('file.links', { conversation_id: id, file_ids: fileIds }),
      now: () => this.clock.now(),
      timers,
    });
    this.#wire();
  }

  me(): UserId {
    return this.#userId ?? '';
  }

  /** Over the open socket, else over HTTP. */
  call<M extends Method>(method: M, params: Params<M>, key?: string): Promise<Result<M>> {
    if (this.connection.state.get().kind === 'open') return this.connection.call(method, params, key);
    return this.api.call(method, params, key);
  }

  /** A call that writes, repeatable under one key: whoever asks again for the same gives the same one. */
  write<M extends Method>(method: M, params: Params<M>, key = this.#deps.newId()): Promise<Result<M>> {
    return this.call(method, params, key);
  }

  /** Whether somebody signed in here and did not sign out. */
  mayHaveSession(): boolean {
    const { storage } = this.#deps;
    return storage === undefined || storage.getItem(SESSION_NOTE) !== null;
  }

  /**
   * At page load: the cookie says who we are. Where nobody ever signed in there is none to ask for, and the door is shown
   * at once, unless one came with a set-up link: then the server says first whether it still is one.
   */
  async start(withSetupLink = false): Promise<void> {
    if (!this.mayHaveSession()) {
      if (!withSetupLink) this.session.set({ kind: 'signed_out', why: 'never', setupDone: true });
      await this.#showSignIn();
      return;
    }
    try {
      this.#enter(await this.api.refresh());
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.class === 'unauthenticated') {
        await this.#showSignIn();
        return;
      }
      this.session.set({ kind: 'unreachable', error });
      this.#deps.timers.after(error.retryAfterMs ?? START_AGAIN_MS, () => {
        if (this.session.get().kind === 'unreachable') void this.start();
      });
    }
  }

  async setUp(form: { token: string; company_name: string; name: string; login: string; password: string }): Promise<void> {
    const params = { ...form, device_name: this.#deps.deviceName, cookie: true };
    this.#take(await this.api.open('setup.complete', params));
  }

  async signIn(login: string, password: string): Promise<void> {
    // The answer to a sign-out takes the cookie away: it may not come after the new one.
    await this.#leaving;
    const device = { device_id: this.#deps.deviceId, device_name: this.#deps.deviceName };
    const signedIn = await this.api.open('session.sign_in', { login, password, ...device, cookie: true });
    this.#take(signedIn, password);
  }

  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    const params = { old_password: oldPassword, new_password: newPassword };
    this.#take(await this.api.call('account.change_password', params));
  }

  /**
   * Ends at once on this screen; the server hears of it as soon as it can. Where it cannot be reached its end of the
   * session follows by expiry.
   */
  signOut(): void {
    this.#noteSession(false);
    this.#leaving = this.api.signOut().catch(() => {});
    this.#forgetPerson();
    this.session.set({ kind: 'signed_out', why: 'chosen', setupDone: true });
  }

  timeline(id: ConversationId): Timeline {
    const have = this.#timelines.get(id);
    if (have) {
      this.#timelines.delete(id);
      this.#timelines.set(id, have);
      return have;
    }
    const made = new Timeline(
      (params) => this.call('message.list', { conversation_id: id, ...params }),
      this.#deps.timers,
    );
    this.#timelines.set(id, made);
    const oldest = this.#timelines.keys().next().value;
    if (this.#timelines.size > TIMELINES_MAX && oldest !== undefined) {
      this.#timelines.delete(oldest);
      this.conversations.keepDetails(new Set(this.#timelines.keys()));
    }
    return made;
  }

  /** Asks for messages, beside the question where one stopped reading them when that is not known. */
  openTimeline(id: ConversationId): void {
    const row = this.conversations.row(id);
    const place = row ? firstUnread(row) : this.conversations.fetch(id).then(firstUnread, () => undefined);
    void this.timeline(id).open(place);
  }

  /** Asks for all that the screen of a conversation will ask for, before there is one. */
  prepare(id: ConversationId): void {
    this.#prepared = id;
    this.openTimeline(id);
    const want = (ids: readonly UserId[]) => ids.forEach((one) => this.people.want(one));
    void this.conversations.fetch(id).then((conversation) => want(conversation?.member_ids ?? []), () => {});
    const { view } = this.timeline(id);
    void view.until(({ phase }) => phase === 'ready').then(() => want(view.get().items.flatMap((one) => writerOf(one) ?? [])));
  }

  /** Whether that was answered just now; said once. */
  takePrepared(id: ConversationId): boolean {
    const is = this.#prepared === id && this.conversations.details.get().has(id);
    this.#prepared = undefined;
    return is;
  }

  /** Everything up to `seq` has been seen. Shown at once, told to the server a moment later. */
  markRead(id: ConversationId, seq: number): void {
    const row = this.conversations.row(id);
    if (!row || (row.read_seq >= seq && row.unread === 0)) return;
    this.conversations.read(id, seq, row.count);
    this.reading.mark(id, seq);
  }

  /** The page may be gone in a moment: what is gathered is kept and told now. */
  flush(): void {
    this.drafts.flush();
    this.reading.flush();
  }

  /** False when an unsent message would not survive closing the page. */
  get outboxDurable(): Cell<boolean> {
    return this.#deps.outbox.durable;
  }

  /** What brings files to the server: loaded with the first one, as most days see none. */
  uploads(): Promise<Uploads> {
    this.#uploads ??= import('./uploads').then(
      ({ Uploads }) => this.#makeUploads(Uploads),
      () => {
        this.#uploads = undefined;
        throw networkError('part');
      },
    );
    return this.#uploads;
  }

  #makeUploads(Make: typeof Uploads): Uploads {
    return new Make({
      all: this.uploading,
      begin: (name, size) => this.call('file.begin', { name, size, purpose: 'message' }),
      raw: (path, init) => this.api.raw(path, init),
      finish: (uploadId) => this.call('file.finish', { upload_id: uploadId }),
      send: (target, info, file) => {
        if (info.kind === 'image') this.files.keepLocal(info.file_id, file);
        return this.outbox.add(target, info);
      },
      timers: this.#deps.timers,
      newId: this.#deps.newId,
    });
  }

  /** Says that one types here, at most every few seconds. */
  typed(id: ConversationId): void {
    const now = this.#deps.timers.now();
    if (now - (this.#typedAt.get(id) ?? -TYPING_EVERY_MS) < TYPING_EVERY_MS) return;
    if (this.connection.state.get().kind !== 'open') return;
    this.#typedAt.set(id, now);
    this.connection.call('conversation.typing', { conversation_id: id }).catch(() => {});
  }

  #wire(): void {
    this.api.onSession = (signedIn) => {
      if (signedIn) this.#adopt(signedIn);
      else void this.#ended('chosen');
    };
    this.connection.onSignedOut = () => void this.#ended('expired');
    this.connection.onOpened = (result, askedAt) => this.#opened(result, askedAt);
    this.connection.onPush = (event, data) => this.#push(event, data);
    this.#deps.api.tabs.listen((note) => {
      if (note.kind === 'outbox' && note.user_id === this.me()) void this.outbox.load(this.me());
    });
  }

  #noteSession(there: boolean): void {
    try {
      if (there) this.#deps.storage?.setItem(SESSION_NOTE, '1');
      else this.#deps.storage?.removeItem(SESSION_NOTE);
    } catch {
      // Storage is full: the next page asks the server.
    }
  }

  #take(signedIn: SignedIn, password?: string): void {
    this.#noteSession(true);
    this.api.setSignedIn(signedIn);
    this.#enter(signedIn, password);
  }

  /** Another tab refreshed or signed in. */
  #adopt(signedIn: SignedIn): void {
    const kind = this.session.get().kind;
    if (kind === 'ready' && signedIn.user.user_id === this.me()) return;
    this.#enter(signedIn);
  }

  #enter(signedIn: SignedIn, password?: string): void {
    const { user, space } = signedIn;
    if (this.#userId !== user.user_id) this.#forgetPerson();
    this.#userId = user.user_id;
    this.people.put([user]);
    if (signedIn.must_change_password) {
      this.session.set({ kind: 'first_password', user, space, ...(password === undefined ? {} : { password }) });
      return;
    }
    this.drafts.load(user.user_id);
    this.session.set({ kind: 'ready', user, space });
    this.connection.start();
    void this.outbox.load(user.user_id);
    // The list comes with the socket, so that nothing is missed between them; where none opens, without it.
    this.#deps.timers.after(LIST_ALONE_AFTER_MS, () => {
      if (this.#userId === user.user_id && this.conversations.view.get().phase === 'empty') void this.conversations.load();
    });
  }

  async #ended(why: 'chosen' | 'expired'): Promise<void> {
    this.connection.stop();
    const before = this.session.get();
    if (before.kind === 'signed_out' || before.kind === 'starting') return;
    const whose = 'user' in before && why === 'expired' ? { user: before.user } : {};
    this.session.set({ kind: 'signed_out', why, setupDone: true, ...whose });
  }

  async #showSignIn(): Promise<void> {
    const setupDone = await this.api.open('setup.state', {}).then(
      ({ done }) => done,
      () => true,
    );
    const now = this.session.get();
    // Who stands at the door already need not see it drawn anew, and may have signed in meanwhile.
    const isAtDoor = now.kind === 'signed_out' && now.setupDone === setupDone;
    const isInside = now.kind === 'ready' || now.kind === 'first_password';
    if (!isAtDoor && !isInside) this.session.set({ kind: 'signed_out', why: 'never', setupDone });
  }

  #forgetPerson(): void {
    this.connection.stop();
    this.drafts.flush();
    this.#userId = undefined;
    this.#selfSeq = undefined;
    this.#timelines.clear();
    this.#typedAt.clear();
    this.typing.set(new Map());
    this.left.set(new Map());
    this.conversations.clear();
    this.people.clear();
    this.outbox.clear();
    this.reading.clear();
    this.files.clear();
    void this.#uploads?.then((uploads) => uploads.clear(), () => {});
  }

  #hello() {
    const cursors: Record<string, number> = {};
    const recent = [...this.#timelines].toReversed();
    for (const [id, timeline] of recent) {
      const cursor = timeline.cursor();
      if (cursor !== undefined && cursor > 0 && Object.keys(cursors).length < CURSORS_MAX) cursors[id] = cursor;
    }
    return {
      device_id: this.#deps.deviceId,
      client: CLIENT_NAME,
      locale: this.#deps.locale(),
      ...(this.#selfSeq === undefined ? {} : { self_seq: this.#selfSeq }),
      ...(Object.keys(cursors).length > 0 ? { cursors } : {}),
    };
  }

  #opened(result: OpenResult, askedAt: number): void {
    if (this.#incarnation !== undefined && this.#incarnation !== result.incarnation) this.onOtherStore();
    this.#incarnation = result.incarnation;
    this.clock.learn(result.server_now_at, askedAt);
    this.clockWrong.set(this.clock.isWrong());
    this.people.put([result.user]);
    const session: SessionState = { kind: 'ready', user: result.user, space: result.space };
    // Every screen looks at it: nothing is drawn for the same once more.
    if (JSON.stringify(session) !== JSON.stringify(this.session.get())) this.session.set(session);
    const { self, conversations: logs } = result.logs;
    for (const [id, log] of Object.entries(logs)) this.#resumed(id, log);
    this.#selfResumed(self);
    // Histories whose place was not among the cursors, and everything the list missed.
    for (const [id, timeline] of this.#timelines) if (!(id in logs)) timeline.behind(undefined);
    void this.conversations.load();
    this.conversations.keepDetails(new Set(this.#timelines.keys()));
    for (const id of this.conversations.details.get().keys()) this.#ask(id);
    this.people.reconnected();
    this.reading.flush();
    this.files.kick();
    void this.#uploads?.then((uploads) => uploads.kick(), () => {});
    void this.outbox.load(this.me());
  }

  #resumed(id: ConversationId, log: ResumedMessage): void {
    if (log.state === 'not_found') {
      this.#lost(id);
      return;
    }
    if (log.state === 'recovered') for (const message of log.entries) this.#messageCame(message);
    const timeline = this.#timelines.get(id);
    if (timeline && log.head_seq > (timeline.cursor() ?? 0)) timeline.behind(log.head_seq);
  }

  #selfResumed(log: ResumedSelfAppended | undefined): void {
    if (!log || log.state === 'not_found') return;
    if (log.state === 'recovered') for (const entry of log.entries) this.#selfEntry(entry);
    this.#selfSeq = Math.max(this.#selfSeq ?? 0, log.head_seq);
  }

  #push(event: string, data: unknown): void {
    const map = pushMap(data);
    const id = map['conversation_id'] as ConversationId | undefined;
    switch (event) {
      case 'message.created':
        this.#messageCame(map['message'] as Message);
        break;
      case 'message.changed': {
        const message = map['message'] as Message;
        this.#timelines.get(message.conversation_id)?.change(message);
        break;
      }
      case 'conversation.changed':
        if (id !== undefined) this.#ask(id);
        break;
      case 'conversation.read':
        this.#read(map as unknown as ReadEvent);
        break;
      case 'conversation.typed':
        if (id !== undefined) this.#someoneTyped(id, map['user_id'] as UserId);
        break;
      case 'self.appended':
        this.#selfEntry(map as unknown as SelfAppended);
        break;
      case 'presence.changed':
        this.people.presenceChanged((map['items'] as Presence[] | undefined) ?? []);
        break;
      case 'person.changed':
        this.#personChanged(map['user'] as Person | undefined);
        break;
      case 'connection.resync':
        for (const timeline of this.#timelines.values()) timeline.behind(undefined);
        void this.conversations.load();
        break;
      default:
        break;
    }
  }

  /** Also oneself: what one may do is shown at once. */
  #personChanged(user: Person | undefined): void {
    if (!isRecord(user)) return;
    this.people.heard(user);
    this.session.update((session) =>
      session.kind === 'ready' && session.user.user_id === user.user_id ? { ...session, user } : session,
    );
  }

  #messageCame(message: Message): void {
    if (!isRecord(message)) return;
    const id = message.conversation_id;
    this.#timelines.get(id)?.receive(message);
    if (message.client_msg_id !== undefined && message.author_id === this.me()) {
      this.outbox.settled(message.client_msg_id);
    }
    if (!this.conversations.received(message)) this.#ask(id);
    else if (message.kind === 'system') this.#ask(id);
    this.#stoppedTyping(id, message.author_id);
  }

  #read(event: ReadEvent): void {
    const { conversation_id, user_id, seq, count } = event;
    if (user_id === this.me()) this.conversations.read(conversation_id, seq, count);
    else this.conversations.othersRead(conversation_id, user_id, seq);
  }

  #selfEntry(entry: SelfAppended): void {
    if (entry.what === 'left') this.#lost(entry.conversation_id);
    const ask = this.conversations.applySelf(entry);
    if (ask !== undefined) this.#joined(ask);
    if (typeof entry.seq === 'number') this.#selfSeq = Math.max(this.#selfSeq ?? 0, entry.seq);
  }

  /** One is no longer in it. The draft stays. */
  #lost(id: ConversationId): void {
    const row = this.conversations.row(id) ?? this.left.get().get(id);
    this.left.update((map) => new Map(map).set(id, row));
    this.#timelines.delete(id);
    this.conversations.remove(id);
  }

  #joined(id: ConversationId): void {
    this.left.update((map) => new Map([...map].filter(([one]) => one !== id)));
    this.#ask(id);
  }

  #ask(id: ConversationId): void {
    this.conversations.fetch(id).catch(() => {});
  }

  async #send(item: OutboxItem): Promise<Message> {
    const { conversation_id, client_msg_id } = item;
    const said = item.file ? { file_id: item.file.file_id } : { text: item.text };
    const params = { conversation_id, client_msg_id, ...said, ...(item.peer_id ? { peer_id: item.peer_id } : {}) };
    const { message } = await this.connection.call('message.send', params);
    return message;
  }

  #someoneTyped(id: ConversationId, userId: UserId): void {
    if (userId === this.me()) return;
    const untilAt = this.#deps.timers.now() + TYPING_SHOWN_MS;
    this.typing.update((map) => new Map(map).set(id, new Map(map.get(id)).set(userId, untilAt)));
    this.#deps.timers.after(TYPING_SHOWN_MS, () => {
      if ((this.typing.get().get(id)?.get(userId) ?? 0) <= this.#deps.timers.now()) this.#stoppedTyping(id, userId);
    });
  }

  #stoppedTyping(id: ConversationId, userId: UserId): void {
    const here = this.typing.get().get(id);
    if (!here?.has(userId)) return;
    const rest = new Map(here);
    rest.delete(userId);
    this.typing.update((map) => {
      const next = new Map(map);
      if (rest.size > 0) next.set(id, rest);
      else next.delete(id);
      return next;
    });
  }
}
