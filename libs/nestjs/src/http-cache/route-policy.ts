import {
  asBoolean,
  asInteger,
  asOneOf,
  asPositiveDuration,
  byteSize,
  CacheConfigError,
  duration,
  readOptions,
  type Rule,
} from '@strata-cache/core';
import { messages } from '../messages.js';
import { isToken } from './field.js';
import { cacheControlOf, targetedOf, type PolicyFlags, type PolicyTerms } from './policy-text.js';
import type { HttpCacheOptions, StoreOptions, TagsOption, VersionFunction } from './http-cache-options.js';
import type { ExecutionContext } from '@nestjs/common';

/** The options of a route, checked and resolved. */
export interface RoutePolicy extends PolicyTerms, PolicyFlags {
  /** Which handler it is of, told from others at the same URL; part of the key. */
  readonly handler: string;
  readonly scope: 'public' | 'private' | 'none';
  /** Cache-Control for everybody and for a user, and what targeted fields say: made once. */
  readonly said: { readonly shared: string; readonly personal: string; readonly targeted: string | undefined };
  readonly cdn: PolicyTerms | undefined;
  readonly version: VersionFunction | undefined;
  readonly etag: 'weak' | 'strong' | false | ((body: Buffer) => string);
  /** Lower case. */
  readonly vary: readonly string[];
  readonly normalizers: ReadonlyMap<string, (value: string | undefined) => string>;
  readonly tags: TagsOption | undefined;
  readonly store: StorePolicy | undefined;
  readonly shareAuthenticated: boolean;
  readonly allowSetCookie: boolean;
  readonly errors: ReadonlyMap<number, PolicyTerms>;
  readonly condition: ((context: ExecutionContext) => boolean) | undefined;
}

export interface StorePolicy {
  readonly ttl: number | undefined;
  readonly grace: number;
  /** Of `grace`, what was asked for by name: so long a response may be used after a failure, whatever it says of that. */
  readonly lenience: number;
  readonly query: 'all' | readonly string[];
  readonly by: ((context: ExecutionContext) => string | number | undefined) | undefined;
  readonly statuses: ReadonlySet<number>;
  readonly maxBodyBytes: number;
  readonly maxVariants: number;
  readonly wait: number;
  readonly manual: boolean;
}

export const STORE_DEFAULTS = {
  query: 'all',
  statuses: [200],
  maxBodyBytes: '1mb',
  maxVariants: 32,
  wait: '10s',
  manual: false,
} as const satisfies StoreOptions;

const asFunction: Rule = (value, option) => (typeof value === 'function' ? value : fail(option, 'a function'));
const asDelta: Rule<number> = (value, option) => duration(value, option);
const asObject: Rule = (value, option) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : fail(option, 'an object');

const RULES: Record<string, Rule> = {
  scope: asOneOf('public', 'private', 'none'),
  maxAge: asDelta,
  sMaxAge: asDelta,
  staleWhileRevalidate: asDelta,
  staleIfError: asDelta,
  mustRevalidate: asBoolean,
  immutable: asBoolean,
  noTransform: asBoolean,
  cdn: asObject,
  version: asFunction,
  etag: (value, option) =>
    value === false || value === 'weak' || value === 'strong' || typeof value === 'function'
      ? value
      : fail(option, "'weak', 'strong', false or a function"),
  vary: asObjectOrNames,
  tags: (value, option) =>
    typeof value === 'function' || isTexts(value) ? value : fail(option, 'an array of strings, or a function'),
  store: (value, option) => (typeof value === 'boolean' ? value : asObject(value, option)),
  shareAuthenticated: asBoolean,
  allowSetCookie: asBoolean,
  errors: asObject,
  if: asFunction,
};

const STORE_RULES: Record<string, Rule> = {
  ttl: asPositiveDuration,
  grace: asDelta,
  query: (value, option) => (value === 'all' || isTexts(value) ? value : fail(option, "'all' or an array of strings")),
  by: asFunction,
  statuses: (value, option) =>
    Array.isArray(value) && value.every((status) => Number.isInteger(status) && status >= 200 && status <= 599)
      ? value
      : fail(option, 'an array of statuses from 200 to 599'),
  maxBodyBytes: (value, option) => byteSize(value, option),
  maxVariants: asInteger(1, 10_000),
  wait: asPositiveDuration,
  manual: asBoolean,
};

const CDN_RULES: Record<string, Rule> = { maxAge: asDelta, staleWhileRevalidate: asDelta, staleIfError: asDelta };
const ERROR_RULES: Record<string, Rule> = { maxAge: asDelta };

/** Fields that name a user or nearly every client: a shared response that depends on one is shared with nobody. */
const TOO_PERSONAL = ['cookie', 'authorization', 'user-agent'];

/**
 * @param site `Class.method`, for messages
 * @throws CacheConfigError naming the option that is unknown, wrong, or contradicts another
 */
export function resolveRoutePolicy(site: string, options: HttpCacheOptions): RoutePolicy {
  const where = `${site}: @HttpCache`;
  const given = readOptions(where, options, RULES);
  const scope: RoutePolicy['scope'] = given.scope ?? 'private';
  const { names, normalizers } = varyOf(given.vary);
  const { mustRevalidate = false, immutable = false, noTransform = false } = given;
  const flags: PolicyFlags = { mustRevalidate, immutable, noTransform };
  const terms = termsOf(given);
  const cdn = given.cdn === undefined ? undefined : termsOf(readOptions(`${where}: cdn`, given.cdn, CDN_RULES));
  const policy: RoutePolicy = {
    handler: site,
    scope,
    ...terms,
    ...flags,
    said: {
      shared: cacheControlOf(flags, terms, true),
      personal: cacheControlOf(flags, terms, false),
      targeted: cdn === undefined ? undefined : targetedOf(cdn),
    },
    cdn,
    version: given.version,
    etag: given.etag ?? 'weak',
    vary: names,
    normalizers,
    tags: given.tags,
    store: given.store === undefined || given.store === false ? undefined : storeOf(where, given),
    shareAuthenticated: given.shareAuthenticated ?? false,
    allowSetCookie: given.allowSetCookie ?? false,
    errors: errorsOf(where, given.errors),
    condition: given.if,
  };
  refuseConflicts(where, policy);
  return policy;
}

