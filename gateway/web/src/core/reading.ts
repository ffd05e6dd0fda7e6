// Tells the server how far one has read: the newest mark of each conversation, a moment after it was made,
// again after a reconnect when it did not arrive.

import type { Timers } from './clock';
import type { ConversationId } from './wire';

export interface ReadingDeps {
  mark: (id: ConversationId, seq: number) => Promise<{ read_seq: number; read_count: number }>;
  onMarked: (id: ConversationId, seq: number, count: number) => void;
  timers: Timers;
}

/** Scrolling passes many messages a second; one call tells them all. */
const GATHER_MS = 300;

export class Reading {
  readonly #deps: ReadingDeps;
  readonly #pending = new Map<ConversationId, number>();
  readonly #sent = new Map<ConversationId, number>();
  #scheduled = false;

  constructor(deps: ReadingDeps) {
    this.#deps = deps;
  }

  clear(): void {
    this.#pending.clear();
    this.#sent.clear();
  }

  mark(id: ConversationId, seq: number): void {
    if (seq <= Math.max(this.#pending.get(id) ?? 0, this.#sent.get(id) ?? 0)) return;
    this.#pending.set(id, seq);
    this.#schedule();
  }

  /** After a reconnect: what did not arrive is sent again. Before leaving: at once. */
  flush(): void {
    if (this.#pending.size > 0) void this.#send();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#deps.timers.after(GATHER_MS, () => {
      this.#scheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    const marks = [...this.#pending];
    await Promise.all(
      marks.map(async ([id, seq]) => {
        try {
          const answer = await this.#deps.mark(id, seq);
          if (this.#pending.get(id) === seq) this.#pending.delete(id);
          this.#sent.set(id, Math.max(seq, this.#sent.get(id) ?? 0));
          this.#deps.onMarked(id, answer.read_seq, answer.read_count);
        } catch {
          // Stays pending until the next mark or reconnect.
        }
      }),
    );
  }
}
