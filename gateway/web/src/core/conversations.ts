// The list of conversations, newest activity first, and what is unread: the server's count of entries less
// the server's count of those read. Nothing is counted here, so nothing can go wrong.

import { Cell } from './cell';
import { type ApiError, asApiError } from './errors';
import type { Conversation, ConversationId, ConversationRow, Message, Page, Preview, SelfAppended, UserId } from './wire';
import { PAGE_MAX } from './wire';

export interface ListView {
  phase: 'empty' | 'loading' | 'ready' | 'error';
  error?: ApiError;
  rows: readonly ConversationRow[];
  more: boolean;
  unreadTotal: number;
}

export interface ConversationsDeps {
  list: (params: { limit: number; cursor?: string }) => Promise<Page<ConversationRow>>;
  get: (id: ConversationId) => Promise<Conversation>;
  me: () => UserId;
}

/** Preview as long as the server makes it. */
const PREVIEW_CHARS = 100;
/** Pages read without being asked, so that the badge counts what matters: 1,000 conversations. */
const EAGER_PAGES = 5;

export class Conversations {
  readonly view = new Cell<ListView>({ phase: 'empty', rows: [], more: false, unreadTotal: 0 });
  /** Details of conversations that were opened. */
  readonly details = new Cell<ReadonlyMap<ConversationId, Conversation>>(new Map());
  readonly #deps: ConversationsDeps;
  readonly #rows = new Map<ConversationId, ConversationRow>();
  readonly #getting = new Map<ConversationId, Promise<Conversation | undefined>>();
  #next: string | undefined;
  /** Pages are asked for one after the other. */
  #loading: Promise<void> | undefined;
  /** Something may have happened since the page that is on its way was asked for. */
  #stale = false;
  /** Grows with every person, so that an answer for the one before is dropped. */
  #person = 0;

  constructor(deps: ConversationsDeps) {
    this.#deps = deps;
  }

  clear(): void {
    this.#person += 1;
    this.#loading = undefined;
    this.#stale = false;
    this.#getting.clear();
    this.#rows.clear();
    this.#next = undefined;
    this.details.set(new Map());
    this.view.set({ phase: 'empty', rows: [], more: false, unreadTotal: 0 });
  }

  row(id: ConversationId): ConversationRow | undefined {
    return this.#rows.get(id);
  }

  /** First load, or quiet refresh after being away. Asked for while it runs, it runs once more. */
  load(): Promise<void> {
    this.#stale = true;
    return this.#loading ?? this.#work(undefined);
  }

