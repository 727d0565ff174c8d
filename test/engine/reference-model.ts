/** One entry of the model: the version it holds, and when it stops being fresh and usable. */
interface Known {
  readonly v: number;
  readonly tags: readonly string[];
  staleAt: number;
  goneAt: number;
}

export interface ModelOptions {
  readonly ttl: number;
  readonly grace: number;
}

/**
 * A cache as one would explain it to a child: a map, a clock, and no concurrency. What the engine answers when nothing overlaps must be
 * what this answers.
 */
export class ReferenceModel {
  now = 0;
  loads = 0;
  readonly versions = new Map<string, number>();
  readonly #entries = new Map<string, Known>();
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  change(id: string): void {
    this.versions.set(id, this.version(id) + 1);
  }

  version(id: string): number {
    return this.versions.get(id) ?? 0;
  }

  #live(id: string): Known | undefined {
    const entry = this.#entries.get(id);
    return entry !== undefined && this.now < entry.goneAt ? entry : undefined;
  }

  store(id: string, v: number, tags: readonly string[]): void {
    const staleAt = this.now + this.#options.ttl;
    this.#entries.set(id, { v, tags, staleAt, goneAt: staleAt + this.#options.grace });
  }

  #load(id: string, tags: readonly string[]): number {
    this.loads++;
    this.store(id, this.version(id), tags);
    return this.version(id);
  }

  getOrSet(id: string, tags: readonly string[]): number {
    const entry = this.#live(id);
    if (entry === undefined) {
      return this.#load(id, tags);
    }
    const { v } = entry;
    if (this.now >= entry.staleAt) {
      this.#load(id, tags); // The refresh behind a stale answer.
    }
    return v;
  }

  fromSource(id: string, tags: readonly string[]): number {
    return this.#load(id, tags);
  }

  get(id: string): number | undefined {
    return this.#live(id)?.v;
  }

  isStale(id: string): boolean | undefined {
    const entry = this.#live(id);
    return entry === undefined ? undefined : this.now >= entry.staleAt;
  }

  invalidate(which: (id: string, tags: readonly string[]) => boolean, mode: 'delete' | 'expire'): void {
    for (const [id, entry] of this.#entries) {
      if (which(id, entry.tags)) {
        if (mode === 'delete' || this.#options.grace === 0) {
          this.#entries.delete(id);
        } else {
          entry.staleAt = Math.min(entry.staleAt, this.now);
        }
      }
    }
  }
}
