import type { Clock } from '../clock/clock.js';
import type { InvalidationMode } from '../definition.js';
import { TierError } from '../errors.js';
import { SharedStore } from './shared-store.js';
import { StoreBus } from './store-bus.js';
import type {
  FillLease,
  FillRecord,
  HoldRequest,
  KnownEntry,
  L2Factory,
  LeaseReply,
  LeaseRequest,
  ReadSink,
  SharedTier,
  TierRead,
} from '../tiers/tier.js';

/** A second tier in memory, shared by every engine made from the same recipe: several instances in one test, without Redis. */
export interface SharedMemory extends L2Factory {
  /** Everything is lost, as by FLUSHALL or a restart without persistence. */
  flush(): void;
  /** Entries stored now. */
  readonly size: number;
}

/**
 * The protocol of the second tier (docs/protocol.md 4) as plain data and plain functions, each atomic: the reference that the Redis
 * tier is compared with, and a store for tests of several instances.
 */
export function sharedMemory(): SharedMemory {
  const store = new SharedStore();
  return {
    kind: 'l2',
    create: ({ clock }) => ({ tier: new MemorySharedTier(store, clock), bus: new StoreBus(store) }),
    flush: () => store.flush(),
    get size() {
      return store.entries.size;
    },
  };
}

class MemorySharedTier implements SharedTier {
  readonly shards = 1;
  readonly #store: SharedStore;
  readonly #clock: Clock;
  #closed = false;

  constructor(store: SharedStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  shardOf(): number {
    return 0;
  }

  read(key: string, known: KnownEntry | undefined, sink: ReadSink): void {
    queueMicrotask(() => {
      if (this.#closed) {
        sink.onUnavailable(new TierError('closed'));
        return;
      }
      sink.onSent();
      const read = this.#read(key, known);
      queueMicrotask(() => sink.onRead(read));
    });
  }

  #read(key: string, known: KnownEntry | undefined): TierRead {
    const entry = this.#store.entries.get(key);
    if (entry === undefined) {
      return { status: 'absent', id: '' };
    }
    const now = this.#clock.now();
    const verdict = this.#store.judge(entry, now);
    const { record, storedAt } = entry;
    if (verdict === 'gone') {
      return { status: 'absent', id: record.id };
    }
    const { id, format, schema, tags, freshFor, graceFor } = record;
    const age = now - storedAt;
    if (verdict === 'fresh' && known?.id === id) {
      return { status: 'same', age, freshFor, graceFor };
    }
    const payload = Buffer.from(record.payload);
    return {
      status: 'found',
      record: { id, payload, format, schema, tags, age, freshFor, graceFor, stale: verdict === 'stale' },
    };
  }

