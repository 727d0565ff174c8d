import { duration, show } from '../duration.js';
import { CacheConfigError } from '../errors.js';
import { encodeKey } from '../key.js';
import { asBoolean, asDuration, asHaving, asPositiveDuration, readOptions, type Rule } from '../options.js';
import type { LockOptions } from './lock.js';

/** Defaults of every lock service. */
export const LOCK_DEFAULTS = { ttl: '10s', wait: '5s', renew: true, reentrant: false } as const;

/** Timers count in 31 bits. ms */
const LONGEST = 24 * 86_400_000;
/** Less is over before a grant on Redis could be believed. ms */
const SHORTEST_TTL = 10;

/** How a lease has ended. */
export type LeaseEnd = 'released' | 'lost';

/** One attempt to lock, its options read. */
export interface LockRequest {
  readonly key: string;
  /** The key in its canonical form: no two keys meet, and none moves a slot, breaks a line or is longer than 200 characters. */
  readonly name: string;
  /** ms */
  readonly ttl: number;
  /** ms */
  readonly wait: number;
  readonly renew: boolean;
  readonly reentrant: boolean;
  readonly signal: AbortSignal | undefined;
  /** How many were ahead when it joined the queue; filled by the lock service. */
  queueLength: number;
}

const asBounded =
  (rule: Rule<number>): Rule<number> =>
  (value, option) => {
    const ms = rule(value, option);
    if (ms > LONGEST) {
      throw new CacheConfigError(`${option}: expected at most '24d', got ${show(value)}`);
    }
    return ms;
  };

/** What `ttl` must be, in `extend` as well: from 10 ms to 24 days. */
export const asLockTtl = asBounded((value, option) => {
  const ms = asPositiveDuration(value, option);
  if (ms < SHORTEST_TTL) {
    throw new CacheConfigError(`${option}: expected at least '${SHORTEST_TTL}ms', got ${show(value)}`);
  }
  return ms;
});

const RULES = {
  ttl: asLockTtl,
  wait: asBounded(asDuration),
  renew: asBoolean,
  reentrant: asBoolean,
  signal: asHaving('an AbortSignal', 'throwIfAborted', 'addEventListener'),
};

/** @throws CacheConfigError naming the option; what `signal` was aborted with, when it is aborted already */
export function readRequest(key: string, options: LockOptions, wait: number): LockRequest {
  if (typeof key !== 'string' || key === '') {
    throw new CacheConfigError('lock: the key must be a non-empty string');
  }
  const given = readOptions(`lock ${show(key)}`, options, RULES);
  const signal = given.signal as AbortSignal | undefined;
  signal?.throwIfAborted();
  return {
    key,
    name: encodeKey('locks', key),
    ttl: given.ttl ?? duration(LOCK_DEFAULTS.ttl),
    wait: given.wait ?? wait,
    renew: given.renew ?? LOCK_DEFAULTS.renew,
    reentrant: given.reentrant ?? LOCK_DEFAULTS.reentrant,
    signal,
    queueLength: 0,
  };
}
