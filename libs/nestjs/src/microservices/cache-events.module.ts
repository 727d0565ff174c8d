import { ConfigurableModuleBuilder, Module, type DynamicModule } from '@nestjs/common';
import { eventNames } from '@strata-cache/core';
import { checkEventCaches } from '../event-bridge.js';
import type { CacheEventsExtras, CacheEventsOptions } from './cache-events-options.js';
import { CacheEvents } from './cache-events.js';
import { EventRoom } from './event-room.js';
import { CACHE_EVENTS_OPTIONS, EVENT_EXTRAS } from './event-tokens.js';
import { eventsController } from './events-controller.js';

/** What `useClass` and `useExisting` of `CacheEventsModule.forRootAsync` provide. */
export interface CacheEventsOptionsFactory {
  createCacheEventsOptions(): CacheEventsOptions | Promise<CacheEventsOptions>;
}

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } = new ConfigurableModuleBuilder<CacheEventsOptions>(
  {
    moduleName: 'StrataCacheEvents',
    optionsInjectionToken: CACHE_EVENTS_OPTIONS,
  },
)
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createCacheEventsOptions')
  .setExtras<CacheEventsExtras>(
    { caches: undefined, transport: undefined, isGlobal: undefined },
    (definition, extras) => {
      const { caches = [], transport, isGlobal = true } = extras;
      const names = eventNames(checkEventCaches('CacheEventsModule', caches));
      return {
        ...definition,
        global: isGlobal,
        controllers: names.length === 0 ? [] : [eventsController(names, transport)],
        providers: [
          ...(definition.providers ?? []),
          { provide: EVENT_EXTRAS, useValue: { caches, transport } },
          EventRoom,
          CacheEvents,
        ],
        exports: [CacheEvents],
      };
    },
  )
  .build();

/**
 * Domain events for caches. The events named in `invalidatedBy` of `caches` get handlers on every microservice listener of the application
 * (`app.connectMicroservice(...)`), and `CacheEvents` emits. Without `client` events stay in this process. docs/invalidation.md, docs/transports.md.
 */
@Module({})
export class CacheEventsModule extends ConfigurableModuleClass {
  /** @throws CacheConfigError for caches that are none, at once; for a wrong option, at boot */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * As {@link forRoot}, with options from a factory (`useFactory`, `inject`), a class (`useClass`) or a provider (`useExisting`). `caches` and
   * `transport` stand beside it: handlers are made before any factory runs.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
