/** Holds whoever passes until it is opened; steers loaders in tests instead of sleeping. */
export interface Gate {
  /** Waits for the gate; resolves at once when it is open. */
  pass(): Promise<void>;
  /** Lets everybody through, now and later. */
  open(): void;
  /** Lets the next `count` waiting callers through, in order. */
  release(count?: number): void;
  /** Resolves when `count` callers have arrived since the gate was made. */
  arrived(count?: number): Promise<void>;
  /** Callers that have arrived since the gate was made. */
  readonly arrivals: number;
}

/** A closed gate. */
export function gate(): Gate {
  let isOpen = false;
  let arrivals = 0;
  const waiting: (() => void)[] = [];
  const watchers = new Set<() => void>();
  return {
    pass() {
      arrivals++;
      for (const watch of watchers) {
        watch();
      }
      return isOpen ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
    },
    open() {
      isOpen = true;
      this.release(waiting.length);
    },
    release(count = 1) {
      for (const resolve of waiting.splice(0, count)) {
        resolve();
      }
    },
    arrived(count = 1) {
      return new Promise((resolve) => {
        const watch = (): void => {
          if (arrivals >= count) {
            watchers.delete(watch);
            resolve();
          }
        };
        watchers.add(watch);
        watch();
      });
    },
    get arrivals() {
      return arrivals;
    },
  };
}
