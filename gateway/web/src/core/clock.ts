// Time of the server on a machine whose own clock may be wrong, and timers that tests can drive.

export interface Timers {
  now(): number;
  /** Runs once after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

export const browserTimers: Timers = {
  now: () => Date.now(),
  after: (ms, run) => {
    const handle = setTimeout(run, ms);
    return () => clearTimeout(handle);
  },
};

/** Above this the person is told that the machine's clock is wrong; dates are shown by the server's. */
export const CLOCK_WRONG_MS = 120_000;

export class Clock {
  #offsetMs = 0;
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The answer names the server's time; it was true about half a round trip before it arrived. */
  learn(serverNowAt: number, askedAt: number): void {
    const now = this.#timers.now();
    const half = Math.max(0, now - askedAt) / 2;
    this.#offsetMs = Math.round(serverNowAt + half - now);
  }

  now(): number {
    return this.#timers.now() + this.#offsetMs;
  }

  offsetMs(): number {
    return this.#offsetMs;
  }

  isWrong(): boolean {
    return Math.abs(this.#offsetMs) > CLOCK_WRONG_MS;
  }
}
