// Messages on their way. Each is kept on this machine until the server has answered, so that a reload or a
// crash loses none; it keeps its client id, so that sending again never doubles one. One conversation sends
// one message at a time, in the order they were written.

import { Cell } from './cell';
import type { Timers } from './clock';
import { type ApiError, asApiError, isTransient } from './errors';
import type { ConversationId, FinishedFile, Message, UserId } from './wire';

export interface OutboxItem {
  client_msg_id: string;
  user_id: UserId;
  conversation_id: ConversationId;
  peer_id?: UserId;
  /** Empty where a file is sent. */
  text: string;
  /** The file that is sent: its bytes are with the server already. */
  file?: FinishedFile;
  created_at: number;
  state: 'waiting' | 'failed';
  attempts: number;
  failure?: { class: string; code: string; zh: string; en: string };
}

/** Where to. */
export interface Target {
  conversation_id: ConversationId;
  /** The other one of a direct chat; needed for its first message. */
  peer_id?: UserId;
}

export interface OutboxStore {
  all(userId: UserId): Promise<OutboxItem[]>;
  get(clientMsgId: string): Promise<OutboxItem | undefined>;
  put(item: OutboxItem): Promise<void>;
  remove(clientMsgId: string): Promise<void>;
  /** False when what is put here does not survive a reload (private mode, storage full). */
  readonly durable: Cell<boolean>;
}

export interface OutboxDeps {
  store: OutboxStore;
  send: (item: OutboxItem) => Promise<Message>;
  connected: () => boolean;
  lock: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  timers: Timers;
  newId: () => string;
  onSent: (message: Message) => void;
  /** Tells the other tabs that something was put or removed. */
  announce: () => void;
}

/** After this many answers of "not now" the person decides. */
const ATTEMPTS_MAX = 6;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** More than anyone types while offline; beyond it `add` refuses. */
export const OUTBOX_MAX = 500;

