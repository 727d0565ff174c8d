import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit, type Provider } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { Strata, systemClock } from '@strata-cache/core';
import { CACHE_MODULE_OPTIONS, type CacheModuleOptions } from '../cache.module-definition.js';
import { Controllers } from './controllers.js';
import { EarlyAnswers } from './early-answers.js';
import { EarlyRoutes } from './early-routes.js';
import { HttpCacheEngine } from './http-cache-engine.js';
import { HttpCacheInterceptor } from './http-cache.interceptor.js';
import { HttpCacheService } from './http-cache.service.js';
import { HttpRoutes } from './http-routes.js';
import { platformOf } from './platform.js';
import { Reader } from './reader.js';
import { resolveSettings } from './settings.js';

/** Ties HTTP caching to the life of the application. */
@Injectable()
export class HttpCacheLifecycle implements OnModuleInit, BeforeApplicationShutdown {
  readonly #engine: HttpCacheEngine;
  readonly #host: HttpAdapterHost | undefined;
  #early: EarlyAnswers | undefined;

  constructor(
    @Inject(HttpCacheEngine) engine: HttpCacheEngine,
    @Inject(HttpCacheInterceptor) interceptor: HttpCacheInterceptor,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(HttpRoutes) routes: HttpRoutes,
    @Inject(DiscoveryService) discovery: DiscoveryService,
  ) {
    this.#engine = engine;
    this.#host = host;
    // Now and not at init: routes are registered in between, with the global interceptors there are.
    if (engine.settings.global) config.addGlobalInterceptor(interceptor);
    if (!engine.settings.early) return;
    // There is an adapter already, but in tests, which build the module first; and none in an application without HTTP.
    host.init$.subscribe(() => {
      if (platformOf(host) === undefined) return;
      this.#early = new EarlyAnswers(engine, routes, new Reader(engine, host), host.httpAdapter);
      this.#early.install(new EarlyRoutes(config, discovery));
    });
  }

  onModuleInit(): void {
    this.#early?.finish();
    if (this.#host !== undefined) this.#engine.attach(platformOf(this.#host));
  }

  /** Refreshes need handlers, so they end before anything is torn down. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#engine.drain();
  }
}

export const httpCacheProviders: Provider[] = [
  {
    provide: HttpCacheEngine,
    inject: [Strata, CACHE_MODULE_OPTIONS],
    useFactory: (strata: Strata, options: CacheModuleOptions | undefined): HttpCacheEngine => {
      const { http, clock = systemClock, consistency } = options ?? {};
      return new HttpCacheEngine(resolveSettings(http, packageVersion()), strata, clock, consistency);
    },
  },
  Controllers,
  HttpRoutes,
  HttpCacheInterceptor,
  HttpCacheService,
  HttpCacheLifecycle,
];

export const httpCacheExports = [HttpCacheEngine, HttpRoutes, HttpCacheInterceptor, HttpCacheService];

/** The version of the application, from the nearest `package.json` that has one; empty when there is none. */
export function packageVersion(from: string = process.cwd()): string {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
      if (typeof version === 'string') return version;
    } catch {
      // absent or no JSON: the next folder up may have one
    }
    if (dirname(folder) === folder) return '';
  }
}
