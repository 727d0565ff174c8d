import type { ExecutionContext } from '@nestjs/common';
import type { ByteSize, Duration } from '@strata-cache/core';
import type { Purger } from '../purging/purger.js';
import type { PurgingOptions } from '../purging/purge-options.js';

/** What identifies a state of a resource: a text, a number, a Date (its milliseconds), or parts of it; `null`: there is no such resource. */
export type ResourceVersion =
  | string
  | number
  | bigint
  | Date
  | {
      /** A version, or a whole entity tag such as `W/"x"`. */
      readonly etag?: string | number | bigint | undefined;
      readonly lastModified?: Date | number | undefined;
    }
  | null
  | undefined;

/** @param controller the instance whose handler is to run; name its type: `(context, self: ProductsController) => ...` */
export type VersionFunction = (
  context: ExecutionContext,
  controller?: any,
) => ResourceVersion | Promise<ResourceVersion>;

/**
 * Tags of a response: fixed, from the request, or (a function of two parameters) from what the handler returned as well. Where it
 * returns nothing, as with `@Res()`, such a function is not asked, and there are no tags.
 */
export type TagsOption = readonly string[] | ((context: ExecutionContext, result?: any) => readonly string[]);

/** What may be said to caches that read a targeted field (RFC 9213), such as `CDN-Cache-Control`. */
export interface TargetedOptions {
  readonly maxAge?: Duration | undefined;
  readonly staleWhileRevalidate?: Duration | undefined;
  readonly staleIfError?: Duration | undefined;
}

/** How responses are stored in this application's cache. */
export interface StoreOptions {
  /**
   * How long a response is fresh here, whatever it tells others: unlike them, this store hears of invalidations. A `Cache-Control` the
   * handler sets itself can only shorten it. Default: `sMaxAge`, else `maxAge`.
   */
  readonly ttl?: Duration | undefined;
  /**
   * Longest time past freshness for which a response is kept, and used while it is refreshed or when the handler fails with a 5xx status,
   * as its `stale-while-revalidate` and `stale-if-error` say. Given, it is itself a permission to be used after a failure.
   * Default: the larger of the two options.
   */
  readonly grace?: Duration | undefined;
  /** The query parameters that matter, or all. Default `'all'`, in the order they were sent. */
  readonly query?: 'all' | readonly string[] | undefined;
  /** A further part of the key, such as a tenant or, with `scope: 'private'`, the user; `undefined`: this request is neither stored nor answered. */
  readonly by?: ((context: ExecutionContext) => string | number | undefined) | undefined;
  /** Statuses that are stored. Default `[200]`, and those listed in `errors`. */
  readonly statuses?: readonly number[] | undefined;
  /** Larger bodies are sent, but not stored. Default `'1mb'`. */
  readonly maxBodyBytes?: ByteSize | undefined;
  /** Variants stored per URL; further ones are answered by the handler. Default 32. */
  readonly maxVariants?: number | undefined;
  /** How long a request waits for another one that runs the handler for the same response, before it runs it itself. Default `'10s'`. */
  readonly wait?: Duration | undefined;
  /** Also store what a handler with `@Res()` sends itself through `send`. Default false. */
  readonly manual?: boolean | undefined;
}

/** What a response with an error status is allowed; without an entry it is `no-store`. */
export interface ErrorOptions {
  readonly maxAge?: Duration | undefined;
}