export class Outbox {
  /** Items by conversation, in the order they were written. */
  readonly items = new Cell<ReadonlyMap<ConversationId, readonly OutboxItem[]>>(new Map());
  readonly #deps: OutboxDeps;
  readonly #working = new Set<ConversationId>();
  #userId: UserId = '';

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  /** Takes up what an earlier page or another tab left. */
  async load(userId: UserId): Promise<void> {
    this.#userId = userId;
    const stored = await this.#deps.store.all(userId);
    if (userId !== this.#userId) return;
    const known = this.#flat();
    const ids = new Set(stored.map((item) => item.client_msg_id));
    // An item that is only in memory is either just being stored or was settled by another tab.
    const unsaved = known.filter((item) => !ids.has(item.client_msg_id) && this.#unsaved.has(item.client_msg_id));
    this.#show([...stored, ...unsaved]);
    this.kick();
  }

  readonly #unsaved = new Set<string>();

  clear(): void {
    this.#userId = '';
    this.items.set(new Map());
  }

  /** Shows and stores a message and sends it as soon as it can. False when too many are waiting. */
  add(target: Target, said: string | FinishedFile): boolean {
    if (this.#flat().length >= OUTBOX_MAX) return false;
    const item: OutboxItem = {
      ...target,
      client_msg_id: this.#deps.newId(),
      user_id: this.#userId,
      ...(typeof said === 'string' ? { text: said } : { text: '', file: said }),
      created_at: this.#now(target.conversation_id),
      state: 'waiting',
      attempts: 0,
    };
    this.#unsaved.add(item.client_msg_id);
    this.#show([...this.#flat(), item]);
    void this.#save(item).then(() => {
      this.#unsaved.delete(item.client_msg_id);
      void this.#work(item.conversation_id);
    });
    return true;
  }

  /** Later than all that waits there: what is written in one moment, or after the clock was set back, keeps its order. */
  #now(conversation: ConversationId): number {
    const waiting = (this.items.get().get(conversation) ?? []).filter((item) => item.state === 'waiting');
    return Math.max(this.#deps.timers.now(), ...waiting.map((item) => item.created_at + 1));
  }

  /** The person asks to send a failed one again. */
  async retry(clientMsgId: string): Promise<void> {
    const item = this.#find(clientMsgId);
    if (!item || item.state !== 'failed') return;
    const fresh: OutboxItem = { ...item, state: 'waiting', attempts: 0 };
    delete fresh.failure;
    if (item.failure?.code === 'expired') {
      // The old id is too old to prove anything; nothing was written under it.
      await this.discard(clientMsgId);
      this.add(pickTarget(item), item.file ?? item.text);
      return;
    }
    this.#replace(fresh);
    await this.#save(fresh);
    void this.#work(item.conversation_id);
  }

  async discard(clientMsgId: string): Promise<void> {
    this.#forget(clientMsgId);
    await this.#deps.store.remove(clientMsgId);
    this.#deps.announce();
  }

  /** The message came back as a live entry, maybe before the answer to the send. */
  settled(clientMsgId: string): void {
    if (this.#find(clientMsgId)) void this.discard(clientMsgId);
  }

  /** The connection is there (again): send what waits. */
  kick(): void {
    for (const conversation of this.items.get().keys()) void this.#work(conversation);
  }

  async #work(conversation: ConversationId): Promise<void> {
    if (this.#working.has(conversation)) return;
    this.#working.add(conversation);
    try {
      while (this.#deps.connected()) {
        const next = this.items.get().get(conversation)?.find((item) => item.state === 'waiting');
        if (!next || this.#unsaved.has(next.client_msg_id)) return;
        const go = await this.#deps.lock(`chaoke-send-${conversation}`, () => this.#sendOne(next));
        if (!go) return;
      }
    } finally {
      this.#working.delete(conversation);
    }
  }

  /** True when the next one may be sent. */
  async #sendOne(item: OutboxItem): Promise<boolean> {
    if (!(await this.#deps.store.get(item.client_msg_id))) {
      this.#forget(item.client_msg_id);
      return true;
    }
    try {
      const message = await this.#deps.send(item);
      this.#deps.onSent(message);
      await this.discard(item.client_msg_id);
      return true;
    } catch (thrown) {
      return this.#refused(item, asApiError(thrown));
    }
  }

  async #refused(item: OutboxItem, error: ApiError): Promise<boolean> {
    if (!this.#find(item.client_msg_id)) return true;
    // Signed out or unreachable: the message waits for the connection, however long that takes.
    if (error.class === 'unauthenticated') return false;
    if (error.class === 'network') {
      this.#later(item.conversation_id, RETRY_FIRST_MS);
      return false;
    }
    const attempts = item.attempts + 1;
    if (isTransient(error) && attempts < ATTEMPTS_MAX) {
      this.#replace({ ...item, attempts });
      const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** item.attempts, RETRY_MAX_MS);
      this.#later(item.conversation_id, error.retryAfterMs ?? backOffMs);
      return false;
    }
    const failed: OutboxItem = {
      ...item,
      attempts,
      state: 'failed',
      failure: { class: error.class, code: error.code, ...error.texts },
    };
    this.#replace(failed);
    await this.#save(failed);
    return true;
  }

  #later(conversation: ConversationId, delayMs: number): void {
    this.#deps.timers.after(delayMs, () => void this.#work(conversation));
  }

  async #save(item: OutboxItem): Promise<void> {
    await this.#deps.store.put(item);
    this.#deps.announce();
  }

  #flat(): OutboxItem[] {
    return [...this.items.get().values()].flat();
  }

  #find(clientMsgId: string): OutboxItem | undefined {
    return this.#flat().find((item) => item.client_msg_id === clientMsgId);
  }

  #forget(clientMsgId: string): void {
    this.#show(this.#flat().filter((item) => item.client_msg_id !== clientMsgId));
  }

  #replace(item: OutboxItem): void {
    this.#show(this.#flat().map((old) => (old.client_msg_id === item.client_msg_id ? item : old)));
  }

  #show(items: OutboxItem[]): void {
    const sorted = items.toSorted((a, b) => a.created_at - b.created_at || (a.client_msg_id < b.client_msg_id ? -1 : 1));
    this.items.set(group(sorted));
  }
}

/** Not `Map.groupBy`: Safari has it only since 17.4. */
function group(items: OutboxItem[]): Map<ConversationId, OutboxItem[]> {
  const map = new Map<ConversationId, OutboxItem[]>();
  for (const item of items) {
    const list = map.get(item.conversation_id);
    if (list) list.push(item);
    else map.set(item.conversation_id, [item]);
  }
  return map;
}

function pickTarget(item: OutboxItem): Target {
  return item.peer_id === undefined
    ? { conversation_id: item.conversation_id }
    : { conversation_id: item.conversation_id, peer_id: item.peer_id };
}
