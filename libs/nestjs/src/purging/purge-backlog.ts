import { CATCH_ALL_TAG } from '../cdn-tag.js';
import type { PurgeBatch, PurgeLimits } from './purger.js';

/** One thing an endpoint has not been told yet. */
export interface Purge {
  readonly kind: PurgeBatch['kind'];
  /** The tag or URL; empty for everything. */
  readonly name: string;
  readonly soft: boolean;
  /** The monotonic instant at which it was asked for. */
  readonly since: number;
  /** Whether it shall be sent once more afterwards. */
  readonly repeats: boolean;
}

/** What waits for one endpoint: each thing once, oldest first, and no more than a bound. */
export class PurgeBacklog {
  readonly #waiting = new Map<string, Purge>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** False when there is no room. Asked for twice is kept once: hard wins over soft, and a repetition that is due is not forgotten. */
  add(purge: Purge): boolean {
    const id = `${purge.kind}:${purge.name}`;
    const known = this.#waiting.get(id);
    if (known === undefined && this.#waiting.size >= this.#max) return false;
    this.#waiting.set(id, {
      ...purge,
      soft: purge.soft && known?.soft !== false,
      repeats: purge.repeats || known?.repeats === true,
    });
    return true;
  }

  /** Puts back what could not be sent. What was asked for again meanwhile stays the newer; it fits, for it was here before. */
  putBack(purges: readonly Purge[]): void {
    const newer = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const purge of [...purges, ...newer]) {
      const id = `${purge.kind}:${purge.name}`;
      const known = this.#waiting.get(id);
      this.#waiting.set(id, {
        ...purge,
        soft: purge.soft && known?.soft !== false,
        repeats: purge.repeats || known?.repeats === true,
      });
    }
  }

  /** Takes what fits one request, at most `most` names: of one kind, all soft or all hard. */
  take(limits: PurgeLimits, most: number): readonly Purge[] {
    const [first] = this.#waiting.values();
    if (first === undefined) return [];
    // One tag goes with every request, see CATCH_ALL_TAG.
    const count = Math.min(
      most,
      first.kind === 'urls' ? limits.urlsPerRequest : Math.max(1, limits.tagsPerRequest - 1),
    );
    const taken: Purge[] = [];
    let characters = first.kind === 'tags' ? CATCH_ALL_TAG.length : 0;
    for (const [id, purge] of this.#waiting) {
      if (purge.kind !== first.kind || purge.soft !== first.soft) continue;
      characters += purge.name.length + 1;
      const isFull = taken.length >= count || (purge.kind === 'tags' && characters > limits.tagCharacters);
      if (taken.length > 0 && isFull) break;
      taken.push(purge);
      this.#waiting.delete(id);
    }
    return taken;
  }

  /** Takes out what was asked for before `instant`. */
  dropOlder(instant: number): number {
    const old = [...this.#waiting].filter(([, purge]) => purge.since < instant);
    for (const [id] of old) this.#waiting.delete(id);
    return old.length;
  }
}
