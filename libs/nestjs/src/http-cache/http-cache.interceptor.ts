import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { of, type Observable } from 'rxjs';
import { HttpCacheEngine } from './http-cache-engine.js';
import { HttpRoutes, type HttpRoute } from './http-routes.js';
import type { HttpPlatform } from './platform.js';
import { Reader, takesPart } from './reader.js';
import { handle, type Decision, type Intercepted, type Reading } from './reading.js';
import { checkExpectations, write } from './request-writes.js';

/** Methods that change nothing (RFC 9110 section 9.2.1, RFC 10008); every other one is taken to, known or not. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);

/** Where the interceptor goes on with a request that came by ahead of the pipeline. */
export type Resumed =
  /** Nothing was done. */
  | 'untouched'
  /** `if` says that it takes no part. */
  | 'passed'
  /** The handler runs. */
  | { readonly reading: Reading }
  /** For the filters of the application. */
  | { readonly error: unknown };

/** What has been done about a request; `true`: an interceptor of an outer scope has it. */
export const TAKEN = Symbol('strata.taken');
export type Taken = true | Resumed;

/** Sets fields again that Nest has set in between. */
export const AGAIN = Symbol('strata.again');

/** What Nest replies with where the commit puts the answer in its place. */
const NOTHING: Observable<unknown> = of(undefined);

/**
 * Answers conditional requests and stored responses before pipes and handler run, and commits what handlers answer: see `@HttpCache`.
 * Guards have run by then. Other contexts than HTTP, and handlers nobody decorated, pass through.
 */
@Injectable()
export class HttpCacheInterceptor implements NestInterceptor {
  readonly #engine: HttpCacheEngine;
  readonly #routes: HttpRoutes;
  readonly #reader: Reader;

  constructor(
    @Inject(HttpCacheEngine) engine: HttpCacheEngine,
    @Inject(HttpRoutes) routes: HttpRoutes,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
  ) {
    this.#engine = engine;
    this.#routes = routes;
    this.#reader = new Reader(engine, host);
  }

  intercept(context: ExecutionContext, next: CallHandler): Intercepted {
    const platform = context.getType() === 'http' ? this.#engine.platform : undefined;
    if (platform === undefined) return next.handle();
    const route = this.#routes.of(context.getClass(), context.getHandler() as () => unknown);
    const request = context.switchToHttp().getRequest<{ method: string; [TAKEN]?: Taken; [AGAIN]?: () => void }>();
    const taken = request[TAKEN];
    if (route.untouched || taken === true) return next.handle();
    request[TAKEN] = true;
    if (taken !== undefined && taken !== 'untouched') {
      request[AGAIN]?.();
      return resume(taken, next);
    }
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
    const http = context.switchToHttp();
    const reading = this.#reader.open(platform, context, route, http.getRequest(), http.getResponse());
    const decision = this.#reader.decide(reading);
    return decision instanceof Promise
      ? decision.then((status) => proceed(reading, status, next))
      : proceed(reading, decision, next);
  }
}

function proceed(reading: Reading, status: Decision, next: CallHandler): Observable<unknown> {
  if (status === undefined) return handle(reading, next);
  const { platform, context, route, head } = reading;
  head.status = status;
  // Nest replies with what is emitted, and the commit puts the answer in its place; where Nest does not reply, we do.
  if (route.manual) platform.end(context.switchToHttp().getResponse(), status);
  return NOTHING;
}

function resume(taken: Exclude<Resumed, 'untouched'>, next: CallHandler): Observable<unknown> {
  if (taken === 'passed') return next.handle();
  if ('error' in taken) throw taken.error;
  return handle(taken.reading, next);
}
