import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { asBoolean, CacheConfigError, Strata, createStrata, type CacheDefinition } from '@strata-cache/core';
import { CACHE_MODULE_OPTIONS, checkOptionNames, type CacheModuleOptions } from './cache.module-definition.js';
import { getCacheToken } from './cache-token.js';
import { CacheContract } from './contract/cache-contract.js';
import { lintContract, resolveLint } from './contract/contract-lint.js';
import { contractMessages } from './contract/contract-messages.js';
import { cacheInjections } from './contract/injections.js';
import { httpCacheExports, httpCacheProviders } from './http-cache/http-cache.providers.js';
import { CacheDoctor } from './doctor/cache-doctor.js';
import { HttpRoutes } from './http-cache/http-routes.js';
import { resolveSettings } from './http-cache/settings.js';
import { loggingObserver } from './logging-observer.js';
import { LockService } from './locks/lock-service.js';
import { messages } from './messages.js';
import { attachTransactions } from './method-cache/after-commit.js';
import { CachedMethods } from './method-cache/cached-methods.js';
import { exploreMethods } from './method-cache/explore.js';
import { packageName } from './package-name.js';
import { alsoTelling } from './purging/also-telling.js';
import { PurgeService, openPurges } from './purging/purge.service.js';

/** Opens the engine of one application and closes it again. */
@Injectable()
export class EngineOwner {
  #opened: Strata | undefined;
  #purges: PurgeService | undefined;

  /** @throws CacheConfigError naming a wrong or unknown option, which fails the boot */
  open(options: CacheModuleOptions = {}): Strata {
    checkOptionNames(options);
    const { transactions, http, doctor, lint, ...engine } = options;
    resolveLint(lint);
    if (doctor !== undefined) asBoolean(doctor, 'CacheModule.forRoot: doctor');
    if (transactions !== undefined && typeof transactions?.afterCommit !== 'function') {
      throw new CacheConfigError(messages.badTransactions());
    }
    resolveSettings(http, ''); // before anything is opened that a failed boot would leave open
    const namespace = engine.namespace ?? packageName();
    const observer = loggingObserver(engine.observer);
    const purges = openPurges(http, engine.clock, (notice) => observer.notice?.(notice));
    const told = purges.isIdle ? observer : alsoTelling(observer, (event) => purges.invalidated(event));
    this.#opened = createStrata({ ...engine, namespace, observer: told });
    this.#purges = purges;
    return this.#opened;
  }

  /** Without CDNs where the engine was brought by `overrideProvider`: nobody tells us of its invalidations. */
  get purges(): PurgeService {
    return (this.#purges ??= openPurges(undefined, undefined, () => undefined));
  }

  /** Closes what was opened here: an engine brought by `overrideProvider` belongs to whoever made it. */
  async close(): Promise<void> {
    await this.#opened?.close();
    // Afterwards: an engine that closes sends the invalidations that are left, and only then they are to be purged.
    await this.#purges?.close();
  }
}

/** Ties the engine to the life of the application. */
@Injectable()
export class EngineLifecycle implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #owner: EngineOwner;
  readonly #strata: Strata;
  readonly #discovery: DiscoveryService;
  readonly #methods: CachedMethods;
  readonly #contract: CacheContract;
  readonly #routes: HttpRoutes;
  readonly #options: CacheModuleOptions;

  constructor(
    @Inject(EngineOwner) owner: EngineOwner,
    @Inject(Strata) strata: Strata,
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(CachedMethods) methods: CachedMethods,
    @Inject(CacheContract) contract: CacheContract,
    @Inject(HttpRoutes) routes: HttpRoutes,
    @Inject(CACHE_MODULE_OPTIONS) options: CacheModuleOptions = {},
  ) {
    const { transactions } = options;
    this.#owner = owner;
    this.#strata = strata;
    this.#discovery = discovery;
    this.#methods = methods;
    this.#contract = contract;
    this.#routes = routes;
    this.#options = options;
    // Here and not where the engine is opened: it may have been replaced by overrideProvider(Strata).
    if (transactions !== undefined && strata instanceof Strata) attachTransactions(strata, transactions);
  }

