/** What one request to a CDN asks for. `soft`: mark stale instead of removing, where the CDN knows the difference. */
export type PurgeBatch =
  | { readonly kind: 'tags'; readonly names: readonly string[]; readonly soft: boolean }
  | { readonly kind: 'urls'; readonly names: readonly string[]; readonly soft: boolean }
  | { readonly kind: 'all' };

/**
 * How a CDN answered. `retry`: it may work later (an overload, a network error), not before `after` ms where the CDN said so. `refused`:
 * the same request will fail again, such as a wrong token.
 */
export type PurgeAnswer =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'retry'; readonly reason: string; readonly after?: number | undefined }
  | { readonly outcome: 'refused'; readonly reason: string };

/** What a CDN takes at once, and how often. */
export interface PurgeLimits {
  readonly tagsPerRequest: number;
  readonly urlsPerRequest: number;
  /** Characters of all tags of one request together, separators included. */
  readonly tagCharacters: number;
  /** Requests a second in the long run, and at most at once after a pause (a token bucket). */
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * A CDN or reverse proxy that can be told to forget. Ready-made: `varnishPurger`, `fastlyPurger`, `cloudflarePurger`; implement it for
 * another one. Batching, retries and limits are not its business.
 */
export interface Purger {
  /** Names it in warnings and figures. */
  readonly name: string;
  /** Base URLs that must each be told. Every one has a queue of its own: a node that is down holds up no other. */
  readonly endpoints: readonly string[];
  /** The response header in which this CDN looks for tags. */
  readonly tagHeader: string;
  /** Whether purges are soft unless said otherwise. */
  readonly soft: boolean;
  readonly limits: PurgeLimits;
  /**
   * Sends one batch to one endpoint. Tags have the form of the response header already. Rejecting is the same as `retry`.
   * @param signal aborted when the application shuts down and may wait no longer
   */
  send(endpoint: string, batch: PurgeBatch, signal: AbortSignal): Promise<PurgeAnswer>;
}
