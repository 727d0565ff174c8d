/** Milliseconds by a clock that all processes of the machine share. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * When keys went: whoever sees one go says so, and whoever waits is told the instant. Nobody looks again and again: eight processes that
 * spin on two cores would measure the scheduler.
 */
export class Departures {
  #held;
  #waiting;
  #goneAt;

  hold(key) {
    this.#held = key;
    this.#goneAt = undefined;
  }

  went(key) {
    if (key !== this.#held) return;
    this.#held = undefined;
    this.#goneAt = now();
    this.#waiting?.(this.#goneAt);
  }

  /** The instant at which the key that is held has gone. */
  gone() {
    if (this.#goneAt !== undefined) return this.#goneAt;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('10 s passed and the message had no effect')), 10_000);
      this.#waiting = (at) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(at);
      };
    });
  }
}

/** A first tier that also tells `went` of every key that leaves it: the part behind the last colon. */
export function watchedTier(memoryTier, options, went) {
  const tier = memoryTier(options);
  return {
    ...tier,
    create: (onRemoval) =>
      tier.create((key, cause, prefix) => {
        onRemoval?.(key, cause, prefix);
        went(key.slice(key.lastIndexOf(':') + 1));
      }),
  };
}
