import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';

type Type = abstract new (...args: any[]) => unknown;

/** The controllers of an application, for callbacks of decorators, which see the class only. */
@Injectable()
export class Controllers {
  readonly #modules: ModuleRef;
  readonly #instances = new WeakMap<Type, object>();

  constructor(@Inject(ModuleRef) modules: ModuleRef) {
    this.#modules = modules;
  }

  /** The instance that answers a request: at once, or as a promise for one of request scope. */
  of(type: Type, context: ExecutionContext): object | Promise<object> {
    const known = this.#instances.get(type);
    if (known !== undefined) return known;
    const { scope } = this.#modules.introspect(type as never);
    if (scope !== undefined && scope !== 0) {
      // Nest keeps one per context id, which the router has given the request already: it is the instance whose handler will run.
      const id = ContextIdFactory.getByRequest(context.switchToHttp().getRequest<object>());
      return this.#modules.resolve<object>(type as never, id, { strict: false });
    }
    const instance = this.#modules.get<object>(type as never, { strict: false });
    this.#instances.set(type, instance);
    return instance;
  }
}
