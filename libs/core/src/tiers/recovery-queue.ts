import type { BusEvent } from '../bus/bus.js';
import type { InvalidationMode } from '../definition.js';

/** Operations kept; beyond, everything is folded into one clear of the namespace. */
const MAX_KEPT = 10_000;

/**
 * Invalidations the second tier has not acknowledged: kept, coalesced and bounded. What they concern is not read from that tier until
 * they were sent. A crash of the process loses them; `hold` or a transactional outbox is for writers who cannot afford that.
 */
export class RecoveryQueue {
  #keys = new Map<string, InvalidationMode>();
  #tags = new Map<string, InvalidationMode>();
  #clear: InvalidationMode | undefined;

  get size(): number {
    return this.#keys.size + this.#tags.size + (this.#clear === undefined ? 0 : 1);
  }

  add(event: BusEvent): void {
    if (event.kind === 'keys') {
      merge(this.#keys, event.keys, event.mode);
    } else if (event.kind === 'tags') {
      merge(this.#tags, event.tags, event.mode);
    } else {
      this.#clear = stronger(this.#clear, event.mode);
    }
    if (this.#keys.size + this.#tags.size > MAX_KEPT) {
      this.#keys.clear();
      this.#tags.clear();
      this.#clear = 'delete';
    }
  }

  /** Whether a key may be older in the second tier than an invalidation that waits here. Tags may concern any key. */
  covers(key: string): boolean {
    return this.#tags.size > 0 || this.#clear !== undefined || this.#keys.has(key);
  }

  /** Takes everything out, as few events as possible. */
  take(): BusEvent[] {
    const events: BusEvent[] = [];
    for (const mode of ['delete', 'expire'] as const) {
      if (this.#clear === mode) {
        events.push({ kind: 'clear', mode });
      }
      const keys = withMode(this.#keys, mode);
      const tags = withMode(this.#tags, mode);
      if (keys.length > 0) {
        events.push({ kind: 'keys', keys, mode });
      }
      if (tags.length > 0) {
        events.push({ kind: 'tags', tags, mode });
      }
    }
    this.#keys = new Map();
    this.#tags = new Map();
    this.#clear = undefined;
    return events;
  }
}

function stronger(one: InvalidationMode | undefined, other: InvalidationMode): InvalidationMode {
  return one === 'delete' ? 'delete' : other;
}

function merge(kept: Map<string, InvalidationMode>, names: readonly string[], mode: InvalidationMode): void {
  for (const name of names) {
    kept.set(name, stronger(kept.get(name), mode));
  }
}

function withMode(kept: ReadonlyMap<string, InvalidationMode>, mode: InvalidationMode): string[] {
  return [...kept].filter(([, one]) => one === mode).map(([name]) => name);
}
