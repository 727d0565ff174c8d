import {
  Inject,
  Injectable,
  PreconditionFailedException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import { Exchange } from './exchange.js';
import type { ResourceVersion } from './http-cache-options.js';
import { HttpCacheEngine } from './http-cache-engine.js';
import { HttpRoutes, type HttpRoute } from './http-routes.js';
import { identityOf } from './identity.js';
import type { HttpPlatform } from './platform.js';
import { evaluatePreconditions, isConditional } from './preconditions.js';
import { answer, handle, type Intercepted, type Reading } from './reading.js';
import { checkExpectations, write } from './request-writes.js';
import type { RoutePolicy } from './route-policy.js';
import { mixOf, needsResult, tagsOf } from './store-query.js';
import { StoredReading } from './stored-reading.js';
import { validatorsOf } from './version.js';

/** Methods that change nothing (RFC 9110 section 9.2.1, RFC 10008); every other one is taken to, known or not. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);
/** @throws CacheConfigError where `if` gives no boolean: a promise is never false */
function takesPart({ condition, handler }: RoutePolicy, context: ExecutionContext): boolean {
  const said: unknown = condition?.(context) ?? true;
  if (typeof said === 'boolean') return said;
  throw new CacheConfigError(messages.httpIf(handler.split(' ', 1)[0], said));
}

/** Requests that an interceptor of an outer scope has taken already. */
const TAKEN = Symbol('strata.taken');

/**
 * Answers conditional requests and stored responses before pipes and handler run, and commits what handlers answer: see `@HttpCache`.
 * Guards have run by then. Other contexts than HTTP, and handlers nobody decorated, pass through.
 */
@Injectable()
export class HttpCacheInterceptor implements NestInterceptor {
  readonly #engine: HttpCacheEngine;
  readonly #routes: HttpRoutes;
  readonly #stored: StoredReading | undefined;

  constructor(
    @Inject(HttpCacheEngine) engine: HttpCacheEngine,
    @Inject(HttpRoutes) routes: HttpRoutes,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.#engine = engine;
    this.#routes = routes;
    this.#stored = engine.store === undefined ? undefined : new StoredReading(engine.store, host);
  }

  intercept(context: ExecutionContext, next: CallHandler): Intercepted {
    const platform = context.getType() === 'http' ? this.#engine.platform : undefined;
    if (platform === undefined) return next.handle();
    const route = this.#routes.of(context.getClass(), context.getHandler() as () => unknown);
    const request = context.switchToHttp().getRequest<{ method: string; [TAKEN]?: true }>();
    if (route.untouched || request[TAKEN] === true) return next.handle();
    request[TAKEN] = true;
    const { method } = request;
    const { policy } = route;
    if (method === 'GET' || method === 'HEAD') {
      return policy !== undefined && takesPart(policy, context)
        ? this.#read(platform, context, next, route)
        : next.handle();
    }
    const concerned = this.#routes.stores || route.precondition !== undefined || policy !== undefined;
    return SAFE.has(method) || !concerned ? next.handle() : this.#write(platform, context, next, route);
  }

  #write(platform: HttpPlatform, context: ExecutionContext, next: CallHandler, route: HttpRoute): Intercepted {
    const engine = this.#engine;
    const view = platform.view(context.switchToHttp().getRequest());
    if (route.precondition === undefined) return write(engine, platform, context, next, route, view);
    return checkExpectations(engine, context, route, view).then(() =>
      write(engine, platform, context, next, route, view),
    );
  }

  #read(platform: HttpPlatform, context: ExecutionContext, next: CallHandler, route: HttpRoute): Intercepted {
    const { settings, clock, onOutcome } = this.#engine;
    const http = context.switchToHttp();
    const view = platform.view(http.getRequest());
    const exchange = new Exchange(view, route.policy!, settings, clock);
    exchange.identity = identityOf(settings.identity, view.fields, view.native);
    exchange.onOutcome = onOutcome;
    if (route.policy!.tags !== undefined) exchange.warn = (warning) => this.#engine.warn(route.site, warning);
    const head = platform.hook(http.getResponse(), exchange);
    const reading: Reading = { platform, context, next, route, exchange, head };
    const { version } = route.policy!;
    if (version === undefined || !route.replaceable) return this.#select(reading);
    const said = version(context);
    return said instanceof Promise ? said.then((known) => this.#compare(reading, known)) : this.#compare(reading, said);
  }

  /** The version is known: a condition that it answers needs nothing else (RFC 9110 section 13.2.1: after guards, before the work). */
  #compare(reading: Reading, version: ResourceVersion): Intercepted {
    const { exchange } = reading;
    const { request, route, clock } = exchange;
    const validators = validatorsOf(
      version,
      mixOf(exchange, reading.context),
      route.etag === 'strong' ? 'strong' : 'weak',
    );
    exchange.validators = validators;
    if (validators.exists && isConditional(request)) {
      const verdict = evaluatePreconditions(
        { method: request.method, fields: request.fields, now: clock.wall() },
        validators,
      );
      if (verdict === 412) throw new PreconditionFailedException();
      if (verdict === 304) {
        exchange.verdict = 304;
        // Without a result not all are known; a cache keeps those it has where the 304 names none (RFC 9111 section 3.2).
        exchange.tags = needsResult(route.tags) ? [] : tagsOf(exchange, reading.context);
        return answer(reading, 304);
      }
    }
    return this.#select(reading);
  }

  #select(reading: Reading): Intercepted {
    const { exchange, route, context } = reading;
    if (exchange.route.store !== undefined && route.replaceable && this.#stored !== undefined) {
      return this.#stored.select(reading);
    }
    exchange.tags = tagsOf(exchange, context);
    return handle(reading);
  }
}