/** Options of `@HttpCache`. */
export interface HttpCacheOptions {
  /**
   * `'public'`: shared caches may keep it for everyone; `'private'` (default): only the user's own cache; `'none'`: nobody
   * (`no-store`). A response to a request with credentials is never public unless `shareAuthenticated`.
   */
  readonly scope?: 'public' | 'private' | 'none' | undefined;
  /** How long it is fresh everywhere (`max-age`). Absent: caches ask each time (`no-cache`). */
  readonly maxAge?: Duration | undefined;
  /** ... in shared caches (`s-maxage`). */
  readonly sMaxAge?: Duration | undefined;
  /** How long after that it may be used while it is refreshed in the background (RFC 5861). */
  readonly staleWhileRevalidate?: Duration | undefined;
  /** How long after that it may be used when the handler fails with a 5xx status (RFC 5861). */
  readonly staleIfError?: Duration | undefined;
  readonly mustRevalidate?: boolean | undefined;
  /** Never changes while fresh (RFC 8246). */
  readonly immutable?: boolean | undefined;
  readonly noTransform?: boolean | undefined;
  /** What CDNs are told instead, in the fields of `http.targeted`. */
  readonly cdn?: TargetedOptions | undefined;
  /** The version of what the handler would return, asked before pipes and handler: a match is a 304 without running them. */
  readonly version?: VersionFunction | undefined;
  /**
   * `'weak'` or `'strong'` entity tags, `false` for none, or one made from the bytes that are sent. Default `'weak'`, but `'strong'` for a
   * `version` that a `@Precondition` on the same path compares.
   */
  readonly etag?: 'weak' | 'strong' | false | ((body: Buffer) => string) | undefined;
  /** Request fields the response depends on; as an object, with a function that reduces each value to the few that matter. */
  readonly vary?: readonly string[] | Readonly<Record<string, (value: string | undefined) => string>> | undefined;
  /** Tags: `@CacheEvict({ tags })` and `strata.invalidateTags` remove the stored response, and purge it from CDNs. */
  readonly tags?: TagsOption | undefined;
  /** Store responses in the engine: in process and, with a second tier, shared. Default false. */
  readonly store?: boolean | StoreOptions | undefined;
  /** Responses to requests with credentials are the same for everyone. Default false. */
  readonly shareAuthenticated?: boolean | undefined;
  /** A response that sets a cookie may be shared and stored; the cookie itself is never stored. Default false. */
  readonly allowSetCookie?: boolean | undefined;
  /** Error statuses that may be cached, e.g. `{ 404: { maxAge: '10s' } }`. Default: none, they are `no-store`. */
  readonly errors?: Readonly<Record<number, ErrorOptions>> | undefined;
  /** Whether this request takes part at all. Default: all do. */
  readonly if?: ((context: ExecutionContext) => boolean) | undefined;
}

/** Options of `@Precondition`. */
export interface PreconditionOptions {
  /** The current version, `null` when the resource does not exist. Read it in the same form as in `@HttpCache({ version })`. */
  readonly version: VersionFunction;
  /** Refuse requests without any condition with 428 (RFC 6585). Default false. */
  readonly required?: boolean | undefined;
  /** Asked when the condition does not hold; true runs the handler nevertheless. Default: 412. */
  readonly onFailed?: ((context: ExecutionContext) => boolean | Promise<boolean>) | undefined;
}

/** What makes a request one of a certain user. */
export interface IdentityOptions {
  /** Request fields that carry credentials. Default `['authorization', 'x-api-key']`. */
  readonly headers?: readonly string[] | undefined;
  /** Cookies that identify: all (true, the default), those named, or none. */
  readonly cookies?: boolean | readonly string[] | undefined;
  /** The user of a request, if any. Default `(request) => request.user`. */
  readonly user?: ((request: any) => unknown) | undefined;
}

/** Options of `CacheModule.forRoot({ http })`. */
export interface HttpCacheModuleOptions {
  /** Let every handler of the application take part, without `@UseInterceptors(HttpCacheInterceptor)`. Default false. */
  readonly global?: boolean | undefined;
  /**
   * Answer ahead of Nest's pipeline where nothing of the application would run before the interceptor. The answers are the same. Default:
   * `true`; `false` for instrumentation that patches Nest's router and is to see them.
   */
  readonly early?: boolean | undefined;
  readonly identity?: IdentityOptions | undefined;
  /** Part of every version tag and stored key, so that a release that changes the JSON changes them. Default: the version in `package.json`. */
  readonly salt?: string | undefined;
  /** Response fields that carry tags for CDNs, e.g. `['surrogate-key', 'cache-tag', 'xkey']`. Default: those of the purgers. */
  readonly tagHeaders?: readonly string[] | undefined;
  /** Names of targeted fields for `cdn`. Default `['CDN-Cache-Control']`. */
  readonly targeted?: readonly string[] | undefined;
  /** `Cache-Status` (RFC 9211): its name for this cache, whether it tells reasons; `false`: not sent. Default `{ name: 'strata', detail: false }`. */
  readonly cacheStatus?:
    false | { readonly name?: string | undefined; readonly detail?: boolean | undefined } | undefined;
  /** Obey `no-cache`, `max-age`, `min-fresh` and `max-stale` of requests, with which any client can make the handler run. Default false. */
  readonly honorRequestDirectives?: boolean | undefined;
  /** Request fields that are part of the key wherever they are sent, for frameworks read them. Default: `UNKEYED_FIELDS`. */
  readonly unkeyedGuard?: readonly string[] | undefined;
  /** CDNs to purge when tags are invalidated, e.g. `[varnishPurger({ ... })]`. Default: none. */
  readonly purgers?: readonly Purger[] | undefined;
  /** How purges are delivered. */
  readonly purging?: PurgingOptions | undefined;
}
