// Where the outbox is kept: IndexedDB, and memory where the browser has none to give.

import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

import { Cell } from './cell';
import type { OutboxItem, OutboxStore } from './outbox';

interface Schema extends DBSchema {
  outbox: { key: string; value: OutboxItem; indexes: { by_user: string } };
}

const NAME = 'chaoke';
const VERSION = 1;

export class MemoryOutboxStore implements OutboxStore {
  readonly #items = new Map<string, OutboxItem>();

  all = async (userId: string): Promise<OutboxItem[]> =>
    [...this.#items.values()].filter((item) => item.user_id === userId);
  get = async (id: string): Promise<OutboxItem | undefined> => this.#items.get(id);
  put = async (item: OutboxItem): Promise<void> => {
    this.#items.set(item.client_msg_id, item);
  };
  remove = async (id: string): Promise<void> => {
    this.#items.delete(id);
  };
  readonly durable = new Cell(false);
}

/** IndexedDB; whatever it refuses is kept in memory, so that a full disk never stops a message. */
export class BrowserOutboxStore implements OutboxStore {
  readonly #memory = new MemoryOutboxStore();
  #database: Promise<IDBPDatabase<Schema>> | undefined;
  /** Until something that was put could not be kept. Reading proves nothing: a full disk can still be read. */
  readonly durable = new Cell(true);

  async all(userId: string): Promise<OutboxItem[]> {
    const stored = await this.#run((database) => database.getAllFromIndex('outbox', 'by_user', userId));
    return [...(stored ?? []), ...(await this.#memory.all(userId))];
  }

  async get(id: string): Promise<OutboxItem | undefined> {
    return (await this.#memory.get(id)) ?? (await this.#run((database) => database.get('outbox', id)));
  }

  async put(item: OutboxItem): Promise<void> {
    const saved = await this.#run((database) => database.put('outbox', item));
    this.durable.set(saved !== undefined);
    if (saved === undefined) await this.#memory.put(item);
    else await this.#memory.remove(item.client_msg_id);
  }

  async remove(id: string): Promise<void> {
    await this.#memory.remove(id);
    await this.#run((database) => database.delete('outbox', id));
  }

  async #run<T>(work: (database: IDBPDatabase<Schema>) => Promise<T>): Promise<T | undefined> {
    let opened = false;
    try {
      this.#database ??= openDB<Schema>(NAME, VERSION, {
        upgrade: (database) => {
          database.createObjectStore('outbox', { keyPath: 'client_msg_id' }).createIndex('by_user', 'user_id');
        },
      });
      const database = await this.#database;
      opened = true;
      return await work(database);
    } catch {
      if (!opened) this.durable.set(false);
      this.#database = undefined;
      return undefined;
    }
  }
}
