// The history of one conversation as a window of entries without holes. A live entry that is not the next
// one waits beside the window while the hole is asked for; a window that has been scrolled away from the
// end takes no live entries until it is scrolled back.

import { Cell } from './cell';
import type { Timers } from './clock';
import { type ApiError, asApiError, isTransient } from './errors';
import type { Message, MessagePage } from './wire';

export interface TimelineView {
  phase: 'empty' | 'loading' | 'ready' | 'error';
  error?: ApiError;
  /** Ascending, no holes among what the server lists. */
  items: readonly Message[];
  moreBefore: boolean;
  moreAfter: boolean;
  loadingBefore: boolean;
  /** The last older page that was asked for did not come. */
  failedBefore?: boolean;
  loadingAfter: boolean;
  headSeq: number;
}

export interface ListParams {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}

export type ListMessages = (params: ListParams) => Promise<MessagePage>;

/** First page: more than two screens. */
const FIRST_PAGE = 60;
const SCROLL_PAGE = 100;
const FILL_PAGE = 200;
/** A hole longer than this is not filled: the window starts again at the end. */
const FILL_MAX_PAGES = 5;
/** Live entries kept beside the window while a hole is being filled. */
const EARLY_MAX = 1_000;
const FILL_RETRY_MS = 1_000;
const FILL_RETRY_MAX_MS = 15_000;
/** More than this is drawn slowly and remembered for nothing. */
export const LIVE_ITEMS_MAX = 1_000;
export const LIVE_ITEMS_KEPT = 500;
/** Kept of a conversation that nobody looks at. */
export const IDLE_ITEMS = 200;

/** Never fails. */
type Place = number | undefined | Promise<number | undefined>;

const EMPTY: TimelineView = {
  phase: 'empty',
  items: [],
  moreBefore: false,
  moreAfter: false,
  loadingBefore: false,
  loadingAfter: false,
  headSeq: 0,
};

export class Timeline {
  readonly view = new Cell<TimelineView>(EMPTY);
  readonly #list: ListMessages;
  readonly #timers: Timers;
  /** The last seq up to which nothing is missing. Entries that are not listed (acts) count as covered. */
  #coveredTo = 0;
  #early = new Map<number, Message>();
  #filling = false;
  /** The window that is filled. */
  #fills = 0;
  /** Filled once more when the filling under way has ended. */
  #again = false;
  /** Grows each time the log may have grown without being told. */
  #behind = 0;
  #fillRetryMs = FILL_RETRY_MS;
  /** The seq that a window on its way must show when it opens; also when that is being asked for itself. */
  #place: Place;
  /** Grows with every new window, so that an answer for an old one is dropped. */
  #window = 0;

  constructor(list: ListMessages, timers: Timers) {
    this.#list = list;
    this.#timers = timers;
  }

  /** The seq to resume from, when the window reaches the end. */
  cursor(): number | undefined {
    const view = this.view.get();
    return view.phase === 'ready' && !view.moreAfter ? this.#coveredTo : undefined;
  }

