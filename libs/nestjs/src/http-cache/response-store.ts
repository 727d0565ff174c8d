import {
  type Background,
  type CacheEntry,
  type Clock,
  type Consistency,
  type LoadContext,
  type Strata,
} from '@strata-cache/core';
import { Capture } from './capture.js';
import type { RequestFields } from './field.js';
import {
  LeaderGone,
  msText,
  ResponseFill,
  variantFor,
  type LeadReason,
  type Responses,
  type StoreQuery,
} from './response-fill.js';
import { responseDefinition, type StoredResponse, type StoredVariant } from './stored-response.js';
import { VariantLimit } from './variant-limit.js';

/** How the store answers. */
export type StoreAnswer =
  | {
      readonly kind: 'hit';
      readonly variant: StoredVariant;
      readonly stale: boolean;
      /** Another request ran the handler. */
      readonly collapsed: boolean;
    }
  | {
      /** Run the handler, and settle the capture with its response. */
      readonly kind: 'lead';
      readonly capture: Capture;
      readonly reason: LeadReason;
      /** Answers instead of a 5xx. */
      readonly fallback: StoredVariant | undefined;
    }
  /** Run the handler, store nothing. */
  | { readonly kind: 'bypass'; readonly reason: string };

type Answer = (answer: StoreAnswer) => void;

/** Clients that may leave, one after the other, before those who wait stop waiting for each other. */
const MAX_LEADERS = 5;
/** Far beyond any load: "wait for the load, and take the stale value if it fails". */
const UNTIL_IT_FAILS = '1d';

/**
 * Responses in the engine. The handler runs inside a load of it, so single flight, leases across instances, fences and tags are those of
 * every other cache; the one thing special is that the loader's value comes from a response on its way out.
 */
export class ResponseStore {
  readonly variants = new VariantLimit();
  readonly #strata: Strata;
  readonly #clock: Clock;
  readonly #background: Background;
  readonly #peeks: boolean;
  readonly #responses: Responses;
  readonly #withGrace = new Map<number, Responses>();
  readonly #fill: ResponseFill;
  /** Keys whose handler runs in this process. */
  readonly #led = new Set<string>();

  constructor(strata: Strata, clock: Clock, consistency: Consistency | undefined, background: Background) {
    this.#background = background;
    this.#strata = strata;
    this.#clock = clock;
    // Coherent reads are validated by the second tier, which a synchronous look is not.
    this.#peeks = consistency !== 'coherent';
    this.#responses = strata.cache(responseDefinition(consistency));
    this.#fill = new ResponseFill(clock);
  }

  /** A fresh variant of the first tier, at once. */
  peek(key: string, fields: RequestFields): StoredVariant | undefined {
    const found = this.#peeks ? this.#responses.peek(key) : undefined;
    return found === undefined ? undefined : variantFor(found, fields);
  }

  /** Whether the request is answered from the store, runs the handler for everyone who waits, or runs it for itself. */
  async find(query: StoreQuery): Promise<StoreAnswer> {
    const responses = this.#responsesFor(query.grace);
    if (query.grace > 0 || !query.leads) {
      const entry = await responses.entry(query.key);
      if (entry?.stale === true) return this.#findStale(responses, query, entry);
      const variant = entry === undefined || query.leads ? undefined : variantFor(entry.value, query.fields);
      if (variant !== undefined) return { kind: 'hit', variant, stale: false, collapsed: false };
    }
    return this.#load(responses, query, 'uri-miss');
  }

  /** Only what is there and fresh; for `only-if-cached` (RFC 9111 section 5.2.1.7). */
  async findFresh(query: StoreQuery): Promise<StoredVariant | undefined> {
    const entry = await this.#responses.entry(query.key);
    return entry === undefined || entry.stale ? undefined : variantFor(entry.value, query.fields);
  }

  /** Runs the handler whatever is stored, and stores its response. */
  replace(query: StoreQuery): Promise<StoreAnswer> {
    return this.#load(this.#responsesFor(query.grace), query, 'request');
  }

  async #findStale(responses: Responses, query: StoreQuery, entry: CacheEntry<StoredResponse>): Promise<StoreAnswer> {
    const variant = variantFor(entry.value, query.fields);
    if (variant === undefined) return this.#load(responses, query, 'vary-miss');
    // Expired by an invalidation, it is stale from now on, however long it would have been fresh.
    const staleFor = Math.max(0, this.#clock.wall() - entry.staleAt);
    if (staleFor < variant.staleWhileRevalidate) {
      this.#refreshBehind(responses, query);
      return { kind: 'hit', variant, stale: true, collapsed: false };
    }
    return this.#load(responses, query, 'stale', staleFor < variant.staleIfError ? variant : undefined);
  }