/** Stored for one user each, which nobody else's key ever meets. */
export function isKeyedByUser({ scope, store }: RoutePolicy): boolean {
  return scope === 'private' && store?.by !== undefined;
}

function termsOf(given: Record<string, any>): PolicyTerms {
  const { maxAge, sMaxAge, staleWhileRevalidate, staleIfError } = given;
  return { maxAge, sMaxAge, staleWhileRevalidate, staleIfError };
}

function varyOf(vary: HttpCacheOptions['vary']): Pick<RoutePolicy, 'normalizers'> & { names: readonly string[] } {
  const normalizers = new Map<string, (value: string | undefined) => string>();
  if (vary === undefined || Array.isArray(vary)) {
    return { names: [...new Set(((vary ?? []) as readonly string[]).map((name) => name.toLowerCase()))], normalizers };
  }
  for (const [name, normalize] of Object.entries(vary as Record<string, (value: string | undefined) => string>)) {
    normalizers.set(name.toLowerCase(), normalize);
  }
  return { names: [...normalizers.keys()], normalizers };
}

function storeOf(where: string, given: Record<string, any>): StorePolicy {
  const options = given.store === true ? {} : (given.store as StoreOptions);
  const store: Record<string, any> = {
    ...readOptions(`${where}: store`, STORE_DEFAULTS, STORE_RULES),
    ...readOptions(`${where}: store`, options, STORE_RULES),
  };
  const grace = store.grace ?? Math.max(given.staleWhileRevalidate ?? 0, given.staleIfError ?? 0);
  const statuses = new Set<number>([...store.statuses, ...Object.keys(given.errors ?? {}).map(Number)]);
  return {
    ttl: undefined,
    by: undefined,
    ...store,
    grace,
    lenience: store.grace ?? 0,
    statuses,
  } as unknown as StorePolicy;
}

function errorsOf(where: string, errors: HttpCacheOptions['errors']): ReadonlyMap<number, PolicyTerms> {
  const resolved = new Map<number, PolicyTerms>();
  for (const [status, terms] of Object.entries(errors ?? {})) {
    const code = Number(status);
    if (!Number.isInteger(code) || code < 400 || code > 599) {
      fail(`${where}: errors`, `statuses from 400 to 599, not ${status}`);
    }
    resolved.set(code, termsOf(readOptions(`${where}: errors[${status}]`, terms, ERROR_RULES)));
  }
  return resolved;
}

function refuseConflicts(where: string, policy: RoutePolicy): void {
  const { scope, store, maxAge, sMaxAge } = policy;
  const refuse = (conflict: string, remedy: string): never => {
    throw new CacheConfigError(messages.httpConflict(where, conflict, remedy));
  };
  if (scope !== 'public' && sMaxAge !== undefined) {
    refuse(
      `sMaxAge with scope '${scope}'`,
      "shared caches store public responses only: use maxAge, or scope: 'public'",
    );
  }
  if (scope !== 'public' && policy.cdn !== undefined) {
    refuse(`cdn with scope '${scope}'`, "CDNs store public responses only: leave cdn out, or set scope: 'public'");
  }
  if (policy.immutable && maxAge === undefined) {
    refuse('immutable without maxAge', 'it holds while the response is fresh: say for how long');
  }
  const window = policy.staleWhileRevalidate !== undefined || policy.staleIfError !== undefined;
  if (window && maxAge === undefined && sMaxAge === undefined && store?.ttl === undefined) {
    refuse(
      'staleWhileRevalidate or staleIfError without maxAge',
      'what is never fresh is never stale: say for how long',
    );
  }
  if (window && policy.mustRevalidate) {
    refuse('mustRevalidate with staleWhileRevalidate or staleIfError', 'it forbids any use when stale: leave one out');
  }
  if (scope === 'none') {
    const given = (['maxAge', 'immutable', 'mustRevalidate', 'store', 'version'] as const).find((name) => policy[name]);
    if (given !== undefined) refuse(`${given} with scope 'none'`, 'nobody may keep the response: leave one out');
  }
  if (store !== undefined && scope === 'private' && store.by === undefined) {
    refuse(
      "store with scope 'private'",
      'one user would get what another one was sent: give store.by, which says whose response it is, or scope: public',
    );
  }
  const personal = scope === 'public' ? policy.vary.find((name) => TOO_PERSONAL.includes(name)) : undefined;
  if (personal !== undefined) {
    refuse(`vary: ${personal} with scope 'public'`, "it differs for nearly every client: use scope: 'private'");
  }
  if (policy.vary.includes('*')) refuse("vary: '*'", "no cache could ever use the response: set scope: 'none' instead");
}

function asObjectOrNames(value: unknown, option: string): unknown {
  const names = Array.isArray(value) ? (value as unknown[]) : Object.keys(asObject(value, option) as object);
  const functions = Array.isArray(value) ? [] : Object.values(value as object);
  if (names.every((name) => isToken(name)) && functions.every((one) => typeof one === 'function')) return value;
  return fail(option, 'names of request fields, or an object of such names with functions');
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function fail(option: string, expected: string): never {
  throw new CacheConfigError(`${option}: expected ${expected}`);
}
