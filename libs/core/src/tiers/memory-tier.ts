import { byteSize, show, type ByteSize } from '../duration.js';
import { CacheConfigError } from '../errors.js';
import type { EvictionPolicy, EvictionPolicyName } from './eviction-policy.js';
import type { L1Store, RemovalListener } from './l1-store.js';
import { LruPolicy } from './lru.js';
import { MemoryStore } from './memory-store.js';
import { S3FifoPolicy } from './s3-fifo.js';
import type { SlotTable } from './slot-table.js';

/** Options of {@link memoryTier}. */
export interface MemoryTierOptions {
  /** Most entries held at once. Default 10,000; at most 16,777,216. */
  readonly maxEntries?: number;
  /** Most estimated bytes of keys and values held at once; a value larger than this is not stored. Default `'64mb'`. */
  readonly maxBytes?: ByteSize;
  /** Who leaves for room. Default `'s3-fifo'`, which resists scans and one-hit wonders; `'lru'` suits a purely recent working set. */
  readonly policy?: EvictionPolicyName;
}

/** A recipe for a first tier: every `create` makes a store of its own. */
export interface L1Factory {
  readonly kind: 'l1';
  readonly maxEntries: number;
  readonly maxBytes: number;
  create(onRemoval?: RemovalListener): L1Store;
}

const DEFAULT_MAX_ENTRIES = 10_000;
const DEFAULT_MAX_BYTES = '64mb';
/** A JavaScript `Map` holds no more. */
const MOST_ENTRIES = 2 ** 24;

const POLICIES = new Map<string, (table: SlotTable, maxBytes: number) => EvictionPolicy>([
  ['s3-fifo', (table, maxBytes) => new S3FifoPolicy(table, maxBytes)],
  ['lru', (table) => new LruPolicy(table)],
]);
const OPTIONS: readonly string[] = ['maxEntries', 'maxBytes', 'policy'] satisfies (keyof MemoryTierOptions)[];

/**
 * The first tier: a bounded store in the memory of this process.
 * @throws CacheConfigError for an unknown option or policy, or a limit that is not positive
 */
export function memoryTier(options: MemoryTierOptions = {}): L1Factory {
  refuseUnknown(options);
  const { maxEntries = DEFAULT_MAX_ENTRIES, policy: name = 's3-fifo' } = options;
  if (!Number.isInteger(maxEntries) || maxEntries < 1 || maxEntries > MOST_ENTRIES) {
    throw new CacheConfigError(
      `memoryTier maxEntries: expected a whole number from 1 to ${MOST_ENTRIES}, got ${show(maxEntries)}; ` +
        `leave it out for ${DEFAULT_MAX_ENTRIES}`,
    );
  }
  const maxBytes = byteSize(options.maxBytes ?? DEFAULT_MAX_BYTES, 'memoryTier maxBytes');
  const policy = POLICIES.get(name);
  if (policy === undefined) {
    throw new CacheConfigError(
      `memoryTier policy: expected ${[...POLICIES.keys()].map(show).join(' or ')}, got ${show(name)}; leave it out for "s3-fifo"`,
    );
  }
  return {
    kind: 'l1',
    maxEntries,
    maxBytes,
    create: (onRemoval) => new MemoryStore({ maxEntries, maxBytes, policy, onRemoval }),
  };
}

function refuseUnknown(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CacheConfigError(`memoryTier: expected an object of options, got ${show(options)}`);
  }
  const unknown = Object.keys(options).find((option) => !OPTIONS.includes(option));
  if (unknown !== undefined) {
    throw new CacheConfigError(`memoryTier: unknown option ${show(unknown)}; known are ${OPTIONS.join(', ')}`);
  }
}
