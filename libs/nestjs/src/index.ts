export { CacheModule } from './cache.module.js';
export { CacheDoctor, type Diagnosis } from './doctor/cache-doctor.js';
export type { Finding, RuleName } from './doctor/finding.js';
export type { CacheModuleOptions, CacheOptionsFactory } from './cache.module-definition.js';
export { getCacheToken, InjectCache } from './cache-token.js';
export { Cacheable } from './method-cache/cacheable.js';
export { CacheEvict } from './method-cache/cache-evict.js';
export { CachePut } from './method-cache/cache-put.js';
export type { TransactionHook } from './method-cache/after-commit.js';
export { Transactions } from './method-cache/transactions.js';
export { HttpCache, NoHttpCache, Precondition } from './http-cache/http-cache.decorators.js';
export { HttpCacheInterceptor } from './http-cache/http-cache.interceptor.js';
export { HttpCacheService } from './http-cache/http-cache.service.js';
export type {
  ErrorOptions,
  HttpCacheModuleOptions,
  HttpCacheOptions,
  IdentityOptions,
  PreconditionOptions,
  ResourceVersion,
  StoreOptions,
  TagsOption,
  TargetedOptions,
  VersionFunction,
} from './http-cache/http-cache-options.js';
export { currentLease } from './locks/current-lease.js';
export { LockService } from './locks/lock-service.js';
export { Locked } from './locks/locked.js';
export type { LockedOptions } from './locks/locked-options.js';
export { cloudflarePurger, type CloudflarePlan, type CloudflarePurgerOptions } from './purging/cloudflare-purger.js';
export {
  cloudFrontPurger,
  type CloudFrontInvalidation,
  type CloudFrontPurgerOptions,
} from './purging/cloudfront-purger.js';
export { fastlyPurger, type FastlyPurgerOptions } from './purging/fastly-purger.js';
export { varnishPurger, type VarnishPurgerOptions } from './purging/varnish-purger.js';
export { PurgeService } from './purging/purge.service.js';
export type { PurgeFigures } from './purging/purge-lane.js';
export type { PurgingOptions } from './purging/purge-options.js';
export type { PurgeAnswer, PurgeBatch, PurgeLimits, Purger } from './purging/purger.js';
export type { PurgeRate } from './purging/purger-options.js';
export { CacheContract } from './contract/cache-contract.js';
export type { CacheContractEntry, ContractClearing, ContractReader } from './contract/contract-entry.js';
export { lintContract } from './contract/contract-lint.js';
export type { ContractFinding, ContractRule, LintLevel, LintOptions } from './contract/contract-lint.js';
export { CachedMethods } from './method-cache/cached-methods.js';
export type { CachedMethod } from './method-cache/method-site.js';
export type {
  CacheableEachOptions,
  CacheableOptions,
  CacheEvictOptions,
  CachePutOptions,
  InlineCacheableOptions,
} from './method-cache/method-options.js';
export {
  Cache,
  CacheConfigError,
  CacheError,
  CacheKeyError,
  EventError,
  LeaseLostError,
  LoadTimeoutError,
  LockError,
  LockTimeoutError,
  SerializationError,
  Strata,
  TierError,
  createStrata,
  defineCache,
  duration,
  hydrateAs,
  jsonSerializer,
  memoryBus,
  memoryLocks,
  memoryTier,
  messagePackSerializer,
} from '@strata-cache/core';
export type {
  ByteSize,
  CacheDefinition,
  CacheDefinitionOptions,
  CacheEntry,
  CacheErrorCode,
  CacheOf,
  CacheStats,
  CallOptions,
  Consistency,
  Duration,
  Hydrator,
  Invalidation,
  InvalidationMode,
  InvalidationResult,
  Isolation,
  KeyOf,
  KeyPart,
  Lease,
  LoadContext,
  LockOptions,
  Locks,
  LocksFactory,
  Notice,
  Observer,
  Serializer,
  StrataOptions,
  StrataStats,
  WriteOptions,
} from '@strata-cache/core';
