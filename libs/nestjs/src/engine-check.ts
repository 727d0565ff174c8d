import { Catch, Inject, Optional, Scope, UseFilters, type ExceptionFilter } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { CacheConfigError, Strata } from '@strata-cache/core';
import { hasEngineSlot, kindOfMethods } from './engine-slot.js';
import { messages } from './messages.js';

class NeverThrown {}

/**
 * Fails the boot for request-scoped classes that no engine reaches. Nest makes no instance of such a class at boot, so
 * nothing of the class itself runs there; what Nest does make at boot, with full injection, are the enhancers of its
 * methods. This one rides along as an exception filter, the only kind that is not called for every request, and catches
 * an exception nobody throws.
 */
@Catch(NeverThrown)
class EngineCheck implements ExceptionFilter {
  constructor(
    @Optional() @Inject(Strata) strata: Strata | undefined,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    if (strata === undefined) refuseRequestScoped(modules);
  }

  catch(exception: unknown): never {
    throw exception;
  }
}

function refuseRequestScoped(modules: ModulesContainer): void {
  for (const { providers, controllers } of modules.values()) {
    for (const wrapper of [...providers.values(), ...controllers.values()]) {
      // Asked of the wrapper, not of the class: a test may have replaced the class by a value.
      const metatype: unknown = wrapper.scope === Scope.REQUEST && !wrapper.inject ? wrapper.metatype : undefined;
      if (typeof metatype === 'function' && metatype.prototype && hasEngineSlot(metatype.prototype as object)) {
        throw new CacheConfigError(messages.noEngine(metatype.name, kindOfMethods(metatype.prototype as object)));
      }
    }
  }
}

/** Attaches the check to a decorated method. Once per class is enough: it looks at all of them. */
export function checkEngineAtBoot(prototype: object, property: string | symbol, descriptor: PropertyDescriptor): void {
  UseFilters(EngineCheck)(prototype, property, descriptor);
}
