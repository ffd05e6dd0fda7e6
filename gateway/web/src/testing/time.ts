// Time that a test moves. Nothing here waits for a real clock.

import type { Timers } from '../core/clock';

interface Due {
  at: number;
  order: number;
  run: () => void;
}

export class ManualTimers implements Timers {
  #now: number;
  #due: Due[] = [];
  #order = 0;

  constructor(startAt = 1_750_000_000_000) {
    this.#now = startAt;
  }

  now = (): number => this.#now;

  after = (ms: number, run: () => void): (() => void) => {
    this.#order += 1;
    const due = { at: this.#now + Math.max(0, ms), order: this.#order, run };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  };

  /** Lets time pass; whatever falls due runs in its order, promises in between. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#due.filter((due) => due.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.#due = this.#due.filter((due) => due !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle();
    }
    this.#now = until;
    await settle();
  }

  waiting(): number {
    return this.#due.length;
  }
}

/** Lets every promise that can go on go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
}

/** Real turns of the event loop, for what is not only promises (IndexedDB). */
export async function eventually(check: () => boolean, turns = 500): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    if (check()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  throw new Error('it did not happen');
}
