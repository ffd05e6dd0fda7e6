// Everyone this client has met: names for messages, the directory, who is there right now.

import { Cell } from './cell';
import type { Timers } from './clock';
import { type ApiError, asApiError } from './errors';
import type { Page, Person, Presence, UserId } from './wire';
import { PAGE_MAX } from './wire';

export interface PeopleDeps {
  get: (userIds: UserId[]) => Promise<Person[]>;
  list: (params: { limit: number; cursor?: string }) => Promise<Page<Person>>;
  watch: (userIds: UserId[]) => Promise<Presence[]>;
  timers: Timers;
}

export interface DirectoryView {
  phase: 'empty' | 'loading' | 'ready' | 'error';
  error?: ApiError;
  people: readonly Person[];
  more: boolean;
}

/** The server keeps a watch for five minutes. */
const WATCH_RENEW_MS = 4 * 60_000;
const WATCH_MAX = 200;
/** Names asked for together. */
const GATHER_MS = 15;
/** A name that could not be had is asked for again after this time, not at every drawing. */
const MISSING_RETRY_MS = 10_000;

export class People {
  readonly known = new Cell<ReadonlyMap<UserId, Person>>(new Map());
  /** Ids that were asked for without a name to show for it: the server knows nobody, or did not answer. */
  readonly absent = new Cell<ReadonlyMap<UserId, 'nobody' | ApiError>>(new Map());
  readonly presence = new Cell<ReadonlyMap<UserId, Presence>>(new Map());
  readonly directory = new Cell<DirectoryView>({ phase: 'empty', people: [], more: false });
  readonly #deps: PeopleDeps;
  readonly #wanted = new Set<UserId>();
  readonly #askedAt = new Map<UserId, number>();
  #gathering = false;
  #next: string | undefined;
  #loading = false;
  readonly #watchers = new Map<object, readonly UserId[]>();
  #watched = '';
  #cancelWatch: () => void = () => {};

  constructor(deps: PeopleDeps) {
    this.#deps = deps;
  }

  clear(): void {
    this.known.set(new Map());
    this.absent.set(new Map());
    this.presence.set(new Map());
    this.directory.set({ phase: 'empty', people: [], more: false });
    this.#next = undefined;
    this.#watched = '';
    this.#askedAt.clear();
  }

  put(people: readonly Person[]): void {
    const known = this.known.get();
    // Nothing is drawn for what is known already.
    const news = people.filter((person) => JSON.stringify(person) !== JSON.stringify(known.get(person.user_id)));
    if (news.length === 0) return;
    this.known.update((map) => {
      const next = new Map(map);
      for (const person of news) next.set(person.user_id, person);
      return next;
    });
  }

  /** Somebody was disabled or enabled: the directory shows others now. */
  changed(person: Person): void {
    this.put([person]);
    if (this.directory.get().phase === 'ready') void this.loadDirectory();
  }

  /**
   * Everybody is told that somebody has another name, job or role, or was disabled or enabled. Nobody asks the server
   * for it: the directory keeps its order until it is loaded again.
   */
  heard(person: Person): void {
    this.put([person]);
    this.directory.update((view) => {
      const isShown = (one: Person) => one.user_id === person.user_id;
      if (!view.people.some(isShown)) return view;
      const people = person.disabled
        ? view.people.filter((one) => !isShown(one))
        : view.people.map((one) => (isShown(one) ? person : one));
      return { ...view, people };
    });
  }

  /** Makes sure that the name comes; several wishes of one moment are one question. */
  want(userId: UserId): void {
    const now = this.#deps.timers.now();
    if (this.known.get().has(userId) || this.#wanted.has(userId)) return;
    if (now - (this.#askedAt.get(userId) ?? -MISSING_RETRY_MS) < MISSING_RETRY_MS) return;
    this.#wanted.add(userId);
    this.#gatherSoon();
  }

  /** A person asks again for a name that did not come: at once, whatever the pace. */
  wantNow(userId: UserId): void {
    this.#askedAt.delete(userId);
    this.want(userId);
  }

  #gatherSoon(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#deps.timers.after(GATHER_MS, () => void this.#gather());
  }

  async #gather(): Promise<void> {
    this.#gathering = false;
    const ids = [...this.#wanted].slice(0, PAGE_MAX);
    const now = this.#deps.timers.now();
    for (const id of ids) {
      this.#wanted.delete(id);
      this.#askedAt.set(id, now);
    }
    try {
      this.put(await this.#deps.get(ids));
      this.#missed(ids, 'nobody');
    } catch (error) {
      // Drawing again asks again, at the pace of MISSING_RETRY_MS.
      this.#missed(ids, asApiError(error));
    }
    if (this.#wanted.size > 0) this.#gatherSoon();
  }

  #missed(ids: readonly UserId[], why: 'nobody' | ApiError): void {
    const known = this.known.get();
    this.absent.update((map) => {
      const next = new Map(map);
      for (const id of ids) {
        if (known.has(id)) next.delete(id);
        else next.set(id, why);
      }
      return next;
    });
  }

  /** Loads the directory from its beginning; what is shown stays until the answer is there. */
  async loadDirectory(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const before = this.directory.get();
    if (before.phase !== 'ready') this.directory.set({ ...before, phase: 'loading' });
    try {
      const page = await this.#deps.list({ limit: PAGE_MAX });
      this.#next = page.next;
      this.put(page.items);
      this.directory.set({ phase: 'ready', people: page.items, more: page.next !== undefined });
    } catch (error) {
      if (before.phase !== 'ready') this.directory.set({ ...before, phase: 'error', error: asApiError(error) });
    } finally {
      this.#loading = false;
    }
  }

  async loadMoreDirectory(): Promise<void> {
    const cursor = this.#next;
    if (this.#loading || cursor === undefined) return;
    this.#loading = true;
    try {
      const page = await this.#deps.list({ limit: PAGE_MAX, cursor });
      this.#next = page.next;
      this.put(page.items);
      const people = [...this.directory.get().people, ...page.items];
      this.directory.set({ phase: 'ready', people, more: page.next !== undefined });
    } catch {
      // Scrolling again asks again.
    } finally {
      this.#loading = false;
    }
  }

  /** A screen shows these people; the returned function says that it no longer does. */
  watch(userIds: readonly UserId[]): () => void {
    const key = {};
    this.#watchers.set(key, userIds);
    void this.#rewatch(false);
    return () => {
      this.#watchers.delete(key);
      void this.#rewatch(false);
    };
  }

  /** After opening a connection the server knows no watch of ours, and names may come that did not before. */
  reconnected(): void {
    this.#watched = '';
    for (const [id, why] of this.absent.get()) if (why !== 'nobody') this.wantNow(id);
    void this.#rewatch(true);
  }

  presenceChanged(items: readonly Presence[]): void {
    if (items.length === 0) return;
    this.presence.update((map) => {
      const next = new Map(map);
      for (const item of items) next.set(item.user_id, item);
      return next;
    });
  }

  async #rewatch(renew: boolean): Promise<void> {
    const ids = [...new Set([...this.#watchers.values()].flat())].slice(0, WATCH_MAX);
    const key = ids.join(' ');
    if (!renew && key === this.#watched) return;
    this.#watched = key;
    this.#cancelWatch();
    if (ids.length === 0) return;
    this.#cancelWatch = this.#deps.timers.after(WATCH_RENEW_MS, () => void this.#rewatch(true));
    try {
      this.presenceChanged(await this.#deps.watch(ids));
    } catch {
      // Not connected: `reconnected` asks again.
      this.#watched = '';
    }
  }
}
