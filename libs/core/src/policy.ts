import type { CacheDefinition, CallOptions, Consistency, Isolation } from './definition.js';
import { LIFETIME_RULES, resolvedDefinition, VALUE_RULES, type ResolvedDefinition } from './define-cache.js';
import type { ByteSize, Duration } from './duration.js';
import { CacheConfigError } from './errors.js';
import { checkTags } from './key.js';
import { asBoolean, asHaving, readOptions, type Rule } from './options.js';

/** Defaults of an engine for every cache that does not say otherwise. */
export interface CacheDefaults {
  readonly ttl?: Duration | undefined;
  readonly grace?: Duration | undefined;
  readonly negativeTtl?: Duration | undefined;
  readonly softTimeout?: Duration | undefined;
  readonly hardTimeout?: Duration | undefined;
  readonly jitter?: number | undefined;
  readonly isolation?: Isolation | undefined;
  readonly maxConcurrentLoads?: number | undefined;
  readonly maxValueBytes?: ByteSize | undefined;
  readonly compressAbove?: ByteSize | undefined;
}

/** The built-in defaults; `docs/options.md` lists them and a test compares. */
export const BUILT_IN_DEFAULTS = {
  ttl: 60_000,
  grace: 0,
  jitter: 0.1,
  isolation: 'frozen',
  maxConcurrentLoads: 64,
  maxValueBytes: 1024 ** 2,
  compressAbove: 16 * 1024,
} as const;

/** How one call is to be answered: every duration in ms. */
export interface Policy {
  readonly ttl: number;
  readonly grace: number;
  readonly negativeTtl: number | undefined;
  readonly refreshAhead: number | undefined;
  readonly jitter: number;
  readonly softTimeout: number | undefined;
  readonly hardTimeout: number | undefined;
  readonly consistency: Consistency;
  readonly useL1: boolean;
  readonly useL2: boolean;
  readonly tags: readonly string[] | undefined;
  readonly forceRefresh: boolean;
  readonly signal: AbortSignal | undefined;
}

const { consistency: _, ...DEFAULT_RULES } = { ...LIFETIME_RULES, ...VALUE_RULES };

/** @throws CacheConfigError naming the default that is unknown or wrong */
export function resolveDefaults(defaults: CacheDefaults | undefined): Record<string, any> {
  return { ...BUILT_IN_DEFAULTS, ...readOptions('createStrata: defaults', defaults ?? {}, DEFAULT_RULES) };
}

/** A definition with the engine's defaults filled in. */
export function completeDefinition(
  definition: CacheDefinition,
  defaults: Record<string, any>,
  consistency: Consistency,
): ResolvedDefinition {
  return { consistency, ...defaults, ...resolvedDefinition(definition) };
}

export function policyOf(definition: ResolvedDefinition): Policy {
  return {
    ttl: definition.ttl,
    grace: definition.grace,
    negativeTtl: definition.negativeTtl,
    refreshAhead: definition.refreshAhead,
    jitter: definition.jitter,
    softTimeout: definition.softTimeout,
    hardTimeout: definition.hardTimeout,
    consistency: definition.consistency,
    useL1: true,
    useL2: true,
    tags: undefined,
    forceRefresh: false,
    signal: undefined,
  };
}

const asTiers: Rule = (value, option) => {
  if (!Array.isArray(value) || value.length === 0 || value.some((tier) => tier !== 'l1' && tier !== 'l2')) {
    throw new CacheConfigError(`${option}: expected an array of 'l1' and 'l2'`);
  }
  return value;
};

const CALL_RULES: Record<string, Rule> = {
  ...LIFETIME_RULES,
  tags: (value, option) => checkTags(value, option),
  tiers: asTiers,
  forceRefresh: asBoolean,
  signal: asHaving('an AbortSignal', 'addEventListener', 'throwIfAborted'),
};

const WRITE_RULES: Record<string, Rule> = {
  ttl: LIFETIME_RULES.ttl,
  tags: CALL_RULES.tags,
  version: (value, option) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new CacheConfigError(`${option}: expected a finite number >= 0 that rises with every change`);
    }
    return value;
  },
};

/** What one call changes about its cache's policy. */
export interface CallPolicy {
  readonly policy: Policy;
  readonly forceRefresh: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * What is not given is as `base` says, which may be that of `with(options)`.
 * @throws CacheConfigError naming the call option that is unknown or wrong
 */
export function callPolicy(name: string, base: Policy, options: CallOptions): CallPolicy {
  const { tiers, ...given } = readOptions(`cache "${name}"`, options, CALL_RULES);
  const policy: Policy = {
    ...base,
    ...given,
    useL1: tiers?.includes('l1') ?? base.useL1,
    useL2: tiers?.includes('l2') ?? base.useL2,
  };
  return { policy, forceRefresh: policy.forceRefresh, signal: policy.signal };
}

export interface WriteOptions {
  readonly ttl?: Duration | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Orders writes: one with a lower version than already stored is ignored. */
  readonly version?: number | undefined;
}

/** @throws CacheConfigError naming the write option that is unknown or wrong */
export function writePolicy(
  name: string,
  base: Policy,
  options: WriteOptions,
): { policy: Policy; version: number | undefined } {
  const { version, ...given } = readOptions(`cache "${name}".set`, options, WRITE_RULES);
  // A ttl said for this very value outranks the one of negatives.
  const negativeTtl = given.ttl === undefined ? base.negativeTtl : undefined;
  return { policy: { ...base, negativeTtl, ...given }, version };
}
