import { MAX_TAGS, type Cache, type Clock, type LoadContext } from '@strata-cache/core';
import { BoundedMap } from './bounded-map.js';
import { CLOSED, type CaptureOutcome } from './capture.js';
import type { RequestFields } from './field.js';
import type { StoredResponse, StoredVariant } from './stored-response.js';
import { nominatedValue } from './vary.js';

export type Responses = Cache<[key: string], StoredResponse>;

/** A request as the store sees it. All durations in ms. */
export interface StoreQuery {
  readonly key: string;
  readonly fields: RequestFields;
  /** Longest time past freshness that stale responses are kept. */
  readonly grace: number;
  /** Longest wait for another request that runs the handler. */
  readonly wait: number;
  readonly maxVariants: number;
  /** Whether this request's response may be everybody's; if not, nobody waits for it. */
  readonly leads: boolean;
  /** Makes the application answer the request anew, with nobody waiting for it. */
  readonly reenter: () => Promise<CaptureOutcome>;
}

/** Why the handler runs (RFC 9211 section 2.2). */
export type LeadReason = 'uri-miss' | 'vary-miss' | 'stale' | 'request';

/** Keys whose last response could not be stored: for a moment nobody waits for anybody there. */
const HIT_FOR_MISS = { keys: 2_000, ms: 10_000 } as const;

class RefreshFailed extends Error {}

/** Whoever ran the handler for all has left before there was a response. */
export class LeaderGone extends Error {}

/** Turns what became of a handler's run into what the engine stores. */
export class ResponseFill {
  readonly #clock: Clock;
  readonly #unstorable = new BoundedMap<string, number>(HIT_FOR_MISS.keys);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the engine is to store for an outcome. @throws RefreshFailed where a failure must not replace a stale response, LeaderGone where nobody answered */
  async store(
    responses: Responses,
    query: StoreQuery,
    context: LoadContext<StoredResponse>,
    outcome: CaptureOutcome,
  ): Promise<StoredResponse | undefined> {
    if ('refused' in outcome) return this.#refused(responses, query, context, outcome);
    this.#unstorable.delete(query.key);
    const { stored, tags } = outcome;
    if (stored.vary.length === 0) {
      context.setTtl(msText(stored.freshFor));
      context.addTags(tags);
      return { variants: [stored] };
    }
    return this.#merged(responses, query, context, stored, tags);
  }

  /** Beside the variants that are there and still fresh: at most as many as allowed, and none longer than the first of them lasts. */
  async #merged(
    responses: Responses,
    query: StoreQuery,
    context: LoadContext<StoredResponse>,
    stored: StoredVariant,
    tags: readonly string[],
  ): Promise<StoredResponse | undefined> {
    // Race: 1 we take over a variant, 2 one of its tags is invalidated, 3 we store. It cannot live on: its tags are ours from here on,
    // and the fence of this load, which is older than 2, voids the write.
    const entry = await responses.entry(query.key);
    const now = this.#clock.wall();
    const others = (entry === undefined || entry.stale ? [] : entry.value.variants).filter(
      (other) => now < other.storedAt + other.freshFor && !isSameVariant(other, stored),
    );
    const allTags = [...new Set([...tags, ...(others.length === 0 ? [] : entry!.tags)])];
    const kept = allTags.length > MAX_TAGS ? [] : others.slice(0, query.maxVariants - 1);
    const left = kept.map((other) => other.storedAt + other.freshFor - now);
    context.setTtl(msText(Math.min(stored.freshFor, ...left)));
    context.addTags(kept.length === 0 ? tags : allTags);
    return { variants: [stored, ...kept] };
  }

  async #refused(
    responses: Responses,
    query: StoreQuery,
    context: LoadContext<StoredResponse>,
    { refused, failed }: { readonly refused: string; readonly failed: boolean },
  ): Promise<undefined> {
    context.skip();
    if (refused === CLOSED) throw new LeaderGone('the client has gone');
    if (context.stale !== undefined) {
      if (failed) throw new RefreshFailed('the handler failed');
      // The handler has spoken: what is stored is no longer what it would say.
      await responses.delete(query.key);
    }
    if (!failed) this.#unstorable.set(query.key, this.#clock.now() + HIT_FOR_MISS.ms);
    return undefined;
  }

  /** Whether nobody should wait for anybody there. */
  isUnstorable(key: string): boolean {
    const until = this.#unstorable.get(key);
    return until !== undefined && this.#clock.now() < until;
  }
}

/** With its unit: a bare number below 1000 is refused, for people mean seconds by it. */
export function msText(ms: number): `${number}ms` {
  return `${Math.floor(ms)}ms`;
}

/** The stored variant whose nominated fields a request matches (RFC 9111 section 4.1). */
export function variantFor(stored: StoredResponse, fields: RequestFields): StoredVariant | undefined {
  return stored.variants.find(({ vary }) => vary.every(([name, value]) => nominatedValue(fields, name) === value));
}

function isSameVariant(one: StoredVariant, other: StoredVariant): boolean {
  return JSON.stringify(one.vary) === JSON.stringify(other.vary);
}
