import type { InvalidationMode } from '../definition.js';
import { KeyTable } from './key-table.js';

/**
 * Stands between the start of a read, load or put and the storing of its result. An invalidation that comes in between breaks it;
 * a broken fence means: answer the callers that started before, store nothing.
 */
export class Fence {
  readonly key: string;
  readonly shard: number;
  /** The invalidation sequence at its start; tags are judged against it when they are known. */
  sequence = 0;
  broken: InvalidationMode | undefined;
  /** False while nothing that could be overtaken is under way (queued, or waiting for somebody else's load). */
  armed = false;
  /** Rises with every arming: of two loads of a key, the one with the higher number began later. */
  order = 0;
  /** The monotonic instant of the arming, where it matters (bounded mode). */
  armedAt = -Infinity;
  /** Broken at least once while armed; unlike `broken`, arming anew does not take it back. */
  overtaken = false;
  /** The key was hard-deleted since the fence was opened, armed or not: no stale value from before may answer. */
  deleted = false;
  /** Its neighbours among the open fences of the key. */
  older: Fence | undefined;
  newer: Fence | undefined;

  constructor(key: string, shard: number) {
    this.key = key;
    this.shard = shard;
  }

  /** A read or load starts now: what happened before cannot overtake it. */
  arm(sequence: number, now: number): void {
    this.sequence = sequence;
    this.armedAt = now;
    this.order = ++armings;
    this.broken = undefined;
    this.armed = true;
  }

  disarm(): void {
    this.armed = false;
  }

  break(mode: InvalidationMode): void {
    if (this.armed) {
      // A delete outranks an expire: what it overtook may not even serve as stale.
      this.broken = this.broken === 'delete' ? 'delete' : mode;
      this.overtaken = true;
    }
    this.deleted ||= mode === 'delete';
  }
}

let armings = 0;

/** All open fences by key. **All** of a key, not the newest: an older flight must not write late. */
export class Fences {
  /** The newest fence of each key; the others hang behind it. */
  readonly #newest = new KeyTable<Fence>();

  open(fence: Fence): void {
    const newest = this.#newest.set(fence.key, fence);
    if (newest !== undefined) {
      fence.older = newest;
      newest.newer = fence;
    }
  }

  /** Only for an open one. */
  close(fence: Fence): void {
    const { key, older, newer } = fence;
    if (older !== undefined) {
      older.newer = newer;
    }
    if (newer !== undefined) {
      newer.older = older;
    } else if (older !== undefined) {
      this.#newest.set(key, older);
    } else {
      this.#newest.delete(key, fence);
    }
    // Else a closed fence that is old to the garbage collector would keep alive those that came after it.
    fence.older = undefined;
    fence.newer = undefined;
  }

  breakKey(key: string, mode: InvalidationMode, except?: Fence): void {
    for (let fence = this.#newest.get(key); fence !== undefined; fence = fence.older) {
      if (fence !== except) {
        fence.break(mode);
      }
    }
  }

  /**
   * A load has stored its value: loads of the key that began before it must not write theirs over it.
   * 1 A loads (ordinary), 2 B loads (`fromSource`), 3 B reads the source after a change and stores, 4 A, which read before it, stores.
   */
  supersede(stored: Fence): void {
    if (stored.older === undefined && stored.newer === undefined) {
      return; // The only one of its key.
    }
    for (let fence = this.#newest.get(stored.key); fence !== undefined; fence = fence.older) {
      if (fence.armed && fence.order < stored.order) {
        fence.break('expire');
      }
    }
  }

  breakShard(shard: number): void {
    for (const newest of this.#newest.values()) {
      if (newest.shard === shard) {
        this.breakKey(newest.key, 'delete');
      }
    }
  }

  breakAll(mode: InvalidationMode): void {
    for (const { key } of this.#newest.values()) {
      this.breakKey(key, mode);
    }
  }

  /** Keys with an open fence. */
  get size(): number {
    return this.#newest.size;
  }
}
