import type { IncomingMessage, Server } from 'node:http';
import { GatewayTimeoutException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { CLOSED } from './capture.js';
import { refuse, ttlOf } from './commit.js';
import type { Exchange } from './exchange.js';
import { combined } from './field.js';
import type { Decision, Reading } from './reading.js';
import { reenter, snapshotOf, ticketOf } from './reentry.js';
import { resourceKey, variantKey } from './representation-key.js';
import { acceptsVariant, maySpeakForAll, requestWish } from './request-wish.js';
import type { StoreQuery } from './response-fill.js';
import type { ResponseStore, StoreAnswer } from './response-store.js';
import { isKeyedByUser } from './route-policy.js';
import { keyOf, tagsOf, variantWindow, type KeyedRequest } from './store-query.js';
import type { StoredVariant } from './stored-response.js';

type Keyed = Exclude<KeyedRequest, { readonly bypass: string }>;

/** Requests to routes that store their responses: answered from the store, led for everyone who waits, or passed by it. */
export class StoredReading {
  readonly #store: ResponseStore;
  readonly #host: HttpAdapterHost;

  constructor(store: ResponseStore, host: HttpAdapterHost) {
    this.#store = store;
    this.#host = host;
  }

  select(reading: Reading): Decision | Promise<Decision> {
    const { exchange, context, head, platform } = reading;
    const { request } = exchange;
    const keyed = keyOf(exchange, context, combined(head.get('vary')));
    if ('bypass' in keyed) return bypass(reading, keyed.bypass);
    const ticket = ticketOf(platform.rawRequest(request.native));
    if (ticket !== undefined) {
      if (ticket.key !== keyed.key) return bypass(reading, 'moved');
      exchange.capture = ticket.capture;
      return lead(reading);
    }
    const peeked = this.#store.peek(keyed.key, request.fields);
    if (peeked !== undefined && isAcceptable(exchange, peeked)) return hit(reading, peeked, false, false);
    return this.#find(reading, keyed);
  }

  async #find(reading: Reading, keyed: Keyed): Promise<Decision> {
    const { exchange } = reading;
    const { request, settings } = exchange;
    const query = this.#queryOf(reading, keyed.key);
    const { onlyIfCached } = requestWish(request.fields, settings.honorRequestDirectives);
    if (onlyIfCached || request.method === 'HEAD') {
      const found = await this.#store.findFresh(query);
      if (found !== undefined && isAcceptable(exchange, found)) return hit(reading, found, false, false);
      // RFC 9111 section 5.2.1.7
      if (onlyIfCached) throw new GatewayTimeoutException();
      return bypass(reading, 'method', 'method');
    }
    if (keyed.varies && !this.#admits(exchange, keyed)) return bypass(reading, 'variants');
    const found = await this.#store.find(query);
    const isGood = found.kind !== 'hit' || isAcceptable(exchange, found.variant);
    return answered(reading, isGood ? found : await this.#store.replace(query));
  }

  #admits({ route, clock }: Exchange, { parts }: Keyed): boolean {
    const store = route.store!;
    const window = variantWindow(route, store);
    return this.#store.variants.admits(resourceKey(parts), variantKey(parts), store.maxVariants, clock.wall(), window);
  }

  #queryOf({ exchange, platform }: Reading, key: string): StoreQuery {
    const { request, route } = exchange;
    const { grace, wait, maxVariants } = route.store!;
    const raw = platform.rawRequest(request.native);
    const server = serverOf(raw) ?? (this.#host.httpAdapter.getHttpServer() as Server);
    const again = (): ReturnType<typeof reenter> =>
      reenter(server, snapshotOf(raw, request.target), key, exchange.clock);
    const leads = maySpeakForAll(request.fields);
    return { key, fields: request.fields, grace, wait, maxVariants, leads, reenter: again };
  }
}

/** The server a request came through: not Nest's own where the application is mounted in another one, with paths of its own. */
function serverOf(raw: IncomingMessage): Server | undefined {
  const { server } = raw.socket as typeof raw.socket & { readonly server?: Server };
  return server !== undefined && server.listenerCount('request') > 0 ? server : undefined;
}

function answered(reading: Reading, found: StoreAnswer): Decision {
  const { exchange } = reading;
  switch (found.kind) {
    case 'hit':
      return hit(reading, found.variant, found.stale, found.collapsed);
    case 'lead':
      exchange.capture = found.capture;
      exchange.fallback = found.fallback;
      exchange.cacheStatus = { forward: found.reason };
      return lead(reading);
    default:
      return bypass(reading, found.reason);
  }
}

/** Whether a stored variant is good enough for this request. */
function isAcceptable({ request, route, settings, clock }: Exchange, variant: StoredVariant): boolean {
  const { fields } = request;
  // RFC 9111 section 3.5
  if (fields['authorization'] !== undefined && !variant.forAuthenticated && !isKeyedByUser(route)) return false;
  return !settings.honorRequestDirectives || acceptsVariant(requestWish(fields, true), variant, clock.wall());
}

function hit(reading: Reading, variant: StoredVariant, stale: boolean, collapsed: boolean): number {
  const { exchange } = reading;
  const ttl = ttlOf(exchange, variant);
  // Collapsed: it waited for another request's run of the handler (RFC 9211 section 2.6).
  const status = collapsed
    ? ({ forward: 'uri-miss', collapsed: true, ttl } as const)
    : { hit: true, ttl: stale ? Math.min(ttl, -1) : ttl };
  exchange.answer = { variant, status };
  return variant.status;
}

function bypass(reading: Reading, detail: string, forward: 'bypass' | 'method' = 'bypass'): undefined {
  const { exchange, context } = reading;
  exchange.cacheStatus = { forward, detail };
  exchange.tags = tagsOf(exchange, context);
}

function lead(reading: Reading): undefined {
  const { exchange, head, context, platform } = reading;
  const response = platform.rawResponse(context.switchToHttp().getResponse());
  // A client that went away, a socket taken over: there will be no response to commit.
  const close = (): void => refuse(exchange, CLOSED, true);
  // It may have gone while a version or the store was asked: it will not say so again, and nobody should wait for it.
  if (response.destroyed) close();
  else response.once('close', close);
  exchange.before = head.fields();
  try {
    exchange.tags = tagsOf(exchange, context);
  } catch (error) {
    refuse(exchange, 'tags', true);
    throw error;
  }
}
