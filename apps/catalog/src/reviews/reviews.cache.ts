import { defineCache } from '@strata-cache/nestjs';
import { productTag } from '../products/products.cache.js';
import type { ReviewSummary, TopRated } from './review.js';

/** What the reviews of one product come to, and its place in the category. */
export const reviewSummaryCache = defineCache<[productId: string], ReviewSummary>({
  name: 'review-summary',
  version: 1,
  owner: 'ReviewsService',
  key: (productId) => productId,
  // Short, because a review of any sibling can move this product's rank and clears only its own product's entry.
  ttl: '1m',
  grace: '1h',
  // The aggregate is stopped inside the database after two seconds, instead of being computed for nobody.
  hardTimeout: '2s',
});

/** The best products of one category. */
export const topRatedCache = defineCache<[categoryId: string], readonly TopRated[]>({
  name: 'top-rated',
  version: 1,
  owner: 'ReviewsService',
  key: (categoryId) => categoryId,
  ttl: '10m',
  grace: '1h',
  // Also the products shown: a list never names a product that was removed.
  tags: (top, categoryId) => [reviewsTag(categoryId), ...top.map((product) => productTag(product.id))],
});

export function reviewsTag(categoryId: string): string {
  return `reviews:${categoryId}`;
}
