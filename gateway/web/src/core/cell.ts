// A value that can be watched. React reads it through `useSyncExternalStore`, tests read it directly.

export class Cell<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get = (): T => this.#value;

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of this.#watchers) watcher();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  /** Ends once the value is such a one, now or later. */
  until(test: (value: T) => boolean): Promise<void> {
    return new Promise((done) => {
      if (test(this.#value)) {
        done();
        return;
      }
      const stop = this.subscribe(() => {
        if (!test(this.#value)) return;
        stop();
        done();
      });
    });
  }

  subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
}
