/** Every text a user reads, in one place: what is wrong, where, and what to do. */

const where = (site: string, decorator: string): string => `${site}: @${decorator}`;

export const messages = {
  noEngine: (className: string, kind: string): string =>
    `${className} has ${kind} methods, but no cache engine reaches it. Add CacheModule.forRoot() to the imports of the ` +
    `root module (with isGlobal: false: to those of the module that provides ${className}), or ` +
    `CacheTestingModule.forRoot() to those of a testing module. An instance made by hand inside an application gets ` +
    `one by withStrata(instance, strata) of @strata-cache/nestjs/testing.`,

  severalGlobalEngines: (): string =>
    `CacheModule.forRoot() is imported more than once, so it is undecided which cache engine decorated methods use. ` +
    `Import it once, in the root module; give the others isGlobal: false. In tests replace the engine of the ` +
    `application: overrideProvider(Strata).useValue(createStrata({ clock })).`,

  severalEnginesForFactory: (className: string): string =>
    `${className} is made by useFactory or useValue in an application with several cache engines, so it is undecided ` +
    `which one it uses. Provide it as a class, or import CacheModule.forRoot() once.`,

  requestScopedWithoutKey: (site: string): string =>
    `${site}: @Cacheable without 'key' on a request-scoped class: its results may depend on the request, which is not ` +
    `part of the key. Give 'key' with everything the result depends on, or use a definition made by defineCache.`,

  notAMethod: (site: string, decorator: string): string =>
    `${where(site, decorator)} works on methods only; this is an accessor or a property. Move the work to an async method.`,

  staticMethod: (site: string, decorator: string): string =>
    `${where(site, decorator)} does not work on static methods: no cache engine reaches a class without an instance. ` +
    `Make it a method of a provider.`,

  standardDecorator: (decorator: string): string =>
    `@${decorator}: this class was compiled with standard decorators, but Nest needs the legacy ones. Set ` +
    `"experimentalDecorators": true and "emitDecoratorMetadata": true in tsconfig.json.`,

  declaredType: (site: string, decorator: string, type: string): string =>
    `${where(site, decorator)} needs a method that returns a promise, this one declares ${type}. ` +
    `Make it async${type === 'Observable' ? ' and return firstValueFrom(observable)' : ''}.`,

  notAPromise: (site: string, decorator: string, got: string): string =>
    `${where(site, decorator)} needs a method that returns a promise, this one returned ${got}. ` +
    `Make it async${got === 'an Observable' ? ' and return firstValueFrom(observable)' : ''}.`,

  requestObject: (site: string, decorator: string, what: string): string =>
    `${where(site, decorator)}: ${what} cannot be part of a key: it is another object on every call. ` +
    `Give 'args' (inline: 'key') and pick what identifies the result, e.g. args: (req) => req.params.id.`,

  unknownOption: (site: string, decorator: string, option: string, known: readonly string[]): string =>
    `${where(site, decorator)}: unknown option '${option}'. Known options: ${known.join(', ')}.`,

  badOption: (site: string, decorator: string, option: string, expected: string, got: string): string =>
    `${where(site, decorator)}: ${option}: expected ${expected}, got ${got}.`,

  resultBefore: (site: string, option: string): string =>
    `${where(site, 'CacheEvict')}: '${option}' is made from the result, which phase 'before' does not have yet. ` +
    `Use 'args', or leave the phase out.`,

  noDefinition: (site: string, decorator: string): string =>
    `${where(site, decorator)} needs a definition made by defineCache({ name, version, owner, ttl, ... }) as its first ` +
    `argument, got undefined. Where two files import each other, move the definition to a file of its own.`,

  notADefinition: (where: string): string =>
    `${where}: expected cache definitions made by defineCache({ name, version, owner, ttl, ... }). ` +
    `Where it is undefined, two files import each other: move the definition to a file of its own.`,

  oneName: (name: string, first: string, second: string): string =>
    `CacheModule.forFeature: two definitions are named "${name}" (owners: ${first}, ${second}). Names are unique per ` +
    `namespace: rename one, or give both places the same definition.`,

  eachWithoutKey: (site: string, name: string): string =>
    `${where(site, 'Cacheable')}: 'each' needs a cache with many entries, but "${name}" has no 'key' and holds one. ` +
    `Give the definition a 'key', or leave 'each' out.`,

  eachNeedsArray: (site: string, got: string): string =>
    `${where(site, 'Cacheable')}: with 'each' the method takes an array with one element per key, got ${got}. ` +
    `Pass an array of keys as its first argument, or give 'args' where another argument is the array.`,

  eachKeys: (site: string, keys: string, elements: number): string =>
    `${where(site, 'Cacheable')}: 'args' with 'each' must return one key for each of the ${elements} elements of the ` +
    `array argument, in their order; it returned ${keys}.`,

  eachResult: (site: string, each: string, got: string): string =>
    each === 'map'
      ? `${where(site, 'Cacheable')}: each: 'map' needs a method that returns a Map by key, this one returned ${got}. ` +
        `For an array in the order of the keys write each: true.`
      : `${where(site, 'Cacheable')}: each: true needs a method that returns an array with one value per key, in their ` +
        `order, this one returned ${got}. For a Map by key write each: 'map'.`,

  holdConflict: (site: string, option: string): string =>
    `${where(site, 'CacheEvict')}: 'hold' is taken on the keys before the method runs and lifted after it, which ` +
    `excludes ${option}. Leave it out, or leave 'hold' out.`,

  holdNeedsKeys: (site: string): string =>
    `${where(site, 'CacheEvict')}: 'hold' is taken on keys known before the method runs, and 'tags' alone names none. ` +
    `Give 'args' as well, or leave 'hold' out.`,

  noLocks: (where: string): string =>
    `${where}: no lock service is here, and nothing runs unlocked because of that. In an application import ` +
    `CacheModule.forRoot(); in unit tests give the instance an engine, whose locks hold within the process: ` +
    `withStrata(instance, createStrata()) of @strata-cache/nestjs/testing. A mock of Strata has no locks.`,

  noLockKey: (site: string): string =>
    `${where(site, 'Locked')} needs 'key', the name of the lock: a non-empty string, or a function of the method's ` +
    `arguments that returns one, e.g. key: (orderId) => \`order:\${orderId}\`.`,

  badLockKey: (site: string, got: string): string =>
    `${where(site, 'Locked')}: 'key' must return a non-empty string, got ${got}. The method was not run.`,

  evictFailed: (site: string, error: unknown): string =>
    `${where(site, 'CacheEvict')} could not invalidate after the method succeeded; entries may be served until their ` +
    `ttl ends. Cause: ${String(error)}`,

  evictBeforeFailed: (site: string, error: unknown): string =>
    `${where(site, 'CacheEvict')} could not invalidate before the method; it runs nevertheless, and entries may be ` +
    `served until their ttl ends. Cause: ${String(error)}`,

  noTransactions: (site: string): string =>
    `${where(site, 'CacheEvict')}: phase 'afterCommit' needs to know when a transaction has committed. Give ` +
    `CacheModule.forRoot({ transactions }): new Transactions(), with your transactions run inside its around(...), or an ` +
    `object with afterCommit(run) that calls run() after the commit.`,

  badTransactions: (): string =>
    `CacheModule.forRoot: transactions: expected an object with a method afterCommit(run), such as new Transactions().`,

  commitHookFailed: (site: string, error: unknown): string =>
    `${where(site, 'CacheEvict')}: transactions.afterCommit threw, so the entries were invalidated at once instead of after ` +
    `the commit: a reader may store the old value until then. Cause: ${String(error)}`,

  putFailed: (site: string, error: unknown): string =>
    `${where(site, 'CachePut')} could not store the result of the method, which succeeded. Cause: ${String(error)}`,

  callbackFailed: (site: string, decorator: string, option: string, error: unknown): string =>
    `${where(site, decorator)}: '${option}' threw after the method succeeded; the result is not stored. ` +
    `Cause: ${String(error)}`,

  purgeAllRefused: (): string =>
    `purgeAll() empties the CDN, and every request of the world then reaches the application at once. Purge tags instead; ` +
    `where everything is really meant, write purgeAll({ force: true }).`,

  purgeOnClear: (): string =>
    `strata.clear() was not passed on to the CDNs: it would empty them at once. Responses there live on until their ` +
    `max-age ends. Call purgeAll({ force: true }) of PurgeService, or set http: { purging: { purgeAllOnClear: true } }.`,

  purgeTags: (): string => `purgeTags: expected an array of non-empty strings.`,

  purgeUrl: (url: string): string =>
    `purgeUrls: expected absolute URLs such as "https://shop.example/products/42" without credentials, got "${url}".`,

  purgeRefused: (where: string, count: number, reason: string): string =>
    `${where} refused to purge ${count} of its tags or URLs; they stay there until their max-age ends. Check the token and ` +
    `ids of the purger, and with Varnish that deploy/varnish/strata.vcl is loaded and knows this address. It said: ${reason}`,

  purgeFailing: (where: string, reason: string): string =>
    `${where} cannot be purged for the moment; purges are kept and tried again. Cause: ${reason}`,

  purgeDropped: (where: string, count: number, reason: string): string =>
    `${where} could not be purged for too long (http.purging.giveUpAfter): ${count} tags or URLs are given up, and stay ` +
    `there until their max-age ends. Last cause: ${reason}`,

  purgeLimited: (where: string, limit: number, waiting: number): string =>
    `${where}: more than ${limit} tags or URLs were to be purged at once (http.purging.maxTagsPerFlush); ${waiting} follow ` +
    `in slices, so that the CDN does not ask the application for everything together.`,

  purgeOverflow: (where: string, waiting: number): string =>
    `${where}: ${waiting} tags or URLs wait to be purged already (http.purging.maxWaiting); further ones are dropped and ` +
    `stay there until their max-age ends. Use coarser tags, or purgeAll({ force: true }).`,

  purgeLeft: (where: string, left: number): string =>
    `${where}: ${left} tags or URLs were not purged before the shutdown (http.purging.drainLimit); they stay there until ` +
    `their max-age ends.`,

  eventFailed: (event: string, cache: string, error: unknown): string =>
    `event "${event}" could not be applied to cache "${cache}"; its entries may be served until their ttl ends. ` +
    `Look at 'invalidatedBy' of its definition. Cause: ${String(error)}`,

  httpConflict: (where: string, conflict: string, remedy: string): string =>
    `${where}: ${conflict} contradict each other: ${remedy}.`,

  httpMisplaced: (site: string, what: string, where: string): string =>
    `${site}: @HttpCache: ${what} does not work with ${where}, where Nest ignores what an interceptor answers. Leave it ` +
    `out${where.startsWith('@Res') ? ', add passthrough: true, or set store: { manual: true } if the handler answers by send()' : ''}.`,

  httpWeakPrecondition: (site: string): string =>
    `${site}: the version makes a weak entity tag, but @Precondition compares If-Match strongly, which no weak tag ever ` +
    `passes (RFC 9110 section 8.8.3.2). Set etag: 'strong' in the @HttpCache with the same version.`,

  httpInvalidationFailed: (path: string, error: unknown): string =>
    `HttpCacheInterceptor could not invalidate stored responses after a write to ${path} succeeded; they may be served ` +
    `until their ttl ends. Cause: ${String(error)}`,

  httpTags: (site: string, warning: 'tags-on-the-wire' | 'tags-of-an-entry'): string =>
    warning === 'tags-on-the-wire'
      ? `${site}: @HttpCache: the tags of a response are more than a header takes. It carries the one tag ` +
        `strata:too-many-tags instead, which is purged whenever any tag is. Tag it by category instead of by item.`
      : `${site}: @HttpCache: a response is not stored, because an entry takes at most 31 tags of 1 to 256 characters, ` +
        `without control characters and none that starts with "@". Give fewer, such as one for the category.`,

  httpBy: (site: string, by: unknown): string =>
    `${site}: @HttpCache: store.by: expected a string or a number, which says whose response it is, got ` +
    `${by instanceof Promise ? 'a promise' : typeof by}. Find out who it is in a guard, and return an id.`,

  httpIf: (site: string, said: unknown): string =>
    `${site}: @HttpCache: if: expected true or false, got ${said instanceof Promise ? 'a promise' : typeof said}. It is asked ` +
    `synchronously: find out in a guard, and look at the request here.`,

  httpUrl: (url: unknown): string =>
    `HttpCacheService.invalidateUrls: expected absolute http(s) URLs, got ${JSON.stringify(String(url).slice(0, 100))}.`,
} as const;
