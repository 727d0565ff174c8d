import { PreconditionFailedException, type ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import { Exchange } from './exchange.js';
import type { HttpCacheEngine } from './http-cache-engine.js';
import type { ResourceVersion } from './http-cache-options.js';
import type { HttpRoute } from './http-routes.js';
import { identityOf } from './identity.js';
import type { HttpPlatform } from './platform.js';
import { evaluatePreconditions, hasCurrent, isConditional } from './preconditions.js';
import type { Decision, Reading } from './reading.js';
import type { RoutePolicy } from './route-policy.js';
import { mixOf, needsResult, NO_TAGS, tagsOf } from './store-query.js';
import { StoredReading } from './stored-reading.js';
import { validatorsOf } from './version.js';

/**
 * Whether a request takes part, as `if` says.
 * @throws CacheConfigError where it gives no boolean: a promise is never false
 */
export function takesPart({ condition, handler }: RoutePolicy, context: ExecutionContext): boolean {
  const said: unknown = condition?.(context) ?? true;
  if (typeof said === 'boolean') return said;
  throw new CacheConfigError(messages.httpIf(handler.split(' ', 1)[0], said));
}

/** Decides what a GET or HEAD is answered with before its handler runs. Knows nothing of interceptors. */
export class Reader {
  readonly #engine: HttpCacheEngine;
  readonly #stored: StoredReading | undefined;

  constructor(engine: HttpCacheEngine, host: HttpAdapterHost) {
    this.#engine = engine;
    this.#stored = engine.store === undefined ? undefined : new StoredReading(engine.store, host);
  }

  /** From here on the response is ours to commit, whoever sends it. */
  open(
    platform: HttpPlatform,
    context: ExecutionContext,
    route: HttpRoute,
    request: object,
    response: object,
  ): Reading {
    const { settings, clock, onOutcome } = this.#engine;
    const view = platform.view(request);
    const exchange = new Exchange(view, route.policy!, settings, clock);
    exchange.identity = identityOf(settings.identity, view.fields, view.native);
    exchange.onOutcome = onOutcome;
    if (route.policy!.tags !== undefined) exchange.warn = (warning) => this.#engine.warn(route.site, warning);
    return { platform, context, route, exchange, head: platform.hook(response, exchange) };
  }

  /**
   * @throws PreconditionFailedException for 412, GatewayTimeoutException for 504, and whatever functions of the application throw
   */
  decide(reading: Reading): Decision | Promise<Decision> {
    const { route, context } = reading;
    const { version } = route.policy!;
    if (version === undefined || !route.replaceable) return this.#select(reading);
    const said = version(context);
    return said instanceof Promise ? said.then((known) => this.#compare(reading, known)) : this.#compare(reading, said);
  }

  /** The version is known: a condition that it answers needs nothing else (RFC 9110 section 13.2.1: after guards, before the work). */
  #compare(reading: Reading, version: ResourceVersion): Decision | Promise<Decision> {
    const { exchange } = reading;
    const { request, route, clock } = exchange;
    const validators = validatorsOf(
      version,
      mixOf(exchange, reading.context),
      route.etag === 'strong' ? 'strong' : 'weak',
    );
    exchange.validators = validators;
    if (validators.exists && isConditional(request)) {
      const verdict = hasCurrent(request, validators.etag)
        ? 304
        : evaluatePreconditions({ method: request.method, fields: request.fields, now: clock.wall() }, validators);
      if (verdict === 412) throw new PreconditionFailedException();
      if (verdict === 304) {
        exchange.verdict = 304;
        // Without a result not all are known; a cache keeps those it has where the 304 names none (RFC 9111 section 3.2).
        exchange.tags = needsResult(route.tags) ? NO_TAGS : tagsOf(exchange, reading.context);
        return 304;
      }
    }
    return this.#select(reading);
  }

  #select(reading: Reading): Decision | Promise<Decision> {
    const { exchange, route, context } = reading;
    if (exchange.route.store !== undefined && route.replaceable && this.#stored !== undefined) {
      return this.#stored.select(reading);
    }
    exchange.tags = tagsOf(exchange, context);
    return undefined;
  }
}
