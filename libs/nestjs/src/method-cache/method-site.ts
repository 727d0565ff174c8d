import 'reflect-metadata';
import { CacheConfigError, type CacheDefinition } from '@strata-cache/core';
import { checkEngineAtBoot } from '../engine-check.js';
import { declareEngineSlot, hasEngineSlot } from '../engine-slot.js';
import { messages } from '../messages.js';

export type MethodDecoratorName = 'Cacheable' | 'CacheEvict' | 'CachePut';
export type AnyMethod = (this: any, ...args: any[]) => any;

/** Where a decorator stands. */
export interface MethodSite {
  readonly decorator: MethodDecoratorName;
  /** The class that declares the method: a subclass that inherits it shares its cache. */
  readonly className: string;
  readonly method: string;
  /** `Class.method`, for messages and as the name of inline caches. */
  readonly name: string;
}

/** A decorated method, as the discovery pass and tools see it. */
export interface CachedMethod {
  readonly decorator: MethodDecoratorName;
  readonly className: string;
  readonly method: string;
  readonly definition: CacheDefinition<any, any>;
  /** True for `@Cacheable({ ... })` without `key`: all arguments are the key. */
  readonly keyIsArguments: boolean;
}

interface Wrapped {
  readonly method: AnyMethod;
  readonly definition: CacheDefinition<any, any>;
  readonly keyIsArguments?: boolean;
}

const METHODS = Symbol('strata.methods');

/** Wraps a method at decoration time; routers, listeners and schedulers, which capture methods early, see the wrapper. */
export function decorateMethod(
  decorator: MethodDecoratorName,
  target: object,
  property: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  wrap: (original: AnyMethod, site: MethodSite) => Wrapped,
): void {
  const site = siteOf(decorator, target, property, descriptor);
  const original = descriptor?.value as AnyMethod;
  const { method, definition, keyIsArguments = false } = wrap(original, site);
  dressAs(original, method);
  const changed = descriptor as PropertyDescriptor;
  changed.value = method;
  if (!hasEngineSlot(target)) {
    declareEngineSlot(target);
    checkEngineAtBoot(target, property, changed);
  }
  const record: CachedMethod = {
    decorator,
    className: site.className,
    method: site.method,
    definition,
    keyIsArguments,
  };
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

function siteOf(
  decorator: MethodDecoratorName,
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
