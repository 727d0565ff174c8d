import { defineCache } from '@strata-cache/nestjs';
import type { Product, ProductPage } from './product.js';

/** A product by id: read by almost every page, changed rarely, and shown fresh at once when it is. */
export const productCache = defineCache<[id: string], Product>({
  name: 'product',
  version: 1,
  owner: 'ProductsService',
  key: (id) => id,
  ttl: '5m',
  // If the database is down, a product up to an hour old is better than none. A removed product is gone at once all the same.
  grace: '1h',
  // "There is no product 99999" is remembered too: whoever guesses ids does not reach the database with each guess.
  negativeTtl: '10s',
});

/** A page of a category's products, cleared through tags: nobody can name the pages on which a product stands. */
export const productPageCache = defineCache<[categoryId: string, page: number], ProductPage>({
  name: 'product-page',
  version: 1,
  owner: 'ProductsService',
  key: (categoryId, page) => [categoryId, page],
  ttl: '10m',
  // The category, for a product that comes; each product shown, for one that changes, leaves or goes.
  tags: (page, categoryId) => [categoryTag(categoryId), ...page.items.map((product) => productTag(product.id))],
});

export function categoryTag(categoryId: string): string {
  return `category:${categoryId}`;
}

export function productTag(id: string): string {
  return `product:${id}`;
}
