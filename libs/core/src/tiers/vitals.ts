/** How one server of the second tier is doing, by its own account. Counters count since the server's start. */
export interface TierVitals {
  /** Which one, e.g. `127.0.0.1:6379`. */
  readonly server: string;
  readonly usedBytes: number;
  /** Bytes it may use; 0 = no limit. */
  readonly maxBytes: number;
  /** Resident memory over used memory; above about 1.5 it is fragmented, below 1 it swaps. */
  readonly fragmentation: number;
  /** Keys dropped for lack of room. */
  readonly evictedKeys: number;
  readonly commands: number;
  /** Commands that write. */
  readonly writes: number;
  /** Replies that were errors. */
  readonly errors: number;
  /** Seconds of CPU, user and system. */
  readonly cpuSeconds: number;
  /** Keys of the database, and those among them without a ttl. */
  readonly keys: number;
  readonly keysWithoutTtl: number;
  /** Slowest p99 among the commands we use, ms; undefined where the server does not track it (before Redis 7). */
  readonly commandP99: number | undefined;
}

/** What a second tier offers to whoever wants to know how its servers are. One that does not answer is left out. */
export type VitalsProbe = () => Promise<readonly TierVitals[]>;

/** ms a sample stays good. */
const SAMPLE_LIFE = 10_000;

/** The newest vitals. They are sampled when somebody looks and the last sample is old: no timer runs for nobody. */
export class VitalsSampler {
  readonly #probe: VitalsProbe | undefined;
  readonly #background: { run(name: string, work: () => Promise<unknown>): void };
  readonly #now: () => number;
  #newest: readonly TierVitals[] = [];
  #sampledAt = -Infinity;

  constructor(
    probe: VitalsProbe | undefined,
    background: { run(name: string, work: () => Promise<unknown>): void },
    now: () => number,
  ) {
    this.#probe = probe;
    this.#background = background;
    this.#now = now;
  }

  /** What is known now; what it starts is known to the next caller. */
  look(): readonly TierVitals[] {
    const now = this.#now();
    if (this.#probe !== undefined && now - this.#sampledAt >= SAMPLE_LIFE) {
      this.#sampledAt = now;
      this.#background.run('l2.vitals', () => this.sample());
    }
    return this.#newest;
  }

  /** Asks now. */
  async sample(): Promise<readonly TierVitals[]> {
    this.#newest = (await this.#probe?.()) ?? [];
    return this.#newest;
  }
}
