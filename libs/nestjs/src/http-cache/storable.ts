import { Buffer } from 'node:buffer';
import { MAX_TAG_LENGTH, MAX_TAGS } from '@strata-cache/core';
import { parseCacheControl, type Directives } from './cache-control.js';
import type { EffectivePolicy } from './effective-policy.js';
import type { Exchange } from './exchange.js';
import { combined } from './field.js';
import { freshnessOf, mayBeStale, type Freshness } from './freshness.js';
import { formatHttpDate, parseHttpDate } from './http-date.js';
import type { CommittedBody, ResponseHead } from './response-head.js';
import type { PolicyTerms } from './policy-text.js';
import { isKeyedByUser, type StorePolicy } from './route-policy.js';
import { storedFields, type StoredField } from './stored-headers.js';
import type { StoredVariant } from './stored-response.js';
import { nominatedValue, parseVary } from './vary.js';

/** One tag is ours: that of the URL. */
export const MAX_RESPONSE_TAGS = MAX_TAGS - 1;

/**
 * The response as it is to be stored, or undefined, after the reason went to the capture. It waits in `exchange.pending` for the head to go
 * out: a cookie may still come.
 */
export function variantOf(
  exchange: Exchange,
  head: ResponseHead,
  policy: EffectivePolicy,
  body: CommittedBody,
): StoredVariant | undefined {
  const { route, request, clock } = exchange;
  const store = route.store!;
  const now = clock.wall();
  const directives = parseCacheControl(head.get('cache-control'));
  const isOwn = policy.cacheControl === undefined;
  const vary = parseVary(head.get('vary'));
  const refuse = (refused: string): undefined => void exchange.capture!.settle({ refused, failed: head.status >= 500 });
  const reason =
    refusal(exchange, head, policy, body) ??
    (isOwn ? refusalByDirectives(directives, store, head.status) : undefined) ??
    refusalForAuthenticated(exchange, directives) ??
    (vary === '*' ? 'vary' : undefined);
  if (reason !== undefined) return refuse(reason);
  const fresh = freshnessFor(exchange, head, directives, isOwn, now);
  const left = fresh.lifetime - fresh.age;
  // With max-age=0 a window to refresh in is still of use; without any freshness there is nothing it could begin after.
  const isUsefulStale = left === 0 && Math.min(fresh.staleWhileRevalidate, store.grace) > 0;
  if (left <= 0 && !(isUsefulStale && (!isOwn || saysFreshness(head, directives)))) return refuse('freshness');
  const variant: StoredVariant = {
    vary: (vary as readonly string[])
      .filter((name) => !exchange.keyed.includes(name) && !isCodingOnly(name, head))
      .map((name) => [name, nominatedValue(request.fields, name)]),
    status: head.status,
    fields: fieldsOf(exchange, head, now),
    body: typeof body === 'string' ? Buffer.from(body) : body!,
    etag: combined(head.get('etag')),
    lastModified: dateOf(head, now),
    storedAt: now,
    age: fresh.age,
    freshFor: left,
    staleWhileRevalidate: Math.min(fresh.staleWhileRevalidate, store.grace),
    staleIfError: Math.min(fresh.staleIfError, store.grace),
    forAuthenticated: allowsAuthenticated(directives),
  };
  exchange.pending = { variant, tags: exchange.tags };
  return variant;
}

/** RFC 9111 section 3, and what this store leaves out besides: parts, streams, large bodies, more tags than an entry holds. */
function refusal(
  { route, request, tags, warn }: Exchange,
  head: ResponseHead,
  policy: EffectivePolicy,
  body: CommittedBody,
): string | undefined {
  const store = route.store!;
  if (policy.store !== true) return policy.store;
  if (!store.statuses.has(head.status) || head.status === 206 || head.status === 304) return 'status';
  if (body === undefined) return 'stream';
  if (body.length > store.maxBodyBytes || Buffer.byteLength(body) > store.maxBodyBytes) return 'size';
  if (head.get('set-cookie') !== undefined && !route.allowSetCookie) return 'set-cookie';
  if (parseCacheControl(request.fields['cache-control']).has('no-store')) return 'request';
  if (tags.length <= MAX_RESPONSE_TAGS + 1 && tags.every(isStorableTag)) return undefined;
  warn?.('tags-of-an-entry');
  return 'tags';
}