  lease(key: string, { token, seen, ttl, force, awaited }: LeaseRequest): Promise<LeaseReply> {
    return this.#atomically(() => {
      const store = this.#store;
      const now = this.#clock.now();
      if (store.isHeld(key, now)) {
        return { status: 'held' };
      }
      const found = store.leases.get(key);
      const running = found !== undefined && found.until > now ? found : undefined;
      if (force !== true && (store.entries.get(key)?.record.id ?? '') !== seen) {
        return { status: 'changed' };
      }
      if (force !== true && running !== undefined) {
        const { word, token: holder, until } = running;
        const free = holder === '' || holder === token;
        if (word !== undefined && word.token === awaited) {
          const valid = word.incarnation === store.incarnation && word.stamp > store.newestStamp();
          if (valid && word.error !== '') {
            return { status: 'failed', error: word.error };
          }
          if (!free) {
            return { status: 'failed', error: undefined };
          }
        }
        if (!free) {
          return { status: 'busy', retryIn: until - now, holder };
        }
      }
      store.leases.set(key, { token, until: now + ttl, word: running?.word });
      return { status: 'granted', lease: { token, incarnation: store.incarnation, stamp: ++store.stamp } };
    });
  }

  renew(key: string, token: string, ttl: number): Promise<boolean> {
    return this.#atomically(() => {
      const now = this.#clock.now();
      const lease = this.#store.leases.get(key);
      if (lease === undefined || lease.token !== token || lease.until <= now) {
        return false;
      }
      lease.until = now + ttl;
      return true;
    });
  }

  release(key: string, { token, incarnation, stamp }: FillLease, error?: string): Promise<void> {
    return this.#atomically(() => {
      const { leases } = this.#store;
      const lease = leases.get(key);
      if (lease?.token !== token) {
        return;
      }
      if (error === undefined) {
        leases.delete(key);
      } else {
        leases.set(key, { token: '', until: lease.until, word: { token, incarnation, stamp, error } });
      }
      this.#store.wake(key);
    });
  }

  waitForWake(key: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#store.waiters.get(key) ?? new Set();
      this.#store.waiters.set(key, waiting);
      const wake = (): void => {
        waiting.delete(wake);
        this.#clock.clearTimeout(timer);
        resolve();
      };
      const timer = this.#clock.setTimeout(wake, ms);
      waiting.add(wake);
    });
  }

  fill(key: string, lease: FillLease, record: FillRecord, announce: boolean): Promise<boolean> {
    return this.#atomically(() => {
      const store = this.#store;
      const now = this.#clock.now();
      const held = store.leases.get(key);
      if (held?.token !== lease.token || held.until <= now) {
        return false;
      }
      store.leases.delete(key);
      store.wake(key);
      const lives = record.freshFor + record.graceFor >= 1;
      if (!lives || lease.incarnation !== store.incarnation || lease.stamp <= store.hardClear) {
        return false;
      }
      store.entries.set(key, {
        record,
        storedAt: now,
        incarnation: lease.incarnation,
        stamp: lease.stamp,
        soft: false,
      });
      if (announce) {
        store.publish({ kind: 'keys', keys: [key], mode: 'delete' });
      }
      return true;
    });
  }

  put(key: string, record: FillRecord, version: number | undefined): Promise<boolean> {
    return this.#atomically(() => {
      const store = this.#store;
      const now = this.#clock.now();
      const highest = store.versions.get(key);
      if (version !== undefined && highest !== undefined && version < highest) {
        return false;
      }
      if (version !== undefined) {
        store.versions.set(key, version);
      }
      store.leases.delete(key);
      store.wake(key);
      store.entries.delete(key);
      const refused = store.isHeld(key, now);
      if (!refused) {
        store.entries.set(key, {
          record,
          storedAt: now,
          incarnation: store.incarnation,
          stamp: ++store.stamp,
          soft: false,
        });
      }
      store.publish({ kind: 'keys', keys: [key], mode: 'delete' });
      return !refused;
    });
  }

  invalidateKeys(keys: readonly string[], mode: InvalidationMode): Promise<void> {
    return this.#atomically(() => {
      for (const key of keys) {
        this.#drop(key, mode);
      }
      this.#store.publish({ kind: 'keys', keys, mode });
    });
  }

  #drop(key: string, mode: InvalidationMode): void {
    const { entries, leases } = this.#store;
    leases.delete(key);
    const entry = entries.get(key);
    if (mode === 'delete') {
      entries.delete(key);
    } else if (entry !== undefined) {
      entry.soft = true;
    }
    this.#store.wake(key);
  }

  invalidateTags(tags: readonly string[], mode: InvalidationMode): Promise<void> {
    return this.#atomically(() => {
      const stamp = ++this.#store.stamp;
      const stamps = mode === 'delete' ? this.#store.hardTags : this.#store.softTags;
      for (const tag of tags) {
        stamps.set(tag, stamp);
      }
      this.#store.publish({ kind: 'tags', tags, mode });
    });
  }

  clear(mode: InvalidationMode): Promise<void> {
    return this.#atomically(() => {
      const stamp = ++this.#store.stamp;
      if (mode === 'delete') {
        this.#store.hardClear = stamp;
      } else {
        this.#store.softClear = stamp;
      }
      this.#store.publish({ kind: 'clear', mode });
    });
  }

  hold(key: string, { token, ttl }: HoldRequest): Promise<void> {
    return this.#atomically(() => {
      const holders = this.#store.holds.get(key) ?? new Map<string, number>();
      this.#store.holds.set(key, holders.set(token, this.#clock.now() + ttl));
      this.#drop(key, 'delete');
      this.#store.publish({ kind: 'keys', keys: [key], mode: 'delete' });
    });
  }

  unhold(key: string, token: string): Promise<void> {
    return this.#atomically(() => {
      this.#store.holds.get(key)?.delete(token);
      this.#drop(key, 'delete');
      this.#store.publish({ kind: 'keys', keys: [key], mode: 'delete' });
    });
  }

  async #atomically<T>(step: () => T): Promise<T> {
    // A round trip there, the step, a round trip back.
    await Promise.resolve();
    if (this.#closed) {
      throw new TierError('closed');
    }
    const result = step();
    await Promise.resolve();
    return result;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
