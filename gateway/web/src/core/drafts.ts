// What was typed and not sent, per conversation, kept over a reload.

import { Cell } from './cell';
import type { Timers } from './clock';
import type { ConversationId, UserId } from './wire';

export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  key(index: number): string | null;
  readonly length: number;
}

/** Writing on every key would make long texts slow; a closing page flushes. */
const SAVE_AFTER_MS = 250;
const PREFIX = 'chaoke.draft';

export class Drafts {
  readonly all = new Cell<ReadonlyMap<ConversationId, string>>(new Map());
  readonly #storage: KeyValue | undefined;
  readonly #timers: Timers;
  #userId: UserId = '';
  readonly #dirty = new Set<ConversationId>();
  #scheduled = false;

  constructor(storage: KeyValue | undefined, timers: Timers) {
    this.#storage = storage;
    this.#timers = timers;
  }

  load(userId: UserId): void {
    if (userId === this.#userId) return;
    this.#userId = userId;
    const found = new Map<ConversationId, string>();
    const prefix = `${PREFIX}.${userId}.`;
    const storage = this.#storage;
    try {
      for (let i = 0; storage && i < storage.length; i += 1) {
        const key = storage.key(i);
        if (key?.startsWith(prefix)) found.set(key.slice(prefix.length), storage.getItem(key) ?? '');
      }
    } catch {
      // No storage: drafts live as long as the page.
    }
    this.all.set(found);
  }

  get(id: ConversationId): string {
    return this.all.get().get(id) ?? '';
  }

  set(id: ConversationId, text: string): void {
    if (this.get(id) === text) return;
    this.all.update((map) => {
      const next = new Map(map);
      if (text === '') next.delete(id);
      else next.set(id, text);
      return next;
    });
    this.#dirty.add(id);
    if (text === '') {
      // It was sent: told late, this would take away what is being typed in another tab meanwhile.
      this.flush();
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#timers.after(SAVE_AFTER_MS, () => this.flush());
  }

  /** Another tab has written this key of the storage. */
  heard(key: string | null, value: string | null): void {
    const prefix = `${PREFIX}.${this.#userId}.`;
    if (!key?.startsWith(prefix)) return;
    const id = key.slice(prefix.length);
    if (this.#dirty.has(id)) return;
    this.all.update((map) => {
      const next = new Map(map);
      if (value === null || value === '') next.delete(id);
      else next.set(id, value);
      return next;
    });
  }

  flush(): void {
    this.#scheduled = false;
    for (const id of this.#dirty) {
      const key = `${PREFIX}.${this.#userId}.${id}`;
      const text = this.get(id);
      try {
        if (text === '') this.#storage?.removeItem(key);
        else this.#storage?.setItem(key, text);
      } catch {
        // Storage is full: the draft lives as long as the page.
      }
    }
    this.#dirty.clear();
  }
}
