import 'reflect-metadata';
import { VersioningType, type Type } from '@nestjs/common';
import type { ApplicationConfig, DiscoveryService } from '@nestjs/core';
import { declaredOn } from './http-cache.decorators.js';
import { HttpCacheInterceptor } from './http-cache.interceptor.js';
import { handlersOf, nameOf, ROUTE_METADATA } from './http-routes.js';

type Handler = (...args: any[]) => unknown;
type Wrapper = ReturnType<DiscoveryService['getControllers']>[number];

/** A field that `@Header()` sets on every response of a route. */
export interface StaticHeader {
  readonly name: string;
  readonly value: string;
}

/** A route with nothing in front of our interceptor. */
export interface EarlyRoute {
  readonly type: Type;
  readonly handler: Handler;
  readonly headers: readonly StaticHeader[];
}

/** Where a handler of a controller names itself: Nest copies the metadata of a handler to what it gives the adapter. */
const SELF = Symbol('strata.handler');

/** Finds the routes whose requests meet nothing of the application between its middleware and our interceptor. */
export class EarlyRoutes {
  readonly #config: ApplicationConfig;
  readonly #owners = new Map<Handler, Wrapper[]>();

  /** Once every controller is known, and before routes are registered. */
  constructor(config: ApplicationConfig, discovery: DiscoveryService) {
    this.#config = config;
    for (const wrapper of discovery.getControllers()) {
      const { metatype } = wrapper;
      if (typeof metatype !== 'function') continue;
      for (const handler of handlersOf(metatype.prototype as object).values()) {
        this.#owners.set(handler, [...(this.#owners.get(handler) ?? []), wrapper]);
        if (typeof declaredOn(metatype, handler).cache === 'object') Reflect.defineMetadata(SELF, handler, handler);
      }
    }
  }

  /**
   * The route of what Nest hands to its adapter, if an answer before the pipeline cannot be told from one of the interceptor. Asked while
   * routes are registered, which is when Nest itself puts guards and interceptors together.
   */
  of(registered: object): EarlyRoute | undefined {
    const handler = Reflect.getMetadata(SELF, registered) as Handler | undefined;
    const owners = handler === undefined ? undefined : this.#owners.get(handler);
    // Inherited by several controllers, or in several modules: which one this is Nest does not say.
    if (handler === undefined || owners?.length !== 1) return undefined;
    const [wrapper] = owners;
    const type = wrapper.metatype as Type;
    if (!isStatic(wrapper, type, handler) || this.#isChosenByRequest(type, handler)) return undefined;
    if (this.#isGuarded(type, handler) || !this.#isFirst(wrapper, type, handler)) return undefined;
    const headers = (Reflect.getMetadata(METADATA.headers, handler) ?? []) as readonly StaticHeader[];
    // They are set again where the pipeline runs after all: once more a function would be called, a cookie set.
    const isRepeatable = headers.every(({ name, value }) => typeof value === 'string' && !/^set-cookie$/i.test(name));
    return isRepeatable ? { type, handler, headers } : undefined;
  }

  /** A host, or a version other than in the path: another controller may be meant. */
  #isChosenByRequest(type: Type, handler: Handler): boolean {
    if (Reflect.getMetadata(METADATA.host, type) !== undefined) return true;
    const versioning = this.#config.getVersioning();
    if (versioning === undefined || versioning.type === VersioningType.URI) return false;
    const isVersioned = [type, handler].some(
      (target) => Reflect.getMetadata(ROUTE_METADATA.version, target) !== undefined,
    );
    return isVersioned || versioning.defaultVersion !== undefined;
  }

  #isGuarded(type: Type, handler: Handler): boolean {
    const config = this.#config;
    return (
      config.getGlobalGuards().length > 0 ||
      config.getGlobalRequestGuards().length > 0 ||
      [type, handler].some((target) => Reflect.hasMetadata(METADATA.guards, target))
    );
  }

  /** Ours is the first of the route's interceptors, in the order in which Nest puts them together. */
  #isFirst(wrapper: Wrapper, type: Type, handler: Handler): boolean {
    const config = this.#config;
    if (config.getGlobalRequestInterceptors().length > 0) return false;
    const bound = [type, handler].flatMap((target) => (Reflect.getMetadata(METADATA.interceptors, target) ?? []) as []);
    const first: unknown = [...config.getGlobalInterceptors(), ...bound][0];
    // Bound by its class, it is what the module has under that name: tests put something else there.
    const instance =
      typeof first === 'function' ? wrapper.host?.injectables.get(first as Type)?.instance : (first as object);
    return instance?.constructor === HttpCacheInterceptor;
  }
}

/** Keys of Nest's metadata besides those of {@link ROUTE_METADATA}. */
export const METADATA = {
  guards: '__guards__',
  interceptors: '__interceptors__',
  headers: '__headers__',
  host: 'host',
} as const;

/** One instance for all requests, and its handler that of the class: neither replaced nor wrapped. */
function isStatic(wrapper: Wrapper, type: Type, handler: Handler): boolean {
  const instance = wrapper.instance as Record<string, unknown> | undefined;
  if (!wrapper.isDependencyTreeStatic() || instance?.constructor !== type) return false;
  const name = nameOf(type, handler);
  return name !== undefined && instance[name] === handler;
}