  async onModuleInit(): Promise<void> {
    try {
      this.#routes.explore(this.#discovery);
      if (!(this.#strata instanceof Strata)) return; // overridden by a stand-in: methods run undecorated
      exploreMethods(this.#discovery, this.#strata, this.#methods);
      if (this.#options.transactions === undefined) refuseAfterCommit(this.#methods);
    } catch (error) {
      // Nest calls no shutdown hooks after a failed boot, and nobody else can close it.
      await this.#owner.close();
      throw error;
    }
  }

  /** Once every module has been initialised: caches and events of any of them are part of the contract. */
  async onApplicationBootstrap(): Promise<void> {
    const { level } = resolveLint(this.#options.lint);
    if (level === 'off' || !(this.#strata instanceof Strata)) return;
    const findings = lintContract(this.#contract, this.#options.lint);
    if (level === 'error' && findings.length > 0) {
      await this.#owner.close();
      throw new CacheConfigError(contractMessages.refused(findings.map(({ message }) => message)));
    }
    for (const { rule, message } of findings) this.#strata.notice({ level: 'warn', name: `contract.${rule}`, message });
  }

  /**
   * The last hook there is: servers have stopped and requests in flight have been answered (between
   * `beforeApplicationShutdown` and this one), and the `onModuleDestroy` and `beforeApplicationShutdown` of other
   * providers have run, all of which may use caches. Shutdown hooks run in reverse order of initialisation, so among
   * the hooks of this kind the ones of a global module come after those of the application's modules.
   */
  async onApplicationShutdown(): Promise<void> {
    await this.#owner.close();
  }
}

function contractOf(
  strata: Strata,
  methods: CachedMethods,
  discovery: DiscoveryService,
  routes: HttpRoutes,
  options: CacheModuleOptions | undefined,
): CacheContract {
  // A stand-in that a test brought has no caches to speak of.
  const caches = (): ReturnType<Strata['caches']> => (strata instanceof Strata ? strata.caches() : []);
  return new CacheContract({
    caches,
    methods: () => methods.list(),
    injections: () =>
      cacheInjections(
        discovery,
        new Map(caches().map(({ definition }) => [getCacheToken(definition), definition.name])),
      ),
    // Responses carry the tags of their routes, which may be made from the request.
    carriesOtherTags: () => routes.declared > 0,
    defaults: options?.defaults,
  });
}

/** @throws CacheConfigError naming a method that waits for commits nobody will report */
function refuseAfterCommit(methods: CachedMethods): void {
  const waiting = methods.list().find(({ options }) => options.phase === 'afterCommit');
  if (waiting) throw new CacheConfigError(messages.noTransactions(`${waiting.className}.${waiting.method}`));
}

/** The caches that a method clears, or replaces. */
function clearedBy(methods: CachedMethods): ReadonlySet<string> {
  const clearing = methods.list().filter(({ decorator }) => decorator !== 'Cacheable');
  return new Set(clearing.map(({ definition }) => definition.name));
}

/** The providers of one engine; `CACHE_MODULE_OPTIONS` comes from the module that uses them. */
export const engineProviders: Provider[] = [
  EngineOwner,
  {
    provide: Strata,
    inject: [EngineOwner, CACHE_MODULE_OPTIONS],
    useFactory: (owner: EngineOwner, options: CacheModuleOptions | undefined): Strata => owner.open(options),
  },
  CachedMethods,
  {
    provide: PurgeService,
    inject: [EngineOwner, Strata],
    useFactory: (owner: EngineOwner): PurgeService => owner.purges,
  },
  LockService,
  ...httpCacheProviders,
  {
    provide: CacheContract,
    inject: [Strata, CachedMethods, DiscoveryService, HttpRoutes, CACHE_MODULE_OPTIONS],
    useFactory: contractOf,
  },
  {
    provide: CacheDoctor,
    inject: [Strata, CachedMethods, HttpRoutes, CACHE_MODULE_OPTIONS],
    useFactory: (
      strata: Strata,
      methods: CachedMethods,
      routes: HttpRoutes,
      options?: CacheModuleOptions,
    ): CacheDoctor =>
      new CacheDoctor({
        strata,
        clearedByMethods: () => clearedBy(methods),
        httpRoutes: () => routes.declared,
        atBoot: options?.doctor === true && strata instanceof Strata,
      }),
  },
  EngineLifecycle,
];

/** What the application sees of them. */
export const engineExports = [
  Strata,
  CachedMethods,
  CacheContract,
  LockService,
  PurgeService,
  CacheDoctor,
  ...httpCacheExports,
];

/**
 * A provider for each cache, under its {@link getCacheToken}.
 * @throws CacheConfigError for what is no definition, and for two of one name; those of different modules fail the boot
 */
export function cacheProvidersFor(definitions: readonly CacheDefinition<any, any>[]): Provider[] {
  if (!Array.isArray(definitions) || definitions.some((definition) => typeof definition?.name !== 'string')) {
    throw new CacheConfigError(messages.notADefinition('CacheModule.forFeature'));
  }
  const byName = new Map<string, CacheDefinition<any, any>>();
  for (const definition of definitions) {
    const known = byName.get(definition.name) ?? definition;
    // Here, because Nest would let the last provider of a token win without a word.
    if (known !== definition) {
      throw new CacheConfigError(messages.oneName(definition.name, known.owner, definition.owner));
    }
    byName.set(definition.name, definition);
  }
  return [...byName.values()].map((definition) => ({
    provide: getCacheToken(definition),
    inject: [Strata],
    useFactory: (strata: Strata) => strata.cache(definition),
  }));
}
