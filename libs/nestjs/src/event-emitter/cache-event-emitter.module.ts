import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { Strata, type CacheDefinition } from '@strata-cache/core';
import { checkEventCaches, EventBridge } from '../event-bridge.js';

const CACHES = Symbol('strata.event-emitter.caches');

/** Options of `CacheEventEmitterModule.forRoot`. */
export interface CacheEventEmitterOptions {
  /** Definitions whose `invalidatedBy` is applied to the events of the emitter. */
  readonly caches: readonly CacheDefinition<any, any>[];
}

@Injectable()
class EmitterListener implements OnModuleInit, OnApplicationShutdown {
  readonly #strata: Strata;
  readonly #modules: ModuleRef;
  readonly #caches: readonly CacheDefinition<any, any>[];
  readonly #listening: (() => void)[] = [];

  constructor(
    @Inject(Strata) strata: Strata,
    @Inject(ModuleRef) modules: ModuleRef,
    @Inject(CACHES) caches: readonly CacheDefinition<any, any>[],
  ) {
    this.#strata = strata;
    this.#modules = modules;
    this.#caches = caches;
  }

  onModuleInit(): void {
    if (!(this.#strata instanceof Strata)) return; // overridden by a stand-in
    const bridge = new EventBridge(this.#strata, this.#caches);
    const emitter = this.#modules.get(EventEmitter2, { strict: false });
    for (const name of bridge.names) {
      // The promise is for `emitAsync`, which waits for it; `emit` does not, and it never rejects.
      const listener = (payload: unknown): unknown => bridge.apply(name, payload);
      emitter.on(name, listener);
      this.#listening.push(() => emitter.off(name, listener));
    }
  }

  onApplicationShutdown(): void {
    for (const stop of this.#listening) stop();
  }
}

/**
 * Clears caches on events of `@nestjs/event-emitter`, in this process: those that `invalidatedBy` of the caches names, with the first argument as
 * payload. `await emitter.emitAsync(...)` resolves once they are cleared. Needs `EventEmitterModule.forRoot()` and `CacheModule.forRoot()`.
 */
@Module({})
export class CacheEventEmitterModule {
  /** @throws CacheConfigError for what is no definition, and for two of one name */
  static forRoot({ caches }: CacheEventEmitterOptions): DynamicModule {
    const useValue = checkEventCaches('CacheEventEmitterModule', caches);
    return { module: CacheEventEmitterModule, providers: [{ provide: CACHES, useValue }, EmitterListener] };
  }
}
