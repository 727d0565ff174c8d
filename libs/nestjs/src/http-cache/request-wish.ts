import { deltaSeconds, parseCacheControl } from './cache-control.js';
import type { RequestFields } from './field.js';
import type { StoredVariant } from './stored-response.js';

/** What a request asks of a cache (RFC 9111 section 5.2.1), durations in seconds. */
export interface RequestWish {
  readonly onlyIfCached: boolean;
  readonly reload: boolean;
  readonly maxAge: number | undefined;
  readonly minFresh: number | undefined;
}

/**
 * `only-if-cached` is always obeyed: it costs nothing. The rest, with which any client could make the handler run at will, only where the
 * application said so. Pragma counts where there is no Cache-Control (section 5.4).
 */
export function requestWish(fields: RequestFields, honored: boolean): RequestWish {
  const given = fields['cache-control'];
  const directives = parseCacheControl(given);
  const pragma = given === undefined && parseCacheControl(fields['pragma']).has('no-cache');
  return {
    onlyIfCached: directives.has('only-if-cached'),
    reload: honored && (directives.has('no-cache') || pragma),
    maxAge: honored ? deltaSeconds(directives, 'max-age') : undefined,
    minFresh: honored ? deltaSeconds(directives, 'min-fresh') : undefined,
  };
}

/**
 * Whether the response to a request may be stored for others. Not where it says no-store (RFC 9111 section 5.2.1.5), nor where it has a body,
 * which no key holds although handlers may read it (RFC 9110 section 9.3.1). Such a request leads nobody: those who wait for its response
 * would all wait in vain.
 */
export function maySpeakForAll(fields: RequestFields): boolean {
  const hasBody = fields['transfer-encoding'] !== undefined || Number(fields['content-length'] ?? 0) !== 0;
  return !hasBody && !parseCacheControl(fields['cache-control']).has('no-store');
}

export function acceptsVariant(wish: RequestWish, variant: StoredVariant, now: number): boolean {
  if (wish.reload) return false;
  const age = (now - variant.storedAt + variant.age) / 1_000;
  const left = (variant.storedAt + variant.freshFor - now) / 1_000;
  return (wish.maxAge === undefined || age <= wish.maxAge) && (wish.minFresh === undefined || left >= wish.minFresh);
}
