import { Inject, Optional } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CacheConfigError, Strata } from '@strata-cache/core';
import { messages } from './messages.js';

/** Where an instance keeps its engine. Per instance, never per module: two applications in one process stay apart. */
const ENGINE = Symbol('strata.engine');
/** A property that Nest fills in every instance it makes itself; its setter is where a missing engine becomes visible. */
const HOST = Symbol('strata.host');

/** What the decorators do to the methods of a class, for messages: that of the first one found. */
const KIND = Symbol('strata.kind');

interface Slotted {
  [ENGINE]?: Strata | undefined;
  readonly [KIND]?: string;
}

/** The engine of an instance; undefined with plain `new`, where cached methods run as if they were not decorated and locked ones refuse. */
export function engineOf(instance: object | undefined): Strata | undefined {
  return (instance as Slotted | undefined)?.[ENGINE];
}

/** Whether Nest or `withStrata` has said which engine the instance uses (a mock of the engine counts, and means none). */
export function hasEngineSlotFilled(instance: object): boolean {
  return Object.hasOwn(instance, ENGINE);
}

/** Whether instances of this prototype can carry an engine, i.e. whether its class has decorated methods. */
export function hasEngineSlot(prototype: object): boolean {
  return ENGINE in prototype;
}

/** `cached` or `locked`, of an instance or prototype that has an engine slot. */
export function kindOfMethods(instance: object): string {
  return (instance as Slotted)[KIND] ?? 'cached';
}

/** Gives an instance its engine, hidden from enumeration so that it shows in no comparison, spread or log. */
export function attachEngine(instance: object, strata: unknown): void {
  // useMocker() and overrideProvider() may bring a stand-in that is no engine: methods then run undecorated.
  const engine = strata instanceof Strata ? strata : undefined;
  Object.defineProperty(instance, ENGINE, { value: engine, writable: true, configurable: true, enumerable: false });
}

/**
 * Lets Nest put the engine into instances of a class (once per hierarchy: subclasses inherit it), and fails the boot where none arrives.
 *
 * Nest applies injected properties in the order they were declared, right after the constructor: first the engine
 * (optional, so that its absence is ours to explain), then the `ModuleRef`, which every module has. The setter of the
 * latter therefore runs in every instance Nest makes (static, transient, `moduleRef.create()`, and of request scope,
 * where `engine-check` looks at boot already), and never with plain `new`. What `useFactory` and `useValue` bring is
 * not property-injected: a bootstrap hook checks it after the discovery pass has filled it.
 */
export function declareEngineSlot(prototype: object, kind: string): void {
  Object.defineProperty(prototype, KIND, { value: kind });
  Object.defineProperty(prototype, ENGINE, {
    configurable: true,
    get: () => undefined,
    set(this: object, strata: unknown) {
      attachEngine(this, strata);
    },
  });
  Object.defineProperty(prototype, HOST, {
    configurable: true,
    get: () => undefined,
    set(this: object) {
      requireEngine(this);
    },
  });
  Inject(Strata)(prototype, ENGINE);
  Optional()(prototype, ENGINE);
  Inject(ModuleRef)(prototype, HOST);
  // A hook the class has itself is left alone: a unit test may call it on an instance made with plain `new`.
  // onModuleInit comes second, for only the global module is sure to have filled instances by then.
  const hook = ['onApplicationBootstrap', 'onModuleInit'].find((name) => !(name in prototype));
  if (hook !== undefined) {
    Object.defineProperty(prototype, hook, {
      configurable: true,
      writable: true,
      value(this: object) {
        requireEngine(this);
      },
    });
  }
}

function requireEngine(instance: object): void {
  if (!hasEngineSlotFilled(instance))
    throw new CacheConfigError(messages.noEngine(instance.constructor.name, kindOfMethods(instance)));
}
