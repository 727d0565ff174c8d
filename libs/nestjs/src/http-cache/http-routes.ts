import 'reflect-metadata';
import { Inject, Injectable, RequestMethod, VersioningType, type ExecutionContext } from '@nestjs/common';
import { ApplicationConfig, type DiscoveryService } from '@nestjs/core';
import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import { Controllers } from './controllers.js';
import { mixDigest } from './entity-tag.js';
import type { HttpCacheOptions, PreconditionOptions, ResourceVersion, VersionFunction } from './http-cache-options.js';
import { declaredOn } from './http-cache.decorators.js';
import { resolveRoutePolicy, type RoutePolicy } from './route-policy.js';

/** What is known of a handler. */
export interface HttpRoute {
  /** `Class.method`. */
  readonly site: string;
  readonly policy: RoutePolicy | undefined;
  readonly precondition: PreconditionOptions | undefined;
  /** The handler answers itself (`@Res()`, `@Next()`): Nest sends nothing in its place. */
  readonly manual: boolean;
  /** May be answered without running the handler. `@Redirect()` and `@Render()` ignore what an interceptor returns. */
  readonly replaceable: boolean;
  /** `@Sse()`: none of our business. */
  readonly untouched: boolean;
}

/**
 * Keys of Nest's route metadata. They are exported from `@nestjs/common/internal` only; `test/http/metadata.spec.ts` holds them against
 * real decorators.
 */
export const ROUTE_METADATA = {
  args: '__routeArguments__',
  passthrough: '__responsePassthrough__',
  redirect: '__redirect__',
  render: '__renderTemplate__',
  sse: '__sse__',
  method: 'method',
  path: 'path',
  version: '__version__',
} as const;

/** `RouteParamtypes.RESPONSE` and `NEXT`. */
const HANDLED_BY_ITSELF = /^(?:1|2):/;
/** A policy for handlers that nobody decorated, where a condition or an invalidation is all there is. */
const NONE = { scope: 'none' } as const;

type Type = abstract new (...args: any[]) => unknown;
type Handler = (...args: any[]) => unknown;

/** The routes of an application, resolved once per handler. */
@Injectable()
export class HttpRoutes {
  readonly #routes = new WeakMap<Handler, Map<Type, HttpRoute>>();
  readonly #config: ApplicationConfig;
  readonly #controllers: Controllers;
  #stores = false;
  #declared = 0;

  constructor(@Inject(ApplicationConfig) config: ApplicationConfig, @Inject(Controllers) controllers: Controllers) {
    this.#config = config;
    this.#controllers = controllers;
  }

  /** Whether any route stores responses. */
  get stores(): boolean {
    return this.#stores;
  }

  /** How many routes say how their responses may be cached. */
  get declared(): number {
    return this.#declared;
  }

  of(type: Type, handler: Handler): HttpRoute {
    let ofType = this.#routes.get(handler);
    if (ofType === undefined) this.#routes.set(handler, (ofType = new Map()));
    let route = ofType.get(type);
    if (route === undefined) ofType.set(type, (route = this.#resolve(type, handler)));
    return route;
  }

  /**
   * Looks at every route at boot, so that what contradicts itself never serves a request.
   * @throws CacheConfigError naming the handler
   */
  explore(discovery: DiscoveryService): void {
    for (const { metatype } of discovery.getControllers()) {
      if (typeof metatype !== 'function') continue;
      const type = metatype as unknown as Type;
      const routes = [...handlersOf(type.prototype as object).values()].map((handler) => this.of(type, handler));
      if (routes.some(({ policy }) => policy?.store !== undefined)) this.#stores = true;
      this.#declared += routes.filter(({ policy }) => policy !== undefined).length;
    }
  }

  #resolve(type: Type, handler: Handler): HttpRoute {
    const site = `${type.name}.${handler.name}`;
    const { cache, precondition } = declaredOn(type, handler);
    const options = cache === 'none' ? NONE : cache && withLockableTag(site, type, handler, cache);
    const policy = options && { ...resolveRoutePolicy(site, options), handler: handlerKey(site, type, handler) };
    const has = (key: string): boolean => Reflect.hasMetadata(key, handler);
    const ignored = [ROUTE_METADATA.redirect, ROUTE_METADATA.render].some(has);
    const untouched = has(ROUTE_METADATA.sse);
    const route: HttpRoute = {
      site,
      policy:
        policy === undefined ? undefined : this.#withVersionField(this.#withController(type, policy), type, handler),
      precondition: precondition === undefined ? undefined : this.#withController(type, precondition),
      manual: isManual(type, handler),
      replaceable: !ignored,
      untouched,
    };
    refuseMisplaced(route, handler, ignored || untouched);
    return route;
  }

  /** Hands `version` the controller besides: a decorator sees its class only. */
  #withController<Options extends { readonly version?: VersionFunction | undefined }>(
    type: Type,
    options: Options,
  ): Options {
    const { version } = options;
    if (version === undefined) return options;
    const withController = (context: ExecutionContext): ResourceVersion | Promise<ResourceVersion> => {
      const controller = this.#controllers.of(type, context);
      return controller instanceof Promise
        ? controller.then((instance: object) => version(context, instance))
        : version(context, controller);
    };
    return { ...options, version: withController };
  }