  /** The engine answers stale at once, refreshes once whoever asks, and pauses after failures. */
  #refreshBehind(responses: Responses, query: StoreQuery): void {
    this.#background.run('http.refresh', async () => {
      // The engine gives the stale answer at once; a failure of the load behind it is its own business.
      await responses.getOrSet(query.key, (context) => this.#refresh(responses, query, context));
    });
  }

  /** Runs the request through the whole application again: a subscription to its observable alone would skip guards and serializers. */
  async #refresh(responses: Responses, query: StoreQuery, context: LoadContext<StoredResponse>): Promise<any> {
    return this.#fill.store(responses, query, context, await query.reenter());
  }

  #load(
    responses: Responses,
    query: StoreQuery,
    reason: LeadReason,
    fallback?: StoredVariant,
    attempts = MAX_LEADERS,
  ): Promise<StoreAnswer> {
    if (!query.leads) return Promise.resolve(NOT_FOR_ALL);
    const collapsed = this.#led.has(query.key);
    return new Promise((resolve) => {
      let open = true;
      const answer: Answer = (given) => {
        if (open) resolve(given);
        open = false;
        this.#clock.clearTimeout(timer);
      };
      const timer = this.#clock.setTimeout(() => answer({ kind: 'bypass', reason: 'wait' }), query.wait);
      const alone = reason === 'vary-miss' || reason === 'request' || this.#fill.isUnstorable(query.key);
      const load = async (context: LoadContext<StoredResponse>): Promise<any> => {
        // Answered stale in between: nobody waits for this load.
        if (context.stale !== undefined && reason !== 'stale' && !alone)
          return this.#refresh(responses, query, context);
        if (!open) {
          context.skip();
          return undefined;
        }
        const capture = new Capture();
        answer({ kind: 'lead', capture, reason, fallback });
        this.#led.add(query.key);
        const outcome = await capture.outcome;
        this.#led.delete(query.key);
        return this.#fill.store(responses, query, context, outcome);
      };
      const options = alone ? { forceRefresh: true } : reason === 'stale' ? { softTimeout: UNTIL_IT_FAILS } : undefined;
      responses.getOrSet(query.key, load, options as { forceRefresh: true }).then(
        (stored: StoredResponse | undefined) => {
          if (open) this.#follow(responses, query, stored, fallback, collapsed).then(answer, () => answer(ALONE));
        },
        (error: unknown) => {
          if (!open) return;
          // A leader's failure is its own: whoever waited for it tries for himself. If only its client has gone, one of them leads.
          const again = error instanceof LeaderGone && attempts > 1;
          if (!again) answer(ALONE);
          else this.#load(responses, query, reason, fallback, attempts - 1).then(answer, () => answer(ALONE));
        },
      );
    });
  }

  /** The answer for a request that another one has led, or that found a response in the second tier. */
  async #follow(
    responses: Responses,
    query: StoreQuery,
    stored: StoredResponse | undefined,
    fallback: StoredVariant | undefined,
    collapsed: boolean,
  ): Promise<StoreAnswer> {
    if (stored === undefined) return ALONE;
    const variant = variantFor(stored, query.fields);
    // What the response names in Vary was not known when its key was made, and this request has other values.
    if (variant === undefined) return this.#load(responses, query, 'vary-miss');
    if (query.grace > 0 && (await responses.entry(query.key))?.stale === true) {
      return fallback === undefined ? ALONE : { kind: 'hit', variant: fallback, stale: true, collapsed: false };
    }
    return { kind: 'hit', variant, stale: false, collapsed };
  }

  #responsesFor(grace: number): Responses {
    if (grace === 0) return this.#responses;
    let responses = this.#withGrace.get(grace);
    if (responses === undefined) {
      responses = this.#responses.with({ grace: msText(grace) });
      this.#withGrace.set(grace, responses);
    }
    return responses;
  }

  /** Every stored response of these tags, and whatever else carries them. */
  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#strata.invalidateTags(tags);
  }

  async clear(): Promise<void> {
    await this.#responses.clear();
  }

  stats(): ReturnType<Responses['stats']> {
    return this.#responses.stats();
  }
}

const ALONE: StoreAnswer = { kind: 'bypass', reason: 'alone' };
const NOT_FOR_ALL: StoreAnswer = { kind: 'bypass', reason: 'request' };
