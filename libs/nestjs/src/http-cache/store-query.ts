import type { ExecutionContext } from '@nestjs/common';
import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import { mixDigest } from './entity-tag.js';
import type { Exchange } from './exchange.js';
import { fieldsKey, guardKey, representationKey, resourceTag, type KeyParts } from './representation-key.js';
import { isKeyedByUser, type RoutePolicy, type StorePolicy } from './route-policy.js';
import { nominatedValue, parseVary } from './vary.js';

/** How a request is looked up, or why it is not. */
export type KeyedRequest =
  { readonly key: string; readonly parts: KeyParts; readonly varies: boolean } | { readonly bypass: string };

/**
 * The key of a request. A request with credentials has none, unless its responses are keyed by user (`store.by` with scope `'private'`) or
 * said to be the same for everybody: it is neither answered from the store nor stored (RFC 9111 section 3.5, and stricter).
 */
export function keyOf(exchange: Exchange, context: ExecutionContext, existingVary: string | undefined): KeyedRequest {
  const { request, route, settings, identity } = exchange;
  const store = route.store!;
  if (identity !== undefined && !route.shareAuthenticated && !isKeyedByUser(route)) return { bypass: identity };
  // What does not exist has no stored response, whatever was stored when it did.
  if (exchange.validators?.exists === false) return { bypass: 'absent' };
  const by = ownerOf(exchange, context);
  if (by === undefined) return { bypass: 'by' };
  // What middleware varies by already, such as Origin for CORS.
  const existing = parseVary(existingVary);
  if (existing === '*') return { bypass: 'vary' };
  const added = existing.filter((name) => name !== 'accept-encoding');
  exchange.keyed = added.length === 0 ? route.vary : [...new Set([...route.vary, ...added])];
  const parts: KeyParts = {
    salt: settings.salt,
    handler: route.handler,
    host: request.host,
    target: request.target,
    routed: request.routed === request.target ? '' : request.routed,
    query: store.query,
    version: exchange.validators?.etag ?? '',
    guard: guardKey(settings.unkeyedGuard, request.fields),
    by,
    vary: exchange.keyed.length === 0 ? '' : fieldsKey(exchange.keyed.map((name) => keyedValue(exchange, name))),
  };
  return { key: representationKey(parts), parts, varies: parts.guard !== '' || parts.vary !== '' };
}

/**
 * What `store.by` says, as a part of the key; undefined where it names nobody. Everybody for whom it said the same thing by mistake
 * (`[object Promise]`, `NaN`) would get each other's responses.
 * @throws CacheConfigError for anything but a text, a number, null and undefined
 */
function ownerOf(exchange: Exchange, context: ExecutionContext): string | undefined {
  const { by } = exchange.route.store ?? {};
  if (by === undefined) return '';
  exchange.owner ??= { part: ownerPart(by(context), exchange.route) };
  return exchange.owner.part;
}

function ownerPart(by: unknown, route: RoutePolicy): string | undefined {
  if (by === undefined || by === null || Number.isNaN(by)) return undefined;
  if (by === '') return isKeyedByUser(route) ? undefined : '';
  if (typeof by === 'number' || typeof by === 'bigint') return `#${by}`;
  if (typeof by !== 'string') throw new CacheConfigError(messages.httpBy(route.handler.split(' ', 1)[0], by));
  // As JSON it holds no control character that could end the part.
  return JSON.stringify(by);
}

function keyedValue({ request, route }: Exchange, name: string): string | null {
  const normalize = route.normalizers.get(name);
  const value = nominatedValue(request.fields, name);
  return normalize === undefined ? value : normalize(value ?? undefined);
}

/**
 * What the entity tag of a version depends on besides: the release, the variant (RFC 9110 section 8.8.3.3), and whose it is. Two users of
 * one browser may both have a version 1, and neither is to be told that the other one's page is still good.
 */
export function mixOf(exchange: Exchange, context: ExecutionContext): string {
  const { route, settings } = exchange;
  const owner = ownerOf(exchange, context) ?? '';
  if (route.vary.length === 0 && owner === '') return settings.mix;
  return mixDigest(fieldsKey([settings.salt, owner, ...route.vary.map((name) => keyedValue(exchange, name))]));
}

export const NO_TAGS: readonly string[] = [];

/** Whether tags are made from what the handler returns: a function of two parameters. */
export function needsResult(tags: RoutePolicy['tags']): boolean {
  return typeof tags === 'function' && tags.length > 1;
}

/** Tags of the response: the route's, and with a store that of its URL. Those made from the result wait until there is one. */
export function tagsOf({ route, request }: Exchange, context: ExecutionContext, result?: unknown): readonly string[] {
  const { tags } = route;
  const waits = result === undefined && needsResult(tags);
  const own = typeof tags !== 'function' ? (tags ?? NO_TAGS) : waits ? NO_TAGS : tags(context, result);
  return route.store === undefined ? own : [...new Set(own), resourceTag(request.host, request.target)];
}

/** How long a variant may live, and so be counted, ms. */
export function variantWindow(route: RoutePolicy, store: StorePolicy): number {
  return (store.ttl ?? route.sMaxAge ?? route.maxAge ?? DEFAULT_WINDOW) + store.grace;
}

const DEFAULT_WINDOW = 60_000;
