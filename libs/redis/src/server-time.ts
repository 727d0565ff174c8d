import { performance } from 'node:perf_hooks';

const MAX_SAMPLE_AGE = 1_000;

/**
 * The clock of one server, sampled at most once a second. Between samples the time since the sample was *sent* is added: ages come out too
 * old by at most a round trip, never too young.
 */
export class ServerTime {
  #micros = 0;
  #sentAt = -Infinity;
  #wallSentAt = 0;

  static mark(): { readonly monotonic: number; readonly wall: number } {
    return { monotonic: performance.now(), wall: Date.now() };
  }

  sample(micros: number, sent: { readonly monotonic: number; readonly wall: number }): void {
    this.#micros = micros;
    this.#sentAt = sent.monotonic;
    this.#wallSentAt = sent.wall;
  }

  get isOld(): boolean {
    return performance.now() - this.#sentAt > MAX_SAMPLE_AGE;
  }

  /** µs. The larger of the monotonic and the wall difference: a machine that slept must not take entries for young. */
  now(): number {
    return this.#micros + Math.max(performance.now() - this.#sentAt, Date.now() - this.#wallSentAt) * 1000;
  }
}
