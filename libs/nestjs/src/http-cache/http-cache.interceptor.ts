import type { Server } from 'node:http';
import {
  GatewayTimeoutException,
  HttpException,
  Inject,
  Injectable,
  Optional,
  PreconditionFailedException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { concatMap, map, of, type Observable } from 'rxjs';
import { refuse, ttlOf } from './commit.js';
import { matchesVersion } from './entity-tag.js';
import { Exchange, type RequestView } from './exchange.js';
import { combined } from './field.js';
import { HttpCacheEngine } from './http-cache-engine.js';
import { HttpRoutes, type HttpRoute } from './http-routes.js';
import { identityOf } from './identity.js';
import { evaluatePreconditions, isConditional, saysWhatItExpects } from './preconditions.js';
import { reenter, snapshotOf, ticketOf } from './reentry.js';
import { acceptsVariant, requestWish } from './request-wish.js';
import type { ResponseHead } from './response-head.js';
import type { StoreAnswer } from './response-store.js';
import { resourceKey, variantKey } from './representation-key.js';
import { isKeyedByUser } from './route-policy.js';
import { keyOf, mixOf, needsResult, tagsOf, variantWindow, type KeyedRequest } from './store-query.js';
import type { StoredVariant } from './stored-response.js';
import { strongValidatorsOf, validatorsOf } from './version.js';

/** Methods that change nothing (RFC 9110 section 9.2.1, RFC 10008); every other one is taken to, known or not. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);
/** Requests that an interceptor of an outer scope has taken already. */
const TAKEN = Symbol('strata.taken');

const PRECONDITION_REQUIRED = 428;

/** What a request is worked on with. */
interface Reading {
  readonly context: ExecutionContext;
  readonly next: CallHandler;
  readonly route: HttpRoute;
  readonly exchange: Exchange;
  readonly head: ResponseHead;
}

/**
 * Answers conditional requests and stored responses before pipes and handler run, and commits what handlers answer: see `@HttpCache`.
 * Guards have run by then. Other contexts than HTTP, and handlers nobody decorated, pass through.
 */
@Injectable()
export class HttpCacheInterceptor implements NestInterceptor {
  readonly #engine: HttpCacheEngine;
  readonly #routes: HttpRoutes;
  readonly #host: HttpAdapterHost;

  constructor(
    @Inject(HttpCacheEngine) engine: HttpCacheEngine,
    @Inject(HttpRoutes) routes: HttpRoutes,
    @Optional() @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.#engine = engine;
    this.#routes = routes;
    this.#host = host;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const platform = context.getType() === 'http' ? this.#engine.platform : undefined;
    if (platform === undefined) return next.handle();
    const route = this.#routes.of(context.getClass(), context.getHandler() as () => unknown);
    const { policy, precondition } = route;
    const request = context.switchToHttp().getRequest<{ method: string; [TAKEN]?: true }>();
    if (route.untouched || request[TAKEN] === true) return next.handle();
    request[TAKEN] = true;
    const { method } = request;
    if (method === 'GET' || method === 'HEAD') {
      const takesPart = policy !== undefined && policy.condition?.(context) !== false;
      return takesPart ? this.#read(context, next, route) : next.handle();
    }
    if (SAFE.has(method)) return next.handle();
    const view = platform.view(request);
    const allowed = precondition === undefined ? undefined : this.#mayWrite(context, route, view);
    const write = (): Observable<unknown> => this.#write(context, next, route, view);
    return allowed === undefined ? write() : allowed.then(write);
  }

  #read(
    context: ExecutionContext,
    next: CallHandler,
    route: HttpRoute,
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const platform = this.#engine.platform!;
    const { settings, clock } = this.#engine;
    const http = context.switchToHttp();
    const view = platform.view(http.getRequest());
    const exchange = new Exchange(view, route.policy!, settings, clock);
    exchange.identity = identityOf(settings.identity, view.fields, view.native);
    exchange.onOutcome = this.#engine.onOutcome;
    const head = platform.hook(http.getResponse(), exchange);
    const reading: Reading = { context, next, route, exchange, head };
    const { version } = route.policy!;
    if (version === undefined || !route.replaceable) return this.#select(reading);
    const said = version(context);
    return said instanceof Promise ? said.then((known) => this.#compare(reading, known)) : this.#compare(reading, said);
  }

  /** The version is known: a condition that it answers needs nothing else (RFC 9110 section 13.2.1: after guards, before the work). */
  #compare(
    reading: Reading,
    version: Parameters<typeof validatorsOf>[0],
  ): Observable<unknown> | Promise<Observable<unknown>> {
    const { exchange } = reading;
    const { request, route, clock } = exchange;
    const validators = validatorsOf(version, mixOf(exchange), route.etag === 'strong' ? 'strong' : 'weak');
    exchange.validators = validators;
    if (validators.exists && isConditional(request)) {
      const verdict = evaluatePreconditions({ ...request, now: clock.wall() }, validators);
      if (verdict === 412) throw new PreconditionFailedException();
      if (verdict === 304) {
        exchange.verdict = 304;
        // Without a result not all are known; a cache keeps those it has where the 304 names none (RFC 9111 section 3.2).
        exchange.tags = needsResult(route.tags) ? [] : tagsOf(exchange, reading.context);
        return this.#answer(reading, 304);
      }
    }
    return this.#select(reading);
  }

  #select(reading: Reading): Observable<unknown> | Promise<Observable<unknown>> {
    const { exchange, route, context, head } = reading;
    const { request } = exchange;
    const stored = exchange.route.store !== undefined && route.replaceable;
    if (!stored) {
      exchange.tags = tagsOf(exchange, context);
      return this.#handle(reading);
    }
    const keyed = keyOf(exchange, context, combined(head.get('vary')));
    if ('bypass' in keyed) return this.#bypass(reading, keyed.bypass);
    const ticket = ticketOf(this.#engine.platform!.rawRequest(request.native));
    if (ticket !== undefined) {
      exchange.capture = ticket;
      return this.#lead(reading);
    }
    const store = this.#engine.store!;
    const peeked = store.peek(keyed.key, request.fields);
    if (peeked !== undefined && this.#isAcceptable(exchange, peeked)) return this.#hit(reading, peeked, false, false);
    return this.#find(reading, keyed);
  }

  async #find(reading: Reading, keyed: Exclude<KeyedRequest, { bypass: string }>): Promise<Observable<unknown>> {
    const { exchange } = reading;
    const { request, route, clock } = exchange;
    const engine = this.#engine;
    const store = route.store!;
    const platform = engine.platform!;
    const wish = requestWish(request.fields, exchange.settings.honorRequestDirectives);
    const raw = platform.rawRequest(request.native);
    const server = this.#host.httpAdapter.getHttpServer() as Server;
    const query = {
      key: keyed.key,
      fields: request.fields,
      grace: store.grace,
      wait: store.wait,
      maxVariants: store.maxVariants,
      reenter: () => reenter(server, snapshotOf(raw, request.target)),
    };
    const responses = engine.store!;
    if (wish.onlyIfCached) {
      const found = await responses.findFresh(query);
      if (found !== undefined && this.#isAcceptable(exchange, found)) return this.#hit(reading, found, false, false);
      throw new GatewayTimeoutException(); // RFC 9111 section 5.2.1.7
    }
    if (request.method === 'HEAD') {
      const found = await responses.findFresh(query);
      if (found !== undefined && this.#isAcceptable(exchange, found)) return this.#hit(reading, found, false, false);
      return this.#bypass(reading, 'method', 'method');
    }
    const window = variantWindow(route, store);
    if (
      keyed.varies &&
      !responses.variants.admits(
        resourceKey(keyed.parts),
        variantKey(keyed.parts),
        store.maxVariants,
        clock.wall(),
        window,
      )
    ) {
      return this.#bypass(reading, 'variants');
    }
    const answer = await responses.find(query);
    if (answer.kind === 'hit' && !this.#isAcceptable(exchange, answer.variant)) {
      return this.#answered(reading, await responses.replace(query));
    }
    return this.#answered(reading, answer);
  }

  #answered(reading: Reading, answer: StoreAnswer): Observable<unknown> {
    const { exchange } = reading;
    switch (answer.kind) {
      case 'hit':
        return this.#hit(reading, answer.variant, answer.stale, answer.collapsed);
      case 'lead':
        exchange.capture = answer.capture;
        exchange.fallback = answer.fallback;
        exchange.cacheStatus = { forward: answer.reason };
        return this.#lead(reading);
      default:
        return this.#bypass(reading, answer.reason);
    }
  }

  /** Whether a stored variant is of the version that is current, and good enough for this request. */
  #isAcceptable(exchange: Exchange, variant: StoredVariant): boolean {
    const { validators, request, settings, clock } = exchange;
    if (validators !== undefined && (!validators.exists || validators.etag !== variant.version)) return false;
    if (request.fields['authorization'] !== undefined && !variant.forAuthenticated && !isKeyedByUser(exchange.route)) {
      return false; // RFC 9111 section 3.5
    }
    return !settings.honorRequestDirectives || acceptsVariant(requestWish(request.fields, true), variant, clock.wall());
  }

  #hit(reading: Reading, variant: StoredVariant, stale: boolean, collapsed: boolean): Observable<unknown> {
    const { exchange } = reading;
    const ttl = ttlOf(exchange, variant);
    // Collapsed: it waited for another request's run of the handler (RFC 9211 section 2.6).
    const status = collapsed
      ? ({ forward: 'uri-miss', collapsed: true, ttl } as const)
      : { hit: true, ttl: stale ? Math.min(ttl, -1) : ttl };
    exchange.answer = { variant, status };
    return this.#answer(reading, variant.status);
  }

  /** Nest replies with what we emit, and the commit puts the answer in its place; where Nest does not reply, we do. */
  #answer({ context, route, head }: Reading, status: number): Observable<unknown> {
    head.status = status;
    if (route.manual) this.#engine.platform!.end(context.switchToHttp().getResponse(), status);
    return of(undefined);
  }

  #bypass(reading: Reading, detail: string, forward: 'bypass' | 'method' = 'bypass'): Observable<unknown> {
    const { exchange, context } = reading;
    exchange.cacheStatus = { forward, detail };
    exchange.tags = tagsOf(exchange, context);
    return this.#handle(reading);
  }

  #lead(reading: Reading): Observable<unknown> {
    const { exchange, head, context } = reading;
    const response = this.#engine.platform!.rawResponse(context.switchToHttp().getResponse());
    // A client that went away, a socket taken over: there will be no response to commit.
    response.once('close', () => refuse(exchange, 'closed', true));
    exchange.before = head.fields();
    try {
      exchange.tags = tagsOf(exchange, context);
    } catch (error) {
      refuse(exchange, 'tags', true);
      throw error;
    }
    return this.#handle(reading);
  }

  /** Runs the handler; tags that are made from its result are known then. */
  #handle({ exchange, next, context }: Reading): Observable<unknown> {
    const handled = next.handle();
    if (!needsResult(exchange.route.tags)) return handled;
    return handled.pipe(
      map((value: unknown) => {
        exchange.tags = tagsOf(exchange, context, value);
        return value;
      }),
    );
  }

  /** @throws 412 when what the client expects does not hold, 428 when it was to say so and did not */
  async #mayWrite(context: ExecutionContext, { site, precondition }: HttpRoute, request: RequestView): Promise<void> {
    const { version, required = false, onFailed } = precondition!;
    if (!saysWhatItExpects(request.fields)) {
      // RFC 6585 section 3
      if (required) throw new HttpException('This request must be conditional: send If-Match.', PRECONDITION_REQUIRED);
      return;
    }
    const state = strongValidatorsOf(site, await version(context));
    const verdict = evaluatePreconditions(
      { ...request, now: this.#engine.clock.wall(), matches: matchesVersion },
      state,
    );
    if (verdict === 'proceed' || (await onFailed?.(context)) === true) return;
    // Nothing is hooked yet that would count it.
    this.#engine.onOutcome?.('412', 'write');
    throw new PreconditionFailedException();
  }

  /** A write that succeeded invalidates what is stored of its URL, before its response tells anyone (RFC 9111 section 4.4). */
  #write(context: ExecutionContext, next: CallHandler, route: HttpRoute, request: RequestView): Observable<unknown> {
    const takesPart = this.#routes.stores || route.precondition !== undefined || route.policy !== undefined;
    if (!takesPart) return next.handle();
    const platform = this.#engine.platform!;
    const response: unknown = context.switchToHttp().getResponse();
    const exchange = new Exchange(request, this.#engine.writing, this.#engine.settings, this.#engine.clock);
    exchange.onOutcome = this.#engine.onOutcome;
    const head = platform.hook(response, exchange);
    const done = (status: number): boolean => status >= 200 && status < 400;
    const invalidate = (): Promise<void> => this.#engine.invalidateWritten(request, head);
    if (route.manual || !route.replaceable) {
      exchange.onSent = (status) => {
        if (done(status)) this.#engine.detach(invalidate);
      };
      return next.handle();
    }
    return next.handle().pipe(
      concatMap(async (value: unknown) => {
        if (done(head.status)) await invalidate();
        return value;
      }),
    );
  }
}