  /**
   * Loads around `seq`, or the newest page; does nothing when the window already shows that place and the one before it.
   * Asked for another place while the newest page is on its way, it is not shown before it shows that place. A place that
   * is not known yet is waited for beside the newest page.
   */
  async open(place?: Place): Promise<void> {
    const { phase } = this.view.get();
    if (phase === 'loading') {
      this.#place = place ?? this.#place;
      return;
    }
    if (typeof place === 'object' && phase !== 'ready') {
      this.#place = place;
      await this.#replace({ limit: FIRST_PAGE });
      return;
    }
    const around = typeof place === 'object' ? await place : place;
    if (this.view.get().phase === 'ready' && this.#shows(around)) return;
    await this.#replace(around === undefined ? { limit: FIRST_PAGE } : { around, limit: FIRST_PAGE });
  }

  /** A conversation without any entry yet: there is nothing to ask for. */
  openEmpty(): void {
    if (this.view.get().phase === 'ready') return;
    this.#window += 1;
    this.#coveredTo = 0;
    this.view.set({ ...EMPTY, phase: 'ready' });
  }

  async jumpToLatest(): Promise<void> {
    if (this.view.get().moreAfter) await this.#replace({ limit: FIRST_PAGE });
  }

  async loadBefore(): Promise<void> {
    const view = this.view.get();
    const first = view.items[0];
    if (view.phase !== 'ready' || view.loadingBefore || !view.moreBefore || !first) return;
    const window = this.#window;
    this.#patch({ loadingBefore: true, failedBefore: false });
    try {
      const page = await this.#list({ before: first.seq, limit: SCROLL_PAGE });
      if (window !== this.#window) return;
      const older = page.items.filter((message) => message.seq < first.seq);
      this.#patch({
        items: [...older, ...this.view.get().items],
        moreBefore: page.more_before && older.length > 0,
        loadingBefore: false,
      });
    } catch {
      if (window === this.#window) this.#patch({ loadingBefore: false, failedBefore: true });
    }
  }

  async loadAfter(): Promise<void> {
    const view = this.view.get();
    if (view.phase !== 'ready' || view.loadingAfter || !view.moreAfter) return;
    const window = this.#window;
    this.#patch({ loadingAfter: true });
    try {
      const page = await this.#list({ after: this.#coveredTo, limit: SCROLL_PAGE });
      if (window !== this.#window) return;
      this.#takeNewer(page);
      this.#patch({ loadingAfter: false });
      this.#drain();
    } catch {
      if (window === this.#window) this.#patch({ loadingAfter: false });
    }
  }

  /** A live or recovered entry, in any order, any number of times. */
  receive(message: Message): void {
    const view = this.view.get();
    if (view.phase !== 'ready') {
      if (message.seq > view.headSeq) this.#patch({ headSeq: message.seq });
      return;
    }
    if (message.seq > view.headSeq) this.#patch({ headSeq: message.seq });
    if (message.seq <= this.#coveredTo || view.moreAfter) return;
    if (this.#early.size < EARLY_MAX) this.#early.set(message.seq, message);
    this.#drain();
    if (this.#early.size > 0) void this.#fill();
  }

  /** A message was rewritten; only a window that holds it changes. */
  change(message: Message): void {
    const { items } = this.view.get();
    const at = indexOfSeq(items, message.seq);
    if (at >= 0) this.#patch({ items: items.with(at, message) });
    if (this.#early.has(message.seq)) this.#early.set(message.seq, message);
  }

  /** The log has grown to `headSeq` while we were away and what is missing was not sent along. */
  behind(headSeq: number | undefined): void {
    const view = this.view.get();
    // A page that is on its way may have been made before: what came between the two is asked for behind it.
    this.#behind += 1;
    if (view.phase !== 'ready') return;
    if (headSeq !== undefined && headSeq > view.headSeq) this.#patch({ headSeq });
    if (!view.moreAfter) void this.#fill(true);
  }

  /** While someone reads along at the end: the far past is let go, so that a busy day does not fill the memory. */
  trimLive(): void {
    const view = this.view.get();
    if (view.phase !== 'ready' || view.moreAfter || view.loadingBefore || view.items.length <= LIVE_ITEMS_MAX) return;
    this.#patch({ items: view.items.slice(-LIVE_ITEMS_KEPT), moreBefore: true });
  }

  /** Lets go of what nobody looks at. */
  trim(): void {
    const view = this.view.get();
    if (view.phase !== 'ready') return;
    if (view.moreAfter) {
      this.#window += 1;
      this.#early.clear();
      this.view.set({ ...EMPTY, headSeq: view.headSeq });
    } else if (view.items.length > IDLE_ITEMS) {
      this.#patch({ items: view.items.slice(-IDLE_ITEMS), moreBefore: true });
    }
  }

  #shows(around: number | undefined): boolean {
    const view = this.view.get();
    if (around === undefined) return !view.moreAfter;
    const first = view.items[0];
    return (!view.moreBefore || (first !== undefined && first.seq < around)) && around <= this.#coveredTo + 1;
  }

  async #replace(params: ListParams): Promise<void> {
    this.#window += 1;
    const window = this.#window;
    const behind = this.#behind;
    const before = this.view.get();
    this.view.set({ ...before, phase: before.items.length > 0 ? before.phase : 'loading' });
    try {
      const page = await this.#list(params);
      const place = await this.#asked();
      if (window !== this.#window) return;
      this.#place = undefined;
      if (place !== undefined && page.more_before && place <= (page.items[0]?.seq ?? 0)) {
        await this.#replace({ around: place, limit: FIRST_PAGE });
        return;
      }
      this.#early.clear();
      const last = page.items.at(-1)?.seq ?? 0;
      this.#coveredTo = page.more_after ? last : Math.max(last, page.head_seq);
      this.view.set({
        phase: 'ready',
        items: page.items,
        moreBefore: page.more_before,
        moreAfter: page.more_after,
        loadingBefore: false,
        loadingAfter: false,
        // Not `before`: something may have been announced while the page was on its way.
        headSeq: Math.max(page.head_seq, this.view.get().headSeq),
      });
      const missed = behind !== this.#behind;
      if (!page.more_after && (missed || this.view.get().headSeq > this.#coveredTo)) void this.#fill(missed);
    } catch (error) {
      if (window !== this.#window) return;
      this.#place = undefined;
      const { headSeq } = this.view.get();
      if (before.phase === 'ready') this.view.set({ ...before, headSeq });
      else this.view.set({ ...before, headSeq, phase: 'error', error: asApiError(error) });
    }
  }

  /** The place that was asked for last. */
  async #asked(): Promise<number | undefined> {
    for (;;) {
      const asked = this.#place;
      const place = typeof asked === 'object' ? await asked : asked;
      if (asked === this.#place) return place;
    }
  }

  #takeNewer(page: MessagePage): void {
    const fresh = page.items.filter((message) => message.seq > this.#coveredTo);
    const last = fresh.at(-1)?.seq ?? this.#coveredTo;
    this.#coveredTo = page.more_after ? last : Math.max(last, page.head_seq);
    for (const seq of this.#early.keys()) if (seq <= this.#coveredTo) this.#early.delete(seq);
    this.#patch({
      items: fresh.length > 0 ? [...this.view.get().items, ...fresh] : this.view.get().items,
      moreAfter: page.more_after,
      headSeq: Math.max(this.view.get().headSeq, page.head_seq),
    });
  }

  /** Moves what has become the next entry from beside the window into it. */
  #drain(): void {
    const next: Message[] = [];
    for (;;) {
      const message = this.#early.get(this.#coveredTo + 1);
      if (!message) break;
      this.#early.delete(message.seq);
      this.#coveredTo = message.seq;
      next.push(message);
    }
    if (next.length > 0) this.#patch({ items: [...this.view.get().items, ...next] });
  }

  async #fill(evenWithoutHole = false): Promise<void> {
    const window = this.#window;
    if (this.#filling) {
      // What fills another window ends without a look at this one.
      if (this.#fills !== window) this.#again = true;
      return;
    }
    this.#filling = true;
    this.#fills = window;
    try {
      let pages = 0;
      let ask = evenWithoutHole;
      while (window === this.#window && (ask || this.#early.size > 0 || this.view.get().headSeq > this.#coveredTo)) {
        ask = false;
        if (pages >= FILL_MAX_PAGES) {
          this.#filling = false;
          await this.#replace({ limit: FIRST_PAGE });
          return;
        }
        const before = this.#coveredTo;
        const [known, behind] = [this.view.get().headSeq, this.#behind];
        const page = await this.#list({ after: before, limit: FILL_PAGE });
        if (window !== this.#window) return;
        // Announced since it was asked: the answer may have been made before.
        ask = behind !== this.#behind || this.view.get().headSeq > known;
        this.#takeNewer(page);
        this.#patch({ moreAfter: false });
        this.#drain();
        pages += 1;
        this.#fillRetryMs = FILL_RETRY_MS;
        // The server says there is nothing more although something was announced: believe the server.
        if (!ask && this.#coveredTo === before && !page.more_after) {
          this.#early.clear();
          this.#patch({ headSeq: this.#coveredTo });
        }
      }
    } catch (error) {
      if (isTransient(asApiError(error))) this.#fillLater(window);
    } finally {
      this.#filling = false;
      if (this.#again) {
        this.#again = false;
        void this.#fill(true);
      }
    }
  }

  #fillLater(window: number): void {
    const delayMs = this.#fillRetryMs;
    this.#fillRetryMs = Math.min(delayMs * 2, FILL_RETRY_MAX_MS);
    this.#timers.after(delayMs, () => {
      if (window === this.#window) void this.#fill(true);
    });
  }

  #patch(part: Partial<TimelineView>): void {
    this.view.set({ ...this.view.get(), ...part });
  }
}

/** Position of `seq` in an ascending list, or -1. */
export function indexOfSeq(items: readonly Message[], seq: number): number {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = items[middle]?.seq ?? 0;
    if (found === seq) return middle;
    if (found < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
