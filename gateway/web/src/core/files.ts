// Where the files of messages can be fetched. The server gives paths that hold for some hours; what is asked
// for in one moment is one question.

import type { Timers } from './clock';
import { Cell } from './cell';
import { asApiError, isTransient } from './errors';
import { type ConversationId, LINKS_MAX } from './wire';

export interface FileLinksDeps {
  ask: (id: ConversationId, fileIds: string[]) => Promise<{ links: { file_id: string; url: string }[]; expires_at: number }>;
  /** By the server's clock, as the ends of the paths are. */
  now: () => number;
  timers: Timers;
}

/** Absent for a file that is gone, or not for us. */
export interface Link {
  url: string | undefined;
  until: number;
}

/** A path that ends sooner than this is asked for anew: what is fetched with it takes its time. */
const MARGIN_MS = 5 * 60_000;
/** An answer holds at least so long, however the clocks go. */
const LEAST_MS = 60_000;
const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 30_000;
/** More than a day's scrolling shows; the oldest are let go. */
const KEPT_MAX = 2_000;
/** Pictures that were sent from here are shown from here; each keeps its file from being let go. */
const LOCAL_MAX = 30;

interface Wish {
  conversationId: ConversationId;
  fileId: string;
  done: (url: string | undefined) => void;
  failed: (error: unknown) => void;
}

export class FileLinks {
  readonly known = new Cell<ReadonlyMap<string, Link>>(new Map());
  readonly #deps: FileLinksDeps;
  readonly #local = new Map<string, string>();
  #asking = new Map<string, Promise<string | undefined>>();
  #wishes: Wish[] = [];
  /** Shown somewhere and not answered yet. */
  #missing = new Map<string, [ConversationId, string]>();
  #failures = 0;
  #waits = false;
  #person = 0;

  constructor(deps: FileLinksDeps) {
    this.#deps = deps;
  }

  /** Makes sure that the path comes, however often it must be asked for. */
  want(conversationId: ConversationId, fileId: string): void {
    const key = linkKey(conversationId, fileId);
    if (this.#good(key) || this.#asking.has(key)) return;
    this.fresh(conversationId, fileId).catch((thrown: unknown) => {
      if (!isTransient(asApiError(thrown)) && asApiError(thrown).class !== 'unauthenticated') {
        this.#keep([[key, { url: undefined, until: this.#deps.now() + MARGIN_MS }]]);
        return;
      }
      this.#missing.set(key, [conversationId, fileId]);
      this.#later();
    });
  }

  /** A path that is good now; none for a file that is gone. */
  fresh(conversationId: ConversationId, fileId: string): Promise<string | undefined> {
    const key = linkKey(conversationId, fileId);
    const have = this.#good(key);
    if (have) return Promise.resolve(have.url);
    const running = this.#asking.get(key);
    if (running) return running;
    const asking = new Promise<string | undefined>((done, failed) => {
      this.#wishes.push({ conversationId, fileId, done, failed });
    }).finally(() => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    });
    this.#asking.set(key, asking);
    if (this.#wishes.length === 1) this.#deps.timers.after(0, () => this.#askAll());
    return asking;
  }

  /** A path that is good now, where one is known. */
  url(conversationId: ConversationId, fileId: string): string | undefined {
    return this.#good(linkKey(conversationId, fileId))?.url;
  }

  /** Whether the server says that there is nothing for us. */
  gone(conversationId: ConversationId, fileId: string): boolean {
    const link = this.#good(linkKey(conversationId, fileId));
    return link !== undefined && link.url === undefined;
  }

  /** What was fetched with it did not come. */
  forget(conversationId: ConversationId, fileId: string): void {
    this.#drop(fileId);
    this.known.update((map) => {
      const rest = new Map(map);
      rest.delete(linkKey(conversationId, fileId));
      return rest;
    });
  }

  /** A picture that was sent from this page needs no way to the server and back. */
  keepLocal(fileId: string, picture: Blob): void {
    this.#local.set(fileId, URL.createObjectURL(picture));
    const oldest = this.#local.keys().next().value;
    if (this.#local.size > LOCAL_MAX && oldest !== undefined) this.#drop(oldest);
  }

  local(fileId: string): string | undefined {
    return this.#local.get(fileId);
  }

  /** The connection is there (again). */
  kick(): void {
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    for (const [conversationId, fileId] of missing) this.want(conversationId, fileId);
  }

  clear(): void {
    this.#person += 1;
    this.#missing.clear();
    this.#asking = new Map();
    for (const wish of this.#wishes.splice(0)) wish.done(undefined);
    for (const fileId of this.#local.keys()) this.#drop(fileId);
    this.known.set(new Map());
  }

  #good(key: string): Link | undefined {
    const link = this.known.get().get(key);
    return link && link.until > this.#deps.now() ? link : undefined;
  }

  #drop(fileId: string): void {
    const url = this.#local.get(fileId);
    if (url === undefined) return;
    this.#local.delete(fileId);
    URL.revokeObjectURL(url);
  }

  #askAll(): void {
    const wishes = this.#wishes;
    this.#wishes = [];
    for (const id of new Set(wishes.map((wish) => wish.conversationId))) {
      const here = wishes.filter((wish) => wish.conversationId === id);
      for (let from = 0; from < here.length; from += LINKS_MAX) void this.#ask(id, here.slice(from, from + LINKS_MAX));
    }
  }

  async #ask(id: ConversationId, wishes: Wish[]): Promise<void> {
    const person = this.#person;
    try {
      const answer = await this.#deps.ask(id, wishes.map((wish) => wish.fileId));
      if (person !== this.#person) {
        for (const wish of wishes) wish.done(undefined);
        return;
      }
      const urls = new Map(answer.links.map((link) => [link.file_id, link.url]));
      const now = this.#deps.now();
      const until = Math.max(answer.expires_at - MARGIN_MS, now + LEAST_MS);
      this.#failures = 0;
      this.#keep(
        wishes.map(({ fileId }) => {
          const url = urls.get(fileId);
          return [linkKey(id, fileId), url === undefined ? { url, until: now + MARGIN_MS } : { url, until }];
        }),
      );
      for (const wish of wishes) wish.done(urls.get(wish.fileId));
    } catch (thrown) {
      for (const wish of wishes) wish.failed(thrown);
    }
  }

  #keep(links: [string, Link][]): void {
    const all = [...this.known.get(), ...links];
    this.known.set(new Map(all.slice(-KEPT_MAX)));
  }

  #later(): void {
    if (this.#waits) return;
    this.#waits = true;
    const ms = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    this.#failures += 1;
    this.#deps.timers.after(ms, () => {
      this.#waits = false;
      this.kick();
    });
  }
}

function linkKey(conversationId: ConversationId, fileId: string): string {
  return `${conversationId}/${fileId}`;
}
