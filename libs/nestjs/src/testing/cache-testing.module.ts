import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { CacheDefinition } from '@strata-cache/core';
import { FakeClock } from '@strata-cache/core/testing';
import { CACHE_MODULE_OPTIONS, type CacheModuleOptions } from '../cache.module-definition.js';
import { cacheProvidersFor, engineExports, engineProviders } from '../cache.providers.js';

/** Options of `CacheTestingModule.forRoot`: those of `CacheModule.forRoot`, and the caches a test injects. */
export interface CacheTestingOptions extends Omit<CacheModuleOptions, 'clock'> {
  /** Time as the engine sees it. Default: a new `FakeClock`, injectable as such. */
  readonly clock?: FakeClock | undefined;
  /** Caches to make injectable, as `CacheModule.forFeature` would. */
  readonly caches?: readonly CacheDefinition<any, any>[] | undefined;
}

/**
 * `CacheModule.forRoot()` for tests: an engine of its own in process, steered by a `FakeClock`, without jitter, so that
 * `clock.advance(60_000)` ends a ttl of one minute exactly.
 * For a whole application keep its `CacheModule` and override the engine: `overrideProvider(Strata).useValue(...)`.
 */
@Module({})
export class CacheTestingModule {
  static forRoot(options: CacheTestingOptions = {}): DynamicModule {
    const { caches = [], clock = new FakeClock(), ...engine } = options;
    const features = cacheProvidersFor(caches);
    return {
      module: CacheTestingModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        {
          provide: CACHE_MODULE_OPTIONS,
          // A part of an application: what its caches are cleared by may well be in another.
          useValue: { namespace: 'test', lint: 'off', ...engine, clock, defaults: { jitter: 0, ...engine.defaults } },
        },
        { provide: FakeClock, useValue: clock },
        ...engineProviders,
        ...features,
      ],
      exports: [...engineExports, FakeClock, ...features],
    };
  }
}
