import { BadRequestException, Injectable } from '@nestjs/common';
import { type Cache, Cacheable, CacheEvict, InjectCache, Strata } from '@strata-cache/nestjs';
import { ProductsService } from '../products/products.service.js';
import type { AddReview } from './review.requests.js';
import type { Review, ReviewSummary, TopRated } from './review.js';
import { reviewsTag, reviewSummaryCache, topRatedCache } from './reviews.cache.js';
import { ReviewsRepository } from './reviews.repository.js';

const TOP = 10;

@Injectable()
export class ReviewsService {
  readonly #repository: ReviewsRepository;
  readonly #products: ProductsService;
  readonly #summaries: Cache<[productId: string], ReviewSummary>;
  readonly #strata: Strata;

  constructor(
    repository: ReviewsRepository,
    products: ProductsService,
    @InjectCache(reviewSummaryCache) summaries: Cache<[productId: string], ReviewSummary>,
    strata: Strata,
  ) {
    this.#repository = repository;
    this.#products = products;
    this.#summaries = summaries;
    this.#strata = strata;
  }

  /** Not cached: one indexed read of twenty rows, and whoever wrote a review looks for it here at once. */
  async latest(productId: string): Promise<Review[]> {
    const product = await this.#products.get(productId);
    return this.#repository.latest(product.id);
  }

  /**
   * Pattern: `getOrSet` on an injected cache, where a decorator does not fit: the load needs the product's category, which
   * is no part of the key, and the signal, which stops the aggregate inside the database when nobody waits any longer.
   */
  async summary(productId: string): Promise<ReviewSummary> {
    const product = await this.#products.get(productId);
    return this.#summaries.getOrSet(productId, ({ signal }) =>
      this.#repository.summary(productId, product.categoryId, signal),
    );
  }

  /** Pattern: cache-aside cleared by tag, where the entry's key is not what the write knows. */
  @Cacheable(topRatedCache)
  async topRated(categoryId: string): Promise<readonly TopRated[]> {
    return this.#repository.topRated(TOP, categoryId);
  }

  /** Pattern: evict by key what must be fresh at once; expire by tag what may be stale while it is computed anew. */
  @CacheEvict(reviewSummaryCache, { args: (productId) => productId })
  async add(productId: string, review: AddReview): Promise<Review> {
    const product = await this.#products.get(productId);
    const added = await this.#repository.add(productId, review);
    if (!added) throw new BadRequestException([`customerId: there is no customer '${review.customerId}'`]);
    await this.#strata.invalidateTags([reviewsTag(product.categoryId)], { mode: 'expire' });
    return added;
  }
}
