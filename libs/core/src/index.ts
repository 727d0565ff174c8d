export { createStrata, ENGINE_DEFAULTS, type StrataOptions } from './create-strata.js';
export { Strata, type EngineSettings } from './strata.js';
export { Cache, type CacheOf, type PutOptions } from './cache.js';
export type { CacheEntry } from './reading/inspect.js';
export type { InvalidationResult } from './writes.js';
export { BUILT_IN_DEFAULTS, type CacheDefaults, type WriteOptions } from './policy.js';
export type { CacheStats, StrataStats } from './stats.js';
export type { Count, CountLabels } from './tally.js';
export type { FactsProbe, SampledEntry, ServerFacts, TierFacts } from './tiers/facts.js';
export type { TierVitals, VitalsProbe } from './tiers/vitals.js';
export type { WhenDisconnected } from './engine.js';
export { defineCache, type UntypedCacheDefinition } from './define-cache.js';
export { applyEvent, eventNames, type EventFailure, type EventOutcome } from './apply-event.js';
export { checkEventName, MAX_EVENT_KEYS, MAX_EVENT_TAGS } from './invalidated-by.js';
export type * from './definition.js';
export * from './errors.js';
export { Background } from './background.js';
export { systemClock, type Clock, type TimerHandle } from './clock/clock.js';
export { byteSize, duration, type ByteSize, type Duration } from './duration.js';
export { hydrateAs, type Hydratable, type Hydrated, type Hydrator, type NestedHydrators } from './value/hydrate.js';
export { jsonSerializer } from './serializer/json-serializer.js';
export { messagePackSerializer } from './serializer/messagepack-serializer.js';
export type * from './serializer/serializer.js';
export type * from './observer.js';
export { MAX_KEY_LENGTH, MAX_TAG_LENGTH, MAX_TAGS } from './key.js';
export { memoryTier, type L1Factory, type MemoryTierOptions } from './tiers/memory-tier.js';
export type * from './tiers/l1-store.js';
export type * from './tiers/tier.js';
export { WRITER_MARK } from './tiers/tier.js';
export { memoryBus, type BusFactory } from './bus/memory-bus.js';
export type * from './bus/bus.js';
export { memoryLocks } from './locks/memory-locks.js';
export { ExclusiveLocks, type Locker } from './locks/exclusive-locks.js';
export { asLockTtl, LOCK_DEFAULTS, type LeaseEnd, type LockRequest } from './locks/lock-request.js';
export { lostLease, type LeaseState } from './locks/lost-lease.js';
export type * from './locks/lock.js';
export {
  asBoolean,
  asBytes,
  asFunction,
  asHaving,
  asInteger,
  asName,
  asObject,
  asOneOf,
  asPositiveDuration,
  asTimeout,
  readOptions,
  type Rule,
} from './options.js';
