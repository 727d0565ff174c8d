import type { CacheRuntime } from '../cache-runtime.js';
import type { Clock } from '../clock/clock.js';
import type { Engine } from '../engine.js';
import { decodeRecord } from './entry-codec.js';
import type { Candidate } from './flight.js';
import type { L1View } from './l1-view.js';
import type { TierName } from '../observer.js';
import type { Policy } from '../policy.js';
import type { TierRecord } from '../tiers/tier.js';

/** An entry with its metadata. Instants are wall-clock ms since the Unix epoch, for people and logs; decisions use monotonic ones. */
export interface CacheEntry<Value> {
  readonly value: Value;
  readonly tier: TierName;
  readonly createdAt: number;
  readonly staleAt: number;
  readonly goneAt: number;
  readonly tags: readonly string[];
  readonly stale: boolean;
}

/** Looks at an entry without loading it: L1 first, then the second tier. */
export async function inspect(
  engine: Engine,
  l1: L1View,
  runtime: CacheRuntime,
  key: string,
  policy: Policy,
): Promise<CacheEntry<unknown> | undefined> {
  const { fresh, candidate } = l1.look(runtime, key, policy);
  const found = fresh ?? candidate;
  if (found !== undefined) {
    return fromL1(engine, runtime, found, fresh === undefined);
  }
  return engine.tier === undefined || !policy.useL2 ? undefined : fromL2(engine, runtime, key);
}

function fromL1(engine: Engine, runtime: CacheRuntime, found: Candidate, stale: boolean): CacheEntry<unknown> {
  const lead = wallLead(engine.clock);
  return {
    value: runtime.open(found.stored),
    tier: 'l1',
    createdAt: found.createdAt + lead,
    staleAt: found.staleAt + lead,
    goneAt: found.goneAt + lead,
    tags: found.tags ?? [],
    stale,
  };
}

function fromL2(engine: Engine, runtime: CacheRuntime, key: string): Promise<CacheEntry<unknown> | undefined> {
  return new Promise((resolve) => {
    engine.tier!.read(key, undefined, {
      onSent: () => undefined,
      onRead: (read) => resolve(read.status === 'found' ? ofRecord(engine.clock, runtime, read.record) : undefined),
      onUnavailable: () => resolve(undefined),
    });
  });
}

function ofRecord(clock: Clock, runtime: CacheRuntime, record: TierRecord): CacheEntry<unknown> | undefined {
  const decoded = decodeRecord(runtime, record);
  // Expired without grace is gone, here as everywhere.
  if (decoded === undefined || (record.stale && record.graceFor === 0)) {
    return undefined;
  }
  const createdAt = clock.wall() - record.age;
  return {
    value: runtime.open(decoded.stored),
    tier: 'l2',
    createdAt,
    staleAt: createdAt + record.freshFor,
    goneAt: createdAt + record.freshFor + record.graceFor,
    tags: runtime.userTags(record.tags) ?? [],
    stale: record.stale,
  };
}

function wallLead(clock: Clock): number {
  return clock.wall() - clock.now();
}