  loadMore(): Promise<void> {
    const cursor = this.#next;
    if (this.#loading || cursor === undefined) return Promise.resolve();
    return this.#work(cursor);
  }

  #work(more: string | undefined): Promise<void> {
    const person = this.#person;
    const working = (async () => {
      if (more !== undefined) await this.#loadOlder(more, person);
      while (this.#stale && person === this.#person) {
        this.#stale = false;
        await this.#loadNewest(person);
      }
    })().finally(() => {
      if (this.#loading === working) this.#loading = undefined;
    });
    this.#loading = working;
    return working;
  }

  /** Pages from the newest until nothing is new. */
  async #loadNewest(person: number): Promise<void> {
    const first = this.view.get().phase !== 'ready';
    if (first) this.view.set({ ...this.view.get(), phase: 'loading' });
    try {
      let cursor: string | undefined;
      for (let page = 0; page < EAGER_PAGES; page += 1) {
        const answer = await this.#deps.list(cursor === undefined ? { limit: PAGE_MAX } : { limit: PAGE_MAX, cursor });
        if (person !== this.#person) return;
        const changed = answer.items.map((row) => this.#take(row)).includes(true);
        if (first) this.#next = answer.next;
        this.#show('ready');
        cursor = answer.next;
        if (cursor === undefined || (!first && !changed)) break;
      }
    } catch (error) {
      if (first && person === this.#person) this.view.set({ ...this.view.get(), phase: 'error', error: asApiError(error) });
    }
  }

  async #loadOlder(cursor: string, person: number): Promise<void> {
    try {
      const answer = await this.#deps.list({ limit: PAGE_MAX, cursor });
      if (person !== this.#person) return;
      for (const row of answer.items) this.#take(row);
      this.#next = answer.next;
      this.#show('ready');
    } catch {
      // Scrolling again asks again.
    }
  }

  /** Asks for one conversation and shows it in the list when it has something to show. */
  fetch(id: ConversationId): Promise<Conversation | undefined> {
    const running = this.#getting.get(id);
    if (running) return running;
    const person = this.#person;
    const asking = this.#deps
      .get(id)
      .then((conversation) => {
        if (person === this.#person) this.put(conversation);
        return conversation;
      })
      .catch((error: unknown) => {
        if (asApiError(error).class === 'not_found' && person === this.#person) this.remove(id);
        throw error;
      })
      .finally(() => {
        if (this.#getting.get(id) === asking) this.#getting.delete(id);
      });
    this.#getting.set(id, asking);
    return asking;
  }

  put(conversation: Conversation): void {
    const id = conversation.conversation_id;
    const before = this.details.get().get(id);
    const now = withReading(conversation, before);
    // The same once more: nothing is drawn for it.
    if (before && JSON.stringify(now) === JSON.stringify(before)) return;
    this.details.update((map) => new Map(map).set(id, now));
    if (conversation.head_seq > 0) {
      this.#take(conversation);
      this.#show();
    }
  }

  /** Lets go of the details of all others; their rows stay. */
  keepDetails(ids: ReadonlySet<ConversationId>): void {
    this.details.update((map) => new Map([...map].filter(([id]) => ids.has(id))));
  }

  remove(id: ConversationId): void {
    if (this.details.get().has(id)) {
      this.details.update((map) => {
        const rest = new Map(map);
        rest.delete(id);
        return rest;
      });
    }
    if (this.#rows.delete(id)) this.#show();
  }

  /** A new entry. Returns false when the conversation is not known here and must be asked for. */
  received(message: Message): boolean {
    const row = this.#rows.get(message.conversation_id);
    if (!row) return false;
    if (message.seq <= row.head_seq) return true;
    const part: Partial<ConversationRow> = { head_seq: message.seq, count: message.count, last: previewOf(message) };
    // Who writes has read what is above.
    if (message.author_id === this.#deps.me()) Object.assign(part, { read_seq: message.seq, read_count: message.count });
    this.#change(row, part);
    return true;
  }

  /** One's own reading, here or on another device. `count` is what is counted up to `seq`. */
  read(id: ConversationId, seq: number, count: number): void {
    const row = this.#rows.get(id);
    if (!row || seq < row.read_seq) return;
    this.#change(row, { read_seq: seq, read_count: Math.max(count, row.read_count) });
  }

  /** Someone else has read. */
  othersRead(id: ConversationId, userId: UserId, seq: number): void {
    const conversation = this.details.get().get(id);
    if (!conversation?.members) return;
    const members = conversation.members.map((member) =>
      member.user_id === userId ? { ...member, read_seq: Math.max(seq, member.read_seq ?? 0) } : member,
    );
    this.details.update((map) => new Map(map).set(id, { ...conversation, members }));
  }

  /** An entry of one's own log. Returns the conversation that must be asked for, if any. */
  applySelf(entry: SelfAppended): ConversationId | undefined {
    const id = entry.conversation_id;
    if (id === undefined) return undefined;
    if (entry.what === 'left') this.remove(id);
    else if (entry.what === 'read') this.read(id, entry.read_seq ?? 0, entry.read_count ?? 0);
    else if (entry.what === 'joined') return id;
    return undefined;
  }

  #take(row: ConversationRow): boolean {
    const old = this.#rows.get(row.conversation_id);
    const lean = rowOf(row);
    if (old && old.head_seq > lean.head_seq) return false;
    if (old && old.read_seq > lean.read_seq) {
      lean.read_seq = old.read_seq;
      lean.read_count = Math.max(old.read_count, lean.read_count);
    }
    lean.unread = unreadOf(lean);
    this.#rows.set(row.conversation_id, lean);
    return !old || old.head_seq !== lean.head_seq || old.read_seq !== lean.read_seq || old.unread !== lean.unread;
  }

  #change(row: ConversationRow, part: Partial<ConversationRow>): void {
    const next = { ...row, ...part };
    this.#rows.set(row.conversation_id, { ...next, unread: unreadOf(next) });
    this.#show();
  }

  #show(phase = this.view.get().phase): void {
    const rows = [...this.#rows.values()].sort(byActivity);
    let unreadTotal = 0;
    for (const row of rows) unreadTotal += row.unread;
    this.view.set({ phase, rows, more: this.#next !== undefined, unreadTotal });
  }
}

/** Where a history opens, when something is unread. */
export function firstUnread(row: ConversationRow | undefined): number | undefined {
  return row && row.unread > 0 ? row.read_seq + 1 : undefined;
}

function unreadOf(row: ConversationRow): number {
  return Math.max(0, row.count - row.read_count);
}

function byActivity(a: ConversationRow, b: ConversationRow): number {
  return (b.last?.sent_at ?? 0) - (a.last?.sent_at ?? 0) || (a.conversation_id < b.conversation_id ? 1 : -1);
}

/** An answer that travelled longer than a live read mark does not take it back. */
function withReading(conversation: Conversation, before: Conversation | undefined): Conversation {
  if (!conversation.members || !before?.members) return conversation;
  const read = new Map(before.members.map((member) => [member.user_id, member.read_seq ?? 0]));
  const members = conversation.members.map((member) => {
    const known = read.get(member.user_id) ?? 0;
    return known > (member.read_seq ?? 0) ? { ...member, read_seq: known } : member;
  });
  return { ...conversation, members };
}

export function previewOf(message: Message): Preview {
  const preview: Preview = {
    seq: message.seq,
    sent_at: message.sent_at,
    author_id: message.author_id,
    kind: message.kind,
  };
  if (message.bot) preview.bot = message.bot;
  if (message.text !== undefined) preview.text = [...message.text].slice(0, PREVIEW_CHARS).join('');
  if (message.file) preview.file_name = message.file.name;
  if (message.system) preview.system = message.system;
  return preview;
}

/** The row of a conversation without its details. */
function rowOf(row: ConversationRow & Partial<Conversation>): ConversationRow {
  const { members: _members, created_at: _created, history: _history, ...lean } = row;
  return lean;
}
