import {
  asBoolean,
  asInteger,
  asPositiveDuration,
  CacheConfigError,
  readOptions,
  type Duration,
  type Rule,
} from '@strata-cache/core';
import type { Purger } from './purger.js';

/** How purges are delivered; the option `http.purging`. */
export interface PurgingOptions {
  /** How long invalidations are collected before the first purge leaves. Default `'50ms'`. */
  readonly window?: Duration | undefined;
  /** Most tags and URLs that leave in one flush; the rest follows, `pause` later each time. Default 500. */
  readonly maxTagsPerFlush?: number | undefined;
  /** Pause between two flushes when there is more than one holds. Default `'1s'`. */
  readonly pause?: Duration | undefined;
  /**
   * Every purge is sent once more after this time, for responses that were on their way to the CDN when it was purged. `false`: never.
   * Default `'5s'`, the default of `maxStaleness`.
   */
  readonly repeatAfter?: Duration | false | undefined;
  /** A purge that a CDN could not be brought to take for so long is dropped, with a warning. Default `'10m'`. */
  readonly giveUpAfter?: Duration | undefined;
  /** Most tags and URLs that may wait for one endpoint; beyond it they are dropped, with a warning. Default 10,000. */
  readonly maxWaiting?: number | undefined;
  /** Whether `strata.clear()` purges everything from the CDN. Default false: it is refused with a warning. */
  readonly purgeAllOnClear?: boolean | undefined;
  /** How long the shutdown waits for purges under way. Default `'5s'`. */
  readonly drainLimit?: Duration | undefined;
}

export interface ResolvedPurging {
  readonly window: number;
  readonly maxTagsPerFlush: number;
  readonly pause: number;
  readonly repeatAfter: number | undefined;
  readonly giveUpAfter: number;
  readonly maxWaiting: number;
  readonly purgeAllOnClear: boolean;
  readonly drainLimit: number;
}

export const PURGING_DEFAULTS = {
  window: '50ms',
  maxTagsPerFlush: 500,
  pause: '1s',
  repeatAfter: '5s',
  giveUpAfter: '10m',
  maxWaiting: 10_000,
  purgeAllOnClear: false,
  drainLimit: '5s',
} as const;

const asRepeat: Rule = (value, option) => (value === false ? false : asPositiveDuration(value, option));

const RULES: Record<string, Rule> = {
  window: asPositiveDuration,
  maxTagsPerFlush: asInteger(1, 1_000_000),
  pause: asPositiveDuration,
  repeatAfter: asRepeat,
  giveUpAfter: asPositiveDuration,
  maxWaiting: asInteger(1, 1_000_000),
  purgeAllOnClear: asBoolean,
  drainLimit: asPositiveDuration,
};

const WHERE = 'CacheModule.forRoot: http.purging';

/** @throws CacheConfigError naming the option */
export function resolvePurging(given: PurgingOptions = {}): ResolvedPurging {
  const defaults = readOptions(WHERE, PURGING_DEFAULTS, RULES);
  const { repeatAfter, ...rest } = { ...defaults, ...readOptions(WHERE, given, RULES) };
  return { ...rest, repeatAfter: repeatAfter === false ? undefined : repeatAfter } as ResolvedPurging;
}

/** @throws CacheConfigError for what is no purger */
export function checkPurgers(given: unknown): readonly Purger[] {
  const purgers = Array.isArray(given) ? (given as readonly Partial<Purger>[]) : [undefined];
  const ok = purgers.every(
    (one) =>
      typeof one?.send === 'function' &&
      typeof one.name === 'string' &&
      Array.isArray(one.endpoints) &&
      typeof one.limits === 'object',
  );
  if (ok) return purgers as readonly Purger[];
  throw new CacheConfigError(
    'CacheModule.forRoot: http.purgers: expected an array such as [varnishPurger({ endpoints: "http://varnish:6081" })]',
  );
}
