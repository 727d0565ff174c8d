import 'reflect-metadata';
import type { HttpServer } from '@nestjs/common';
import type { EarlyRoute, EarlyRoutes } from './early-routes.js';
import type { HttpCacheEngine } from './http-cache-engine.js';
import { AGAIN, TAKEN, type Resumed, type Taken } from './http-cache.interceptor.js';
import type { HttpRoute, HttpRoutes } from './http-routes.js';
import { takesPart, type Reader } from './reader.js';
import type { Decision, Reading } from './reading.js';
import { RouteContext } from './route-context.js';

interface Request {
  readonly method: string;
  [TAKEN]?: Taken;
  [AGAIN]?: () => void;
}
/** What is the same in the responses of both platforms. */
interface Response {
  statusCode: number;
  getHeader(name: string): unknown;
  removeHeader(name: string): unknown;
}
type RouteHandler = (request: Request, response: Response, next: unknown) => unknown;
type Register = (...args: unknown[]) => unknown;

/** Methods of an adapter by which routes of `GET` and `HEAD` are registered. */
const REGISTRARS = ['get', 'head', 'all'] as const;

/** Adapters that register the routes of an application at the moment. */
const installed = new WeakMap<object, EarlyAnswers>();

/**
 * Answers ahead of Nest's pipeline where nothing would run before our interceptor: middleware and hooks of the platform have run, guards
 * there are none. What needs the handler, and every error, goes through the pipeline, whose interceptor goes on where this has stopped: so
 * nothing is asked twice, and filters see what they would have seen.
 */
export class EarlyAnswers {
  readonly #engine: HttpCacheEngine;
  readonly #routes: HttpRoutes;
  readonly #reader: Reader;
  readonly #adapter: HttpServer;
  #early: EarlyRoutes | undefined;

  constructor(engine: HttpCacheEngine, routes: HttpRoutes, reader: Reader, adapter: HttpServer) {
    this.#engine = engine;
    this.#routes = routes;
    this.#reader = reader;
    this.#adapter = adapter;
  }

  /** Stands before the handlers that are registered until {@link finish}. */
  install(early: EarlyRoutes): void {
    const other = installed.get(this.#adapter);
    if (other !== undefined) {
      // Two applications on one adapter: whose route is registered nobody can tell.
      other.finish();
      return;
    }
    installed.set(this.#adapter, this);
    this.#early = early;
    const adapter = this.#adapter as unknown as Record<string, Register>;
    for (const name of REGISTRARS) {
      const register = adapter[name];
      adapter[name] = (...args) => register.apply(adapter, this.#withEarly(args));
    }
  }

  /** All routes are registered. */
  finish(): void {
    this.#early = undefined;
    if (installed.get(this.#adapter) === this) installed.delete(this.#adapter);
  }

  #withEarly(args: unknown[]): unknown[] {
    const handler = args[1];
    if (this.#early === undefined || args.length !== 2 || typeof handler !== 'function') return args;
    const { getOnRouteTriggered } = this.#adapter as { getOnRouteTriggered?: () => unknown };
    // Instrumentation that wants to hear of every route that is triggered.
    if (getOnRouteTriggered?.call(this.#adapter) !== undefined) return args;
    const route = this.#early.of(handler);
    return route === undefined ? args : [args[0], this.#before(handler as RouteHandler, route)];
  }

  #before(handler: RouteHandler, early: EarlyRoute): RouteHandler {
    let known: HttpRoute | undefined;
    const before: RouteHandler = (request, response, next) => {
      const { method } = request;
      // A route before this one has passed the request on, and what it has said of the response stands.
      const isTaken = request[TAKEN] !== undefined;
      if (isTaken || (method !== 'GET' && method !== 'HEAD')) return handler(request, response, next);
      const { statusCode } = response;
      const resumed = this.#answered(
        early,
        (known ??= this.#routes.of(early.type, early.handler)),
        request,
        response,
        next,
      );
      if (resumed === undefined) return undefined;
      const through = (taken: Resumed): unknown => {
        request[TAKEN] = taken;
        const again = this.#changed(early, response, statusCode);
        if (again !== undefined) request[AGAIN] = again;
        return handler(request, response, next);
      };
      // Fastify waits for what is returned, which is the reply once it is sent.
      if (resumed instanceof Promise) return resumed.then((late) => (late === undefined ? response : through(late)));
      return through(resumed);
    };
    return likeness(before, handler);
  }

  /**
   * The pipeline sets the status and the fields of `@Header()` after functions of the application were called: what those have put there
   * is set again behind it.
   */
  #changed({ headers }: EarlyRoute, response: Response, status: number): (() => void) | undefined {
    const { statusCode } = response;
    const now = headers.map(({ name }) => ({ name, value: response.getHeader(name) }));
    const isSame = statusCode === status && now.every(({ value }, index) => value === headers[index].value);
    if (isSame) return undefined;
    return () => {
      if (statusCode !== status) response.statusCode = statusCode;
      for (const { name, value } of now) {
        if (value === undefined) response.removeHeader(name);
        else this.#adapter.setHeader?.(response, name, value as string);
      }
    };
  }

  /** Undefined once answered; else where the interceptor goes on. Throws nothing. */
  #answered(
    { type, handler, headers }: EarlyRoute,
    route: HttpRoute,
    request: Request,
    response: object,
    next: unknown,
  ): Resumed | undefined | Promise<Resumed | undefined> {
    const { platform } = this.#engine;
    if (platform === undefined) return 'untouched';
    const { policy } = route;
    if (policy === undefined || route.manual || route.untouched || !route.replaceable) return 'untouched';
    try {
      for (const { name, value } of headers) this.#adapter.setHeader?.(response, name, value);
      const context = new RouteContext(type, handler, [request, response, next]);
      if (!takesPart(policy, context)) return 'passed';
      const reading = this.#reader.open(platform, context, route, request, response);
      const decision = this.#reader.decide(reading);
      return decision instanceof Promise
        ? decision.then((status) => send(reading, status, response)).catch(failure)
        : send(reading, decision, response);
    } catch (error) {
      return failure(error);
    }
  }
}

function send(reading: Reading, status: Decision, response: object): Resumed | undefined {
  if (status === undefined) return { reading };
  reading.head.status = status;
  reading.platform.answer(response, reading.head);
  return undefined;
}

function failure(error: unknown): Resumed {
  return { error };
}

/** Adapters read what they need to know of a route from its handler: properties, metadata and name. */
function likeness(copy: RouteHandler, handler: RouteHandler): RouteHandler {
  Object.assign(copy, handler);
  for (const key of Reflect.getMetadataKeys(handler) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, handler), copy);
  }
  Object.defineProperty(copy, 'name', { configurable: true, value: handler.name });
  return copy;
}
