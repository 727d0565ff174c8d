import { formatCacheControl } from './cache-control.js';

/** How long a response may be used, ms. */
export interface PolicyTerms {
  readonly maxAge: number | undefined;
  readonly sMaxAge: number | undefined;
  readonly staleWhileRevalidate: number | undefined;
  readonly staleIfError: number | undefined;
}

/** What holds whatever the terms are. */
export interface PolicyFlags {
  readonly mustRevalidate: boolean;
  readonly immutable: boolean;
  readonly noTransform: boolean;
}

/**
 * Cache-Control for these terms. `s-maxage` and `public` stand only where nobody is named in the request: each of them allows shared caches
 * to store the response to a request with Authorization, and so does must-revalidate without `private` (RFC 9111 section 3.5).
 */
export function cacheControlOf(flags: PolicyFlags, terms: PolicyTerms, shared: boolean): string {
  const { maxAge, sMaxAge, staleWhileRevalidate, staleIfError } = terms;
  const asked = maxAge === undefined && (!shared || sMaxAge === undefined);
  return formatCacheControl({
    visibility: shared ? 'public' : 'private',
    noCache: asked,
    maxAge,
    sMaxAge: shared ? sMaxAge : undefined,
    mustRevalidate: flags.mustRevalidate,
    immutable: flags.immutable && !asked,
    noTransform: flags.noTransform,
    staleWhileRevalidate: asked ? undefined : staleWhileRevalidate,
    staleIfError: asked ? undefined : staleIfError,
  });
}

/** The value of targeted fields: a Structured-Field dictionary of integers (RFC 9213 section 2.1). */
export function targetedOf(cdn: PolicyTerms): string {
  return formatCacheControl({ visibility: undefined, ...cdn, sMaxAge: undefined });
}
