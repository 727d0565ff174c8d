import { Background, CacheConfigError, systemClock, type BusEvent, type Clock, type Notice } from '@strata-cache/core';
import { cdnTag } from '../cdn-tag.js';
import { messages } from '../messages.js';
import { PurgeLane, type PurgeFigures } from './purge-lane.js';
import { checkPurgers, resolvePurging, type PurgingOptions, type ResolvedPurging } from './purge-options.js';
import type { Purger } from './purger.js';

/** ms that aborted requests may take to end. */
const ABORT_LIMIT = 500;

/** What purging needs from its application. */
export interface PurgeParts {
  readonly purgers: readonly Purger[];
  readonly options: ResolvedPurging;
  readonly clock: Clock;
  readonly notice: (notice: Notice) => void;
  /** From 0 to 1; decides how pauses are spread. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Tells CDNs what to forget. Tags that are invalidated by decorators, `strata.invalidateTags` or events are purged by themselves, once
 * the invalidation is acknowledged; this class is for the rest. Nothing here fails or delays a caller: what goes wrong later is retried,
 * and a warning when it is given up. Without `http.purgers` every method does nothing.
 */
export class PurgeService {
  readonly #lanes: readonly { readonly lane: PurgeLane; readonly soft: boolean }[];
  readonly #background: Background;
  readonly #clock: Clock;
  readonly #options: ResolvedPurging;
  readonly #notice: (notice: Notice) => void;

  constructor({ purgers, options, clock, notice, random = Math.random }: PurgeParts) {
    const background = new Background({ notice });
    const parts = { clock, background, options, random, notice };
    this.#lanes = purgers.flatMap((purger) =>
      purger.endpoints.map((endpoint) => ({ lane: new PurgeLane(purger, endpoint, parts), soft: purger.soft })),
    );
    this.#background = background;
    this.#clock = clock;
    this.#options = options;
    this.#notice = notice;
  }

  /**
   * Purges responses by tag, without touching any cache here: use `strata.invalidateTags` to do both.
   * @param options `soft: false` removes where stale content could still be served
   * @throws CacheConfigError for what is no list of tags
   */
  purgeTags(tags: readonly string[], options: { readonly soft?: boolean | undefined } = {}): void {
    if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string' && tag !== '')) {
      throw new CacheConfigError(messages.purgeTags());
    }
    this.#addTags(tags, options.soft);
  }

  /** Purges absolute URLs. @throws CacheConfigError for what is no http(s) URL */
  purgeUrls(urls: readonly string[], options: { readonly soft?: boolean | undefined } = {}): void {
    this.#add('urls', urls.map(absolute), options.soft);
  }

  /**
   * Purges everything, which sends every request of the world to the application at once.
   * @throws CacheConfigError unless `force: true` says that this is meant
   */
  purgeAll({ force = false }: { readonly force?: boolean | undefined } = {}): void {
    if (force !== true) throw new CacheConfigError(messages.purgeAllRefused());
    this.#add('all', [''], false);
  }

  /** Whether there is no CDN to tell. */
  get isIdle(): boolean {
    return this.#lanes.length === 0;
  }

  /** Told of every invalidation of this process, after it was acknowledged. */
  invalidated(event: BusEvent): void {
    if (this.isIdle) return;
    if (event.kind === 'tags') {
      // The engine's own tags, of whole caches and tenants, are on no response.
      const tags = event.tags.filter((tag) => !tag.startsWith('@'));
      this.#addTags(tags, event.mode === 'expire' ? true : undefined);
    } else if (event.kind === 'clear') {
      if (this.#options.purgeAllOnClear) this.purgeAll({ force: true });
      else this.#notice({ level: 'warn', name: 'purge.clear', message: messages.purgeOnClear() });
    }
  }

  #addTags(tags: readonly string[], soft: boolean | undefined): void {
    this.#add('tags', [...new Set(tags.map(cdnTag))], soft);
  }

  #add(kind: 'tags' | 'urls' | 'all', names: readonly string[], soft: boolean | undefined): void {
    for (const { lane, soft: byDefault } of this.#lanes) lane.add(kind, names, soft ?? byDefault);
  }

  /** Counters, one row per endpoint. */
  figures(): readonly PurgeFigures[] {
    return this.#lanes.map(({ lane }) => lane.figures);
  }

  /** Sends what waits, repetitions included, and gives up what is left after `drainLimit`. Twice is harmless. */
  async close(): Promise<void> {
    for (const { lane } of this.#lanes) lane.hurry();
    if (await this.#background.drain(this.#clock, this.#options.drainLimit)) return;
    for (const { lane } of this.#lanes) lane.abort();
    await this.#background.drain(this.#clock, ABORT_LIMIT);
    for (const { lane } of this.#lanes) lane.giveUp();
  }
}

/**
 * The purges of an application, from its option `http`.
 * @throws CacheConfigError naming a wrong option
 */
export function openPurges(
  http: { readonly purgers?: unknown; readonly purging?: PurgingOptions | undefined } | undefined,
  clock: Clock | undefined,
  notice: (notice: Notice) => void,
): PurgeService {
  const purgers = checkPurgers(http?.purgers ?? []);
  return new PurgeService({ purgers, options: resolvePurging(http?.purging), clock: clock ?? systemClock, notice });
}

function absolute(url: string): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '') {
    parsed.hash = '';
    return parsed.href;
  }
  throw new CacheConfigError(messages.purgeUrl(String(url).slice(0, 100)));
}
