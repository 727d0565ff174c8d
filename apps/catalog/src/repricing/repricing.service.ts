import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { type Cache, type Duration, InjectCache, type Lease, LockService, Strata } from '@strata-cache/nestjs';
import { productCache, productPageCache, productTag } from '../products/products.cache.js';
import type { Product, ProductPage } from '../products/product.js';
import { SEARCH_TAG } from '../search/search.cache.js';
import type { Repricing } from './repricing.js';
import { RepricingRepository, type RepricedBatch } from './repricing.repository.js';

/** Short, for it is how long a run stands still when the instance that works on it dies. It is renewed while that lives. */
const TTL = '3s';
/** All instances come at three o'clock; those that are not first wait, to take over should the first one die. */
const NIGHTLY_WAIT = '1h';

/** The night that a moment belongs to, for every instance the same: its date in UTC. */
export function nightOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

/**
 * The nightly re-pricing, which happens once however many instances there are. Every instance starts it. The lock lets one
 * work while the others wait; the record of the night says what is done already, so that an instance whose turn comes
 * finds either nothing to do, or where a dead one has stopped. What nobody is left to finish is finished by the next run.
 */
@Injectable()
export class RepricingService implements BeforeApplicationShutdown {
  readonly #repository: RepricingRepository;
  readonly #locks: LockService;
  readonly #strata: Strata;
  readonly #products: Cache<[id: string], Product>;
  readonly #pages: Cache<[categoryId: string, page: number], ProductPage>;
  readonly #logger = new Logger('Repricing');
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    repository: RepricingRepository,
    locks: LockService,
    strata: Strata,
    @InjectCache(productCache) products: Cache<[id: string], Product>,
    @InjectCache(productPageCache) pages: Cache<[categoryId: string, page: number], ProductPage>,
  ) {
    this.#repository = repository;
    this.#locks = locks;
    this.#strata = strata;
    this.#products = products;
    this.#pages = pages;
  }

  @Cron('0 3 * * *', { name: 'repricing', timeZone: 'UTC', waitForCompletion: true })
  async nightly(): Promise<void> {
    try {
      const { night, repriced } = await this.run(nightOf(new Date()), NIGHTLY_WAIT);
      this.#logger.log(`Night ${night} is done, ${repriced} products became cheaper`);
    } catch (error) {
      // Nobody awaits a scheduled job. What is unfinished stays on record.
      this.#logger.error(`Interrupted, the next run goes on from there: ${String(error)}`);
    }
  }

  /**
   * Finishes what earlier nights have left, then this one; at once when both are done.
   * @throws LockTimeoutError when another instance is at it for longer than `wait`
   */
  async run(night: string, wait: Duration): Promise<Repricing> {
    const { signal } = this.#closing;
    const running = this.#locks.withLock('repricing', async (lease) => this.#finishAll(night, lease), {
      ttl: TTL,
      wait,
      signal,
    });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async find(night: string): Promise<Repricing | undefined> {
    return this.#repository.find(night);
  }

  /** Stops between two batches, and before the engine and the database go; another instance takes over at once. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#closing.abort(new Error('The application is shutting down.'));
    await Promise.allSettled(this.#running);
  }

  async #finishAll(night: string, lease: Lease): Promise<Repricing> {
    for (const left of await this.#repository.unfinished(night)) await this.#finish(left, lease);
    await this.#finish(night, lease);
    return (await this.#repository.find(night)) as Repricing;
  }

  async #finish(night: string, lease: Lease): Promise<void> {
    const run = await this.#repository.claim(night, lease.token);
    if (run.finishedAt !== null) return;
    // Whoever worked on it died after a batch, and maybe before the caches heard of it.
    if (run.cursor !== '') await this.#forgetAll();
    let batch: RepricedBatch | undefined = { cursor: run.cursor, changed: [] };
    while ((batch = await this.#repository.repriceNext(night, lease.token, batch.cursor)) !== undefined) {
      await this.#forget(batch.changed);
      lease.assertHeld();
      this.#closing.signal.throwIfAborted();
    }
    await this.#repository.finish(night, lease.token);
  }

  /** Prices on lists shall not differ from the product behind them; search results only expire. */
  async #forget(changed: readonly string[]): Promise<void> {
    if (changed.length === 0) return;
    await Promise.all([
      this.#products.deleteMany(changed),
      this.#strata.invalidateTags(changed.map((id) => productTag(id))),
      this.#strata.invalidateTags([SEARCH_TAG], { mode: 'expire' }),
    ]);
  }

  async #forgetAll(): Promise<void> {
    await Promise.all([
      this.#products.clear(),
      this.#pages.clear(),
      this.#strata.invalidateTags([SEARCH_TAG], { mode: 'expire' }),
    ]);
  }
}
