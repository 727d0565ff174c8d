import 'reflect-metadata';
import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import type { HttpCacheOptions, PreconditionOptions } from './http-cache-options.js';
import { resolveRoutePolicy } from './route-policy.js';

const HTTP_CACHE = Symbol('strata.http-cache');
const PRECONDITION = Symbol('strata.precondition');

/** What decorators said of a handler or its class. */
export interface DeclaredHttpCache {
  /** `'none'`: `@NoHttpCache()`. */
  readonly cache: HttpCacheOptions | 'none' | undefined;
  readonly precondition: PreconditionOptions | undefined;
}

/**
 * Says how responses of a handler (or of all handlers of a class) may be cached: `Cache-Control`, validators, conditional requests and,
 * with `store`, responses stored here. Needs `HttpCacheInterceptor`, or `http: { global: true }`. What a handler says itself wins over
 * what its class says, option by option. A handler that sets `Cache-Control` itself keeps its word.
 * @throws CacheConfigError for unknown options and for those that contradict each other
 */
export function HttpCache(options: HttpCacheOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, property?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const site = siteOf('HttpCache', target, property, descriptor);
    // A class may leave to its methods what would be needed to make sense; they are checked at boot.
    if (property !== undefined) resolveRoutePolicy(site, options);
    Reflect.defineMetadata(HTTP_CACHE, options, descriptor?.value ?? target);
  };
}

/** Takes a handler out of the `@HttpCache` of its class: its responses are `no-store`. */
export function NoHttpCache(): ClassDecorator & MethodDecorator {
  return (target: object, property?: string | symbol, descriptor?: PropertyDescriptor): void => {
    siteOf('NoHttpCache', target, property, descriptor);
    Reflect.defineMetadata(HTTP_CACHE, 'none', descriptor?.value ?? target);
  };
}

/**
 * Refuses to run a handler that changes something unless the client's `If-Match`, `If-None-Match` or `If-Unmodified-Since` holds: 412 when
 * it does not, 428 when it is missing and `required`. Compare again in the database: between this check and the write another one may
 * come. Needs `HttpCacheInterceptor`.
 * @throws CacheConfigError for unknown options
 */
export function Precondition(options: PreconditionOptions): MethodDecorator {
  return (target: object, property: string | symbol, descriptor: PropertyDescriptor): void => {
    const site = siteOf('Precondition', target, property, descriptor);
    for (const name of Object.keys(options ?? {})) {
      if (!PRECONDITION_OPTIONS.includes(name)) {
        throw new CacheConfigError(messages.unknownOption(site, 'Precondition', name, PRECONDITION_OPTIONS));
      }
    }
    if (typeof options?.version !== 'function') {
      throw new CacheConfigError(
        messages.badOption(site, 'Precondition', 'version', 'a function', typeof options?.version),
      );
    }
    Reflect.defineMetadata(PRECONDITION, options, descriptor.value as object);
  };
}

const PRECONDITION_OPTIONS = ['version', 'required', 'onFailed'];

/** What holds for a handler of a class, the class' own word and that of its handler put together. */
export function declaredOn(type: object, handler: object): DeclaredHttpCache {
  const ofClass = Reflect.getMetadata(HTTP_CACHE, type) as HttpCacheOptions | 'none' | undefined;
  const ofHandler = Reflect.getMetadata(HTTP_CACHE, handler) as HttpCacheOptions | 'none' | undefined;
  const merged =
    typeof ofClass === 'object' && typeof ofHandler === 'object' ? { ...ofClass, ...ofHandler } : ofHandler;
  return {
    cache: merged ?? ofClass,
    precondition: Reflect.getMetadata(PRECONDITION, handler) as PreconditionOptions | undefined,
  };
}

function siteOf(
  decorator: string,
  target: object,
  property: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): string {
  // Standard decorators are called with (value, context).
  if (typeof property === 'object') throw new CacheConfigError(messages.standardDecorator(decorator));
  if (property === undefined) return (target as { name: string }).name;
  const site = `${target.constructor.name}.${String(property)}`;
  if (typeof descriptor?.value !== 'function') throw new CacheConfigError(messages.notAMethod(site, decorator));
  return site;
}
