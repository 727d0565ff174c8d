import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { CacheDefinition } from '@strata-cache/core';
import { ASYNC_OPTIONS_TYPE, ConfigurableCacheModule, OPTIONS_TYPE } from './cache.module-definition.js';
import { cacheProvidersFor, engineExports, engineProviders } from './cache.providers.js';

/** Holds the engine. Apart from `CacheModule`: Nest would make its providers anew, without options, for every `forFeature`. */
@Module({ imports: [DiscoveryModule], providers: engineProviders, exports: engineExports })
class CacheEngineModule extends ConfigurableCacheModule {}

/** Holds the caches of one `forFeature`. */
@Module({})
class CacheFeatureModule {}

/**
 * Layered caching for a Nest application. Import `forRoot()` once, in the root module; it is global unless
 * `isGlobal: false`. `Strata` is then injectable, and `@Cacheable`, `@CachePut` and `@CacheEvict` work everywhere.
 */
@Module({})
export class CacheModule {
  /**
   * Opens an engine with these options, closed when the application shuts down. All are optional: without any it caches
   * in process, under the name of the application's package.
   * @throws CacheConfigError at boot, naming a wrong or unknown option
   */
  static forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return wrapped(CacheEngineModule.forRoot(options));
  }

  /** As {@link forRoot}, with options from a factory (`useFactory`, `inject`), a class (`useClass`) or a provider (`useExisting`). */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return wrapped(CacheEngineModule.forRootAsync(options));
  }

  /** The same as {@link forRoot}. */
  static register(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return CacheModule.forRoot(options);
  }

  /** The same as {@link forRootAsync}. */
  static registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return CacheModule.forRootAsync(options);
  }

  /**
   * Makes each cache injectable in the importing module: `@InjectCache(definition)`.
   * @param options `imports`: with `isGlobal: false`, the module that exports `CacheModule`
   * @throws CacheConfigError when two definitions share a name: at once for those of one call, else at boot
   */
  static forFeature(
    definitions: readonly CacheDefinition<any, any>[],
    { imports = [] }: Pick<DynamicModule, 'imports'> = {},
  ): DynamicModule {
    const providers = cacheProvidersFor(definitions);
    return { module: CacheFeatureModule, imports, providers, exports: providers };
  }
}

/** So that a module can re-export `CacheModule` itself. */
function wrapped(engine: DynamicModule): DynamicModule {
  return { module: CacheModule, imports: [engine], exports: [CacheEngineModule] };
}
