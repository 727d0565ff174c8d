import type { DiscoveryService } from '@nestjs/core';
import { CacheConfigError, Strata } from '@strata-cache/core';
import { attachEngine, engineOf, hasEngineSlot, hasEngineSlotFilled } from '../engine-slot.js';
import { messages } from '../messages.js';
import type { CachedMethods } from './cached-methods.js';
import { cachedMethodsOf } from './method-site.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/**
 * The discovery pass at bootstrap. It complements the decorators, which work without it: fills instances that Nest did
 * not make itself (`useFactory`, `useValue`), checks what only the application knows, and lists the cached methods.
 * @throws CacheConfigError for two caches of one name, a request-scoped class without a key, or several engines
 */
export function exploreMethods(discovery: DiscoveryService, strata: Strata, methods: CachedMethods): void {
  const providers = discovery.getProviders();
  const engines = providers.filter((wrapper) => wrapper.token === Strata && !wrapper.isAlias);
  if (engines.filter((wrapper) => wrapper.host?.isGlobal).length > 1) {
    throw new CacheConfigError(messages.severalGlobalEngines());
  }
  for (const wrapper of [...providers, ...discovery.getControllers()]) {
    if (wrapper.isFactory && !wrapper.isAlias) fillWhatItMakes(wrapper, strata, engines.length);
    for (const instance of instancesOf(wrapper)) {
      fill(instance, strata, engines.length);
      // Of several engines in one application each looks after its own instances.
      if (engineOf(instance) === strata) register(instance, wrapper, strata, methods);
    }
  }
}

/** The instances of a provider; of a request-scoped one, the prototype object Nest prepared at boot. */
function instancesOf(wrapper: Wrapper): object[] {
  if (wrapper.isAlias) return [];
  const statics = wrapper.isTransient
    ? wrapper.getStaticTransientInstances().map((host) => host?.instance as unknown)
    : [];
  return [wrapper.instance as unknown, ...statics].filter(
    (instance): instance is object => typeof instance === 'object' && instance !== null && hasEngineSlot(instance),
  );
}

function fill(instance: object, strata: Strata, engines: number): void {
  if (hasEngineSlotFilled(instance)) return;
  if (engines > 1) throw new CacheConfigError(messages.severalEnginesForFactory(instance.constructor.name));
  attachEngine(instance, strata);
}

/** Request-scoped and transient factories make their instances later: what they return then is filled as well. */
function fillWhatItMakes(wrapper: Wrapper, strata: Strata, engines: number): void {
  const make = wrapper.metatype as (...args: unknown[]) => unknown;
  const filled = (made: unknown): unknown => {
    if (typeof made === 'object' && made !== null && hasEngineSlot(made)) fill(made, strata, engines);
    return made;
  };
  const makeFilled = (...args: unknown[]): unknown => {
    const made = make(...args);
    return made instanceof Promise ? made.then(filled) : filled(made);
  };
  wrapper.metatype = makeFilled;
}

function register(instance: object, wrapper: Wrapper, strata: Strata, methods: CachedMethods): void {
  for (const method of cachedMethodsOf(Object.getPrototypeOf(instance) as object)) {
    // A class may be request-scoped by what it depends on, so this is asked of the tree and not of the decorator.
    if (method.keyIsArguments && !wrapper.isDependencyTreeStatic()) {
      throw new CacheConfigError(messages.requestScopedWithoutKey(`${method.className}.${method.method}`));
    }
    strata.cache(method.definition);
    methods.add(method);
  }
}
