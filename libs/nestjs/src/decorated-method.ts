import 'reflect-metadata';
import { CacheConfigError } from '@strata-cache/core';
import { checkEngineAtBoot } from './engine-check.js';
import { declareEngineSlot, hasEngineSlot } from './engine-slot.js';
import { messages } from './messages.js';

export type AnyMethod = (this: any, ...args: any[]) => any;

/** Where a decorator stands. */
export interface MethodSite {
  /** The decorator's name, for messages. */
  readonly decorator: string;
  /** The class that declares the method: a subclass inherits the decorated one. */
  readonly className: string;
  readonly method: string;
  /** `Class.method`, for messages and as the name of inline caches. */
  readonly name: string;
}

/**
 * Wraps a method at decoration time; routers, listeners and schedulers, which capture methods early, see the wrapper.
 * Instances of the class can carry an engine from then on, and an application where none arrives does not boot.
 * @throws CacheConfigError for statics, accessors, properties and methods that declare no promise
 */
export function wrapMethod(
  decorator: string,
  target: object,
  property: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  wrap: (original: AnyMethod, site: MethodSite) => AnyMethod,
): MethodSite {
  const site = siteOf(decorator, target, property, descriptor);
  const original = descriptor?.value as AnyMethod;
  const method = wrap(original, site);
  dressAs(original, method);
  const changed = descriptor as PropertyDescriptor;
  changed.value = method;
  if (!hasEngineSlot(target)) {
    declareEngineSlot(target, decorator === 'Locked' ? 'locked' : 'cached');
    checkEngineAtBoot(target, property, changed);
  }
  return site;
}

function siteOf(
  decorator: string,
  target: object,
  property: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): MethodSite {
  // Standard decorators are called with (value, context) and would leave the method undecorated without a word.
  if (typeof property === 'object') throw new CacheConfigError(messages.standardDecorator(decorator));
  const isStatic = typeof target === 'function';
  const className = isStatic ? target.name : target.constructor.name;
  const method = String(property);
  const name = `${className}.${method}`;
  if (isStatic) throw new CacheConfigError(messages.staticMethod(name, decorator));
  if (typeof descriptor?.value !== 'function') throw new CacheConfigError(messages.notAMethod(name, decorator));
  const declared = declaredReturnType(target, property);
  if (declared !== undefined) throw new CacheConfigError(messages.declaredType(name, decorator, declared));
  return { decorator, className, method, name };
}

/** The name of a declared return type that is surely no promise. Compilers emit it before other decorators run. */
function declaredReturnType(target: object, property: string | symbol): string | undefined {
  const type: unknown = Reflect.getMetadata('design:returntype', target, property);
  if (typeof type !== 'function') return undefined;
  return ['String', 'Number', 'Boolean', 'Array', 'Date', 'Map', 'Set', 'Observable'].includes(type.name)
    ? type.name
    : undefined;
}

/** Guards, routes and message patterns are metadata of the function: copied, so that the order of decorators is free. */
function dressAs(original: AnyMethod, wrapper: AnyMethod): void {
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  Object.defineProperty(wrapper, 'name', { value: original.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: original.length, configurable: true });
}

/** @throws CacheConfigError naming the method when it returned anything but a promise */
export function promiseOf(result: unknown, site: MethodSite): Promise<any> {
  if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') return result as Promise<any>;
  throw new CacheConfigError(messages.notAPromise(site.name, site.decorator, kindOf(result)));
}

/** What a value is, for messages. */
export function kindOf(result: unknown): string {
  if (typeof (result as { subscribe?: unknown } | null | undefined)?.subscribe === 'function') return 'an Observable';
  return result === undefined ? 'undefined' : `a plain ${typeof result}`;
}
