import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { EventBus } from '@nestjs/cqrs';
import { asFunction, Background, readOptions, Strata, systemClock, type CacheDefinition } from '@strata-cache/core';
import type { Subscription } from 'rxjs';
import { checkEventCaches, EventBridge } from '../event-bridge.js';

const OPTIONS = Symbol('strata.cqrs.options');

/** Options of `CacheCqrsModule.forRoot`. */
export interface CacheCqrsOptions {
  /** Definitions whose `invalidatedBy` is applied to the events of the bus. */
  readonly caches: readonly CacheDefinition<any, any>[];
  /** The name of an event as `invalidatedBy` has it. Default: the name of its class. */
  readonly nameOf?: ((event: object) => string) | undefined;
}

/** ms that invalidations under way may take to end at shutdown. */
const DRAIN_LIMIT = 2_000;

const classNameOf = (event: object): string => event.constructor.name;

@Injectable()
class BusListener implements OnModuleInit, OnApplicationShutdown {
  readonly #strata: Strata;
  readonly #modules: ModuleRef;
  readonly #options: CacheCqrsOptions;
  readonly #background = new Background({});
  #subscription: Subscription | undefined;

  constructor(
    @Inject(Strata) strata: Strata,
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(OPTIONS) options: CacheCqrsOptions,
  ) {
    this.#strata = strata;
    this.#modules = modules;
    this.#options = options;
  }

  onModuleInit(): void {
    if (!(this.#strata instanceof Strata)) return; // overridden by a stand-in
    const { caches, nameOf = classNameOf } = this.#options;
    const bridge = new EventBridge(this.#strata, caches);
    const bus = this.#modules.get(EventBus, { strict: false });
    this.#subscription = bus.subscribe((event) => {
      const name = nameOf(event as object);
      if (!bridge.concerns(name)) return;
      // Called here and not by the room: so the memory of this process is cleared before `publish` returns, which waits for nothing.
      const applied = bridge.apply(name, event);
      this.#background.run('events.cqrs', () => applied);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.#subscription?.unsubscribe();
    await this.#background.drain(systemClock, DRAIN_LIMIT);
  }
}

/**
 * Clears caches on events of `@nestjs/cqrs`, in this process: those that `invalidatedBy` of the caches names, by default by the name of their
 * class, with the event as payload. Needs `CqrsModule.forRoot()` and `CacheModule.forRoot()`.
 */
@Module({})
export class CacheCqrsModule {
  /** @throws CacheConfigError for what is no definition, for two of one name, and for an unknown option */
  static forRoot(options: CacheCqrsOptions): DynamicModule {
    const rules = { caches: (caches: unknown) => checkEventCaches('CacheCqrsModule', caches), nameOf: asFunction };
    const useValue = readOptions('CacheCqrsModule.forRoot', options, rules);
    return { module: CacheCqrsModule, providers: [{ provide: OPTIONS, useValue }, BusListener] };
  }
}
