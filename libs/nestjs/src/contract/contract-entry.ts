import type { Consistency } from '@strata-cache/core';

/** What the contract says about one cache. Plain data: it survives JSON. */
export interface CacheContractEntry {
  readonly name: string;
  readonly version: number;
  readonly owner: string;
  /** What identifies an entry: `productId`, `[categoryId, page]`, `one entry`, or `computed` where that cannot be told. */
  readonly key: string;
  /** ms. */
  readonly ttl: number;
  readonly grace: number;
  readonly negativeTtl: number | undefined;
  /** Patterns such as `category:{product.categoryId}`. */
  readonly tags: readonly string[];
  /** False: entries may carry other tags as well, because `tags` chooses by values or could not be read. */
  readonly tagsAreComplete: boolean;
  readonly consistency: Consistency | undefined;
  readonly expectedHitRatio: number | undefined;
  readonly readBy: readonly ContractReader[];
  readonly clearedBy: readonly ContractClearing[];
}

/** Who uses a cache. */
export interface ContractReader {
  /** `Class.method`, the name of a class, or that of the cache itself for its own `load`. */
  readonly by: string;
  /** `'injected'`: a class that has the cache itself, and may also write to it and clear it. */
  readonly how: 'Cacheable' | 'CachePut' | 'injected' | 'load';
}

/** What changes or removes entries of a cache. */
export interface ContractClearing {
  readonly kind: 'method' | 'event';
  /** `Class.method`, or the name of the event. */
  readonly by: string;
  /** `'puts'`: stores the new value. */
  readonly effect: 'delete' | 'expire' | 'puts';
  /** What it aims at. */
  readonly target: 'key' | 'tags' | 'all';
  /** The keys or tags, where they can be told. */
  readonly what: readonly string[];
  readonly phase: 'before' | 'afterReturn' | 'afterCommit' | undefined;
}

/** A decorated method, as the contract needs it. */
export interface ContractMethod {
  readonly decorator: string;
  readonly className: string;
  readonly method: string;
  readonly definition: { readonly name: string };
  readonly options: Readonly<Record<string, unknown>>;
}

/** A class, or a factory, that has a cache injected. */
export interface ContractInjection {
  readonly by: string;
  readonly cache: string;
}
