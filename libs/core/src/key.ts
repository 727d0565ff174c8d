import { createHash } from 'node:crypto';
import type { KeyPart } from './definition.js';
import { CacheKeyError } from './errors.js';
import { show } from './duration.js';

/** Longest encoded key in UTF-16 units; above it a key is hashed. */
export const MAX_KEY_LENGTH = 200;
/** How much of a hashed key stays readable. */
const READABLE_PREFIX = 40;
export const MAX_TAG_LENGTH = 256;
export const MAX_TAGS = 32;

/**
 * Characters a string part may hold as they are. Everything else is percent-encoded, because it separates parts (`:`), marks a type
 * (`#`, `!`), a hash (`~`) or a tenant (`@`, `|`), moves a Redis Cluster slot (`{}`), is a glob (`*?[]`), or breaks a line.
 */
const PLAIN = new Uint8Array(128);
for (const character of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.,/+=$') {
  PLAIN[character.charCodeAt(0)] = 1;
}
const PAIR_OR_SPECIAL = /[\ud800-\udbff][\udc00-\udfff]|[^0-9A-Za-z\-_.,/+=$\u0080-\ud7ff\ue000-\uffff]/g;

/**
 * Encodes key parts so that different parts never meet: the encoding is injective (a property test holds it), each type keeps its
 * identity (`1` is `#1`, `'1'` is `1`), and the result is at most 200 characters. Source: docs/protocol.md 11.
 * @throws CacheKeyError naming the cache, when a part is not a string, finite number, boolean or null
 */
export function encodeKey(cache: string, parts: KeyPart | readonly KeyPart[]): string {
  if (typeof parts === 'string') {
    return isPlain(parts) ? parts : bound(encodeString(parts));
  }
  if (!Array.isArray(parts)) {
    return encodePart(cache, parts as KeyPart);
  }
  if (parts.length === 0) {
    return '!e';
  }
  let encoded = encodePart(cache, parts[0]);
  for (let index = 1; index < parts.length; index++) {
    encoded += `:${encodePart(cache, parts[index])}`;
  }
  return bound(encoded);
}

/** The part of a key that names the tenant. `@` and `|` stand in no encoded part, so tenants never meet each other nor plain keys. */
export function encodeTenant(cache: string, tenant: unknown): string {
  if ((typeof tenant !== 'string' && typeof tenant !== 'number') || tenant === '') {
    throw new CacheKeyError(
      `cache "${cache}": tenant() returned ${show(tenant)}; expected a non-empty string or a number, so that no tenant reads another's entries`,
    );
  }
  return `@${encodeKey(cache, tenant)}|`;
}

function encodePart(cache: string, part: KeyPart): string {
  switch (typeof part) {
    case 'string':
      return isPlain(part) ? part : encodeString(part);
    case 'number':
      if (!Number.isFinite(part)) {
        throw new CacheKeyError(`cache "${cache}": key part ${part} is not a finite number`);
      }
      return `#${part === 0 ? 0 : part}`;
    case 'boolean':
      return part ? '!t' : '!f';
    default:
      if (part === null) {
        return '!n';
      }
      throw new CacheKeyError(
        `cache "${cache}": a key part must be a string, number, boolean or null, got ${show(part)}; pick the identifying fields in \`key\` (or \`args\`)`,
      );
  }
}

function isPlain(text: string): boolean {
  const length = text.length;
  if (length > MAX_KEY_LENGTH) {
    return false;
  }
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127 || PLAIN[code] === 0) {
      return false;
    }
  }
  return true;
}

function encodeString(text: string): string {
  // Whole surrogate pairs stay readable; a lone surrogate has no UTF-8 form and would meet every other one in Redis.
  return text.replace(PAIR_OR_SPECIAL, (match) =>
    match.length === 2 ? match : `%${match.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function bound(encoded: string): string {
  if (encoded.length <= MAX_KEY_LENGTH) {
    return encoded;
  }
  const hash = createHash('sha256').update(encoded).digest('base64url');
  return `${encoded.slice(0, READABLE_PREFIX).replace(/[\ud800-\udbff]$/, '')}~${hash}`;
}

/**
 * Checks tags: 1 to 256 characters without control characters, at most 32, none starting with `@` (reserved for the engine).
 * @throws CacheKeyError naming the tag
 */
export function checkTags(tags: readonly string[], where: string): readonly string[] {
  if (!Array.isArray(tags)) {
    throw new CacheKeyError(`${where}: tags must be an array of strings, got ${show(tags)}`);
  }
  if (tags.length > MAX_TAGS) {
    throw new CacheKeyError(`${where}: ${tags.length} tags; at most ${MAX_TAGS} fit an entry`);
  }
  for (const tag of tags) {
    checkTag(tag, where);
  }
  return tags;
}

function checkTag(tag: unknown, where: string): void {
  if (typeof tag !== 'string' || tag.length === 0 || tag.length > MAX_TAG_LENGTH) {
    throw new CacheKeyError(`${where}: tag ${show(tag)} must be a string of 1 to ${MAX_TAG_LENGTH} characters`);
  }
  if (tag.charCodeAt(0) === 64 /* @ */) {
    throw new CacheKeyError(`${where}: tag ${show(tag)} starts with "@", which is reserved for the engine`);
  }
  if (/[\p{Cc}\p{Surrogate}]/u.test(tag)) {
    throw new CacheKeyError(`${where}: tag ${show(tag)} holds control characters or a lone surrogate`);
  }
}

/** The implicit tag of every entry of a cache: clearing the cache invalidates it. */
export function cacheTag(cache: string): string {
  return `@cache:${cache}`;
}

/** The implicit tag of every entry of a tenant (encoded as in its keys). */
export function tenantTag(encodedTenant: string): string {
  return `@tenant:${encodedTenant}`;
}