  #withVersionField(policy: RoutePolicy, type: Type, handler: Handler): RoutePolicy {
    const field = versionFieldOf(this.#config);
    // A default version is one of several at the same URL, too.
    const isVersioned =
      this.#config.getVersioning()?.defaultVersion !== undefined ||
      [type, handler].some((target) => Reflect.hasMetadata(ROUTE_METADATA.version, target));
    if (field === undefined || !isVersioned || policy.vary.includes(field)) return policy;
    return { ...policy, vary: [...policy.vary, field] };
  }
}

/** Classes of one name, such as those of two versions, have different routes. Short, for it is encoded with every key. */
function handlerKey(site: string, type: Type, handler: Handler): string {
  const said = [ROUTE_METADATA.version, ROUTE_METADATA.path].flatMap((key) =>
    [type, handler].map((target) => String(Reflect.getMetadata(key, target) ?? '')),
  );
  return `${site} ${mixDigest(said.join('\n'))}`;
}

/** Where the version of a route is taken from a field of the request, its answer depends on that field (RFC 9110 section 12.5.5). */
function versionFieldOf(config: ApplicationConfig): string | undefined {
  const versioning = config.getVersioning();
  if (versioning?.type === VersioningType.HEADER) return versioning.header.toLowerCase();
  return versioning?.type === VersioningType.MEDIA_TYPE ? 'accept' : undefined;
}

function isManual(type: Type, handler: Handler): boolean {
  const name = nameOf(type, handler) ?? handler.name;
  const args = Reflect.getMetadata(ROUTE_METADATA.args, type, name) as object | undefined;
  const takesResponse = Object.keys(args ?? {}).some((key) => HANDLED_BY_ITSELF.test(key));
  return takesResponse && Reflect.getMetadata(ROUTE_METADATA.passthrough, type, name) !== true;
}

function refuseMisplaced({ site, policy, precondition, manual }: HttpRoute, handler: Handler, ignored: boolean): void {
  if (ignored && (policy?.store !== undefined || precondition !== undefined)) {
    const what = policy?.store === undefined ? '@Precondition' : "'store'";
    throw new CacheConfigError(messages.httpMisplaced(site, what, '@Sse, @Render or @Redirect'));
  }
  if (manual && policy?.store?.manual === false) {
    throw new CacheConfigError(messages.httpMisplaced(site, "'store'", '@Res() or @Next() without passthrough'));
  }
  const method = Reflect.getMetadata(ROUTE_METADATA.method, handler) as RequestMethod | undefined;
  const reads = method === undefined || [RequestMethod.GET, RequestMethod.HEAD, RequestMethod.ALL].includes(method);
  if (!reads && policy?.store !== undefined) {
    throw new CacheConfigError(messages.httpMisplaced(site, "'store'", `a ${RequestMethod[method]} handler`));
  }
}

/** @throws CacheConfigError for weak tags where writers compare them; left open, they are strong there */
function withLockableTag(site: string, type: Type, handler: Handler, options: HttpCacheOptions): HttpCacheOptions {
  const { version, etag } = options;
  if (version === undefined || etag === 'strong' || !isLockedBy(type, handler, version)) return options;
  if (etag !== undefined) throw new CacheConfigError(messages.httpWeakPrecondition(site));
  return { ...options, etag: 'strong' };
}

/**
 * Whether writers compare the tags a handler gives: a `@Precondition` of its class stands on the same path, or asks the same `version`.
 * If-Match compares strongly, and a weak tag matches nothing: whoever was given one could never write (RFC 9110 section 8.8.3.2).
 */
function isLockedBy(type: Type, handler: Handler, version: VersionFunction): boolean {
  return [...handlersOf(type.prototype as object).values()].some((other) => {
    const { precondition } = declaredOn(type, other);
    return precondition !== undefined && (precondition.version === version || pathOf(other) === pathOf(handler));
  });
}

/** Names of parameters aside. */
function pathOf(handler: Handler): string {
  const path = Reflect.getMetadata(ROUTE_METADATA.path, handler) as string | readonly string[] | undefined;
  return JSON.stringify(path ?? '').replace(/:\w+/g, ':');
}

/** The method a handler is: what a decorator has put in its place has another name of its own. */
export function nameOf(type: Type, handler: Handler): string | undefined {
  for (const [name, found] of handlersOf(type.prototype as object)) if (found === handler) return name;
  return undefined;
}

/** Handlers of routes by the names of their methods, inherited ones included. */
export function handlersOf(prototype: object | null): ReadonlyMap<string, Handler> {
  const found = new Map<string, Handler>();
  for (let proto = prototype; proto !== null && proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
    for (const name of Object.getOwnPropertyNames(proto)) {
      const value: unknown = Object.getOwnPropertyDescriptor(proto, name)?.value;
      const isRoute = typeof value === 'function' && Reflect.hasMetadata(ROUTE_METADATA.method, value);
      if (isRoute && !found.has(name)) found.set(name, value as Handler);
    }
  }
  return found;
}