/** The engine's own rule, asked before it would refuse the whole response. */
function isStorableTag(tag: string): boolean {
  return tag !== '' && tag.length <= MAX_TAG_LENGTH && !tag.startsWith('@') && !/[\p{Cc}\p{Surrogate}]/u.test(tag);
}

/** Statuses whose caching rules are followed here, for must-understand. */
const UNDERSTOOD = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);

/**
 * What the handler said itself binds the store (RFC 9111 section 3; section 5.2.2.4 for no-cache). Beside must-understand, no-store is
 * meant for caches that do not know the status (section 5.2.2.3).
 */
function refusalByDirectives(directives: Directives, store: StorePolicy, status: number): string | undefined {
  const understands = directives.has('must-understand');
  if (understands ? !UNDERSTOOD.has(status) : directives.has('no-store')) return 'no-store';
  if (directives.has('no-cache')) return 'no-cache';
  return directives.has('private') && store.by === undefined ? 'private' : undefined;
}

function saysFreshness(head: ResponseHead, directives: Directives): boolean {
  return directives.has('max-age') || directives.has('s-maxage') || head.get('expires') !== undefined;
}

/** RFC 9111 section 3.5, on top of `shareAuthenticated`. */
function refusalForAuthenticated({ request, route }: Exchange, directives: Directives): string | undefined {
  const needed = request.fields['authorization'] !== undefined && !isKeyedByUser(route);
  return needed && !allowsAuthenticated(directives) ? 'authorization' : undefined;
}

function allowsAuthenticated(directives: Directives): boolean {
  return ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name));
}

function freshnessFor(
  { route }: Exchange,
  head: ResponseHead,
  directives: Directives,
  isOwn: boolean,
  now: number,
): Freshness {
  const { ttl } = route.store!;
  const said = freshnessOf(
    { directives, expires: head.get('expires'), date: head.get('date'), age: head.get('age') },
    now,
  );
  // A grace the application asked for allows use after a failure, unless the response forbids any (RFC 9111 section 4.2.4).
  const { lenience } = route.store!;
  if (isOwn) {
    const staleIfError = directives.has('stale-if-error') || !mayBeStale(directives) ? said.staleIfError : lenience;
    return { ...said, staleIfError, lifetime: Math.min(said.lifetime, ttl ?? Infinity) };
  }
  const terms: PolicyTerms = head.status >= 400 ? route.errors.get(head.status)! : route;
  const lifetime = (head.status >= 400 ? undefined : ttl) ?? terms.sMaxAge ?? terms.maxAge ?? 0;
  const { staleWhileRevalidate = 0, staleIfError = route.mustRevalidate ? 0 : lenience } = terms;
  return { lifetime, age: 0, staleWhileRevalidate, staleIfError };
}

/** Identity-coded bytes are stored, and compressed again on their way out: the coding is no property of what is stored. */
function isCodingOnly(name: string, head: ResponseHead): boolean {
  return name === 'accept-encoding' && head.get('content-encoding') === undefined;
}

function fieldsOf({ before }: Exchange, head: ResponseHead, now: number): readonly StoredField[] {
  // Set here and not by the server, so that the response that is sent now and those that are replayed tell the same time.
  if (head.get('date') === undefined) head.set('Date', formatHttpDate(now));
  return storedFields(before, head.fields()).filter(([name]) => name !== 'content-length');
}

function dateOf(head: ResponseHead, now: number): number | undefined {
  const text = combined(head.get('last-modified'));
  return text === undefined ? undefined : parseHttpDate(text, now);
}
