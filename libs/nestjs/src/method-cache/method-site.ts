import { CacheConfigError, type CacheDefinition } from '@strata-cache/core';
import { wrapMethod, type AnyMethod, type MethodSite } from '../decorated-method.js';
import { messages } from '../messages.js';

export type CacheDecoratorName = 'Cacheable' | 'CacheEvict' | 'CachePut';

/** A decorated method, as the discovery pass and tools see it. */
export interface CachedMethod {
  readonly decorator: CacheDecoratorName;
  readonly className: string;
  readonly method: string;
  readonly definition: CacheDefinition<any, any>;
  /** True for `@Cacheable({ ... })` without `key`: all arguments are the key. */
  readonly keyIsArguments: boolean;
  /** What the decorator was given beside the definition. */
  readonly options: Readonly<Record<string, unknown>>;
}

interface Wrapped {
  readonly method: AnyMethod;
  readonly definition: CacheDefinition<any, any>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly keyIsArguments?: boolean;
}

const METHODS = Symbol('strata.methods');

/** Wraps a method and records its cache, which the discovery pass opens at boot. */
export function decorateMethod(
  decorator: CacheDecoratorName,
  target: object,
  property: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  wrap: (original: AnyMethod, site: MethodSite) => Wrapped,
): void {
  let wrapped: Wrapped | undefined;
  const { className, method } = wrapMethod(decorator, target, property, descriptor, (original, site) => {
    wrapped = wrap(original, site);
    return wrapped.method;
  });
  const { definition, keyIsArguments = false, options = {} } = wrapped as Wrapped;
  const record: CachedMethod = { decorator, className, method, definition, keyIsArguments, options };
  Reflect.defineMetadata(METHODS, [...ownMethods(target), record], target);
}

/** The decorated methods of a prototype and its ancestors. */
export function cachedMethodsOf(prototype: object): readonly CachedMethod[] {
  const found: CachedMethod[] = [];
  for (let proto: object | null = prototype; proto !== null; proto = Object.getPrototypeOf(proto) as object | null) {
    found.push(...ownMethods(proto));
  }
  return found;
}

function ownMethods(prototype: object): readonly CachedMethod[] {
  return (Reflect.getOwnMetadata(METHODS, prototype) as readonly CachedMethod[] | undefined) ?? [];
}

/** @throws CacheConfigError when the first argument is no definition, e.g. undefined through a circular import */
export function checkDefinition(definition: CacheDefinition<any, any> | undefined, site: MethodSite): void {
  if (typeof definition?.name !== 'string')
    throw new CacheConfigError(messages.noDefinition(site.name, site.decorator));
}
