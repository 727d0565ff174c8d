import { asBoolean, asObject, CacheConfigError, readOptions, type Rule } from '@strata-cache/core';
import { mixDigest } from './entity-tag.js';
import { isToken } from './field.js';
import type { HttpCacheModuleOptions } from './http-cache-options.js';
import type { IdentityRule } from './identity.js';
import { UNKEYED_FIELDS } from './representation-key.js';
import { isTagHeader, TAG_HEADERS } from './tag-headers.js';

/** The options of `http`, checked and resolved. */
export interface HttpCacheSettings {
  readonly global: boolean;
  readonly early: boolean;
  readonly identity: IdentityRule;
  readonly salt: string;
  /** What it adds to the entity tag of a version. */
  readonly mix: string;
  readonly tagHeaders: readonly string[];
  readonly targeted: readonly string[];
  /** The name in Cache-Status; undefined: not sent. */
  readonly statusName: string | undefined;
  readonly statusDetail: boolean;
  readonly honorRequestDirectives: boolean;
  readonly unkeyedGuard: readonly string[];
}

export const HTTP_DEFAULTS = {
  global: false,
  early: true,
  identity: { headers: ['authorization', 'x-api-key'], cookies: true },
  targeted: ['CDN-Cache-Control'],
  cacheStatus: { name: 'strata', detail: false },
  honorRequestDirectives: false,
} as const;

const fail = (option: string, expected: string): never => {
  throw new CacheConfigError(`${option}: expected ${expected}`);
};

const asFieldNames: Rule<readonly string[]> = (value, option) =>
  Array.isArray(value) && value.every(isToken) ? value : fail(option, 'an array of field names');

const asTagHeaders: Rule<readonly string[]> = (value, option) =>
  Array.isArray(value) && value.every((name) => typeof name === 'string' && isTagHeader(name))
    ? value
    : fail(option, `an array of ${TAG_HEADERS.join(', ')}`);

const asText: Rule<string> = (value, option) => (typeof value === 'string' ? value : fail(option, 'a string'));
const asFunction: Rule = (value, option) => (typeof value === 'function' ? value : fail(option, 'a function'));
const asIs: Rule = (value) => value;

const RULES: Record<string, Rule> = {
  global: asBoolean,
  early: asBoolean,
  identity: asObject,
  salt: asText,
  tagHeaders: asTagHeaders,
  targeted: asFieldNames,
  cacheStatus: (value, option) => (value === false ? false : asObject(value, option)),
  honorRequestDirectives: asBoolean,
  unkeyedGuard: asFieldNames,
  // Checked where they are used.
  purgers: asIs,
  purging: asIs,
};

const IDENTITY_RULES: Record<string, Rule> = {
  headers: asFieldNames,
  cookies: (value, option) => (typeof value === 'boolean' ? value : asFieldNames(value, option)),
  user: asFunction,
};

const STATUS_RULES: Record<string, Rule> = {
  // A Structured-Field token (RFC 9211 section 2).
  name: (value, option) =>
    typeof value === 'string' && /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/.test(value)
      ? value
      : fail(option, 'a token that begins with a letter'),
  detail: asBoolean,
};

const WHERE = 'CacheModule.forRoot: http';

/** @throws CacheConfigError naming the option that is unknown or wrong */
export function resolveSettings(options: HttpCacheModuleOptions | undefined, version: string): HttpCacheSettings {
  const given = readOptions(WHERE, options ?? {}, RULES);
  const identity = readOptions(`${WHERE}.identity`, given.identity ?? {}, IDENTITY_RULES);
  const status = given.cacheStatus === false ? undefined : (given.cacheStatus ?? {});
  const { name, detail } = readOptions(`${WHERE}.cacheStatus`, status ?? {}, STATUS_RULES);
  // Anything but an array of purgers is refused by the room they belong to, in its own words.
  const purgers: readonly ({ tagHeader?: string } | undefined)[] = Array.isArray(given.purgers) ? given.purgers : [];
  const fromPurgers = purgers.map((purger) => purger?.tagHeader);
  const tagHeaders = given.tagHeaders ?? fromPurgers.filter((header) => header !== undefined);
  const salt: string = given.salt ?? version;
  return {
    global: given.global ?? HTTP_DEFAULTS.global,
    early: given.early ?? HTTP_DEFAULTS.early,
    identity: {
      headers: (identity.headers ?? HTTP_DEFAULTS.identity.headers).map((header: string) => header.toLowerCase()),
      cookies: identity.cookies ?? HTTP_DEFAULTS.identity.cookies,
      user: identity.user ?? userOf,
    },
    salt,
    mix: salt === '' ? '' : mixDigest(salt),
    tagHeaders: [...new Set(tagHeaders as string[])],
    targeted: given.targeted ?? HTTP_DEFAULTS.targeted,
    statusName: status === undefined ? undefined : (name ?? HTTP_DEFAULTS.cacheStatus.name),
    statusDetail: detail ?? HTTP_DEFAULTS.cacheStatus.detail,
    honorRequestDirectives: given.honorRequestDirectives ?? HTTP_DEFAULTS.honorRequestDirectives,
    unkeyedGuard: (given.unkeyedGuard ?? UNKEYED_FIELDS).map((header: string) => header.toLowerCase()),
  };
}

/** Where Passport and most guards put the user; Fastify's middleware sees the raw request. */
function userOf(request: { user?: unknown; raw?: { user?: unknown } }): unknown {
  return request.user ?? request.raw?.user;
}
