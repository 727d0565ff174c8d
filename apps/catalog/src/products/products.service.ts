import { BadRequestException, Injectable, NotFoundException, PreconditionFailedException } from '@nestjs/common';
import { Cacheable, CacheEvict, CachePut } from '@strata-cache/nestjs';
import { CategoriesService } from '../categories/categories.service.js';
import { searchCache, SEARCH_TAG } from '../search/search.cache.js';
import type { ChangeProduct, CreateProduct } from './product.requests.js';
import type { Product, ProductPage } from './product.js';
import { categoryTag, productCache, productPageCache, productTag } from './products.cache.js';
import { ProductsRepository } from './products.repository.js';
import type { SeenVersions } from './seen-versions.js';

@Injectable()
export class ProductsService {
  readonly #repository: ProductsRepository;
  readonly #categories: CategoriesService;

  constructor(repository: ProductsRepository, categories: CategoriesService) {
    this.#repository = repository;
    this.#categories = categories;
  }

  /** Pattern: cache-aside by key. `undefined` is "not found" and lives for `negativeTtl`. */
  @Cacheable(productCache)
  async find(id: string): Promise<Product | undefined> {
    return this.#repository.find(id);
  }

  async get(id: string): Promise<Product> {
    const product = await this.find(id);
    if (!product) throw notFound(id);
    return product;
  }

  /** Pattern: cache-aside cleared by tags; the writes below do not know which pages there are. */
  @Cacheable(productPageCache)
  async page(categoryId: string, page: number): Promise<ProductPage> {
    return this.#repository.page(categoryId, page);
  }

  /** Pattern: evict for a created row. Its id exists only afterwards, and somebody may have asked for it and been told no. */
  @CacheEvict(productCache, { keys: (product) => [product.id] })
  @CacheEvict(productPageCache, { tags: (product) => [categoryTag(product.categoryId)] })
  @CacheEvict(searchCache, { tags: () => [SEARCH_TAG], mode: 'expire' })
  async create(product: CreateProduct): Promise<Product> {
    await this.#checkCategory(product.categoryId);
    return this.#repository.create(product);
  }

  /**
   * Pattern: write-through. The update returns the whole row, so the next reader needs no query. The put is fenced: of
   * two updates that cross, the older one never ends up in the cache.
   *
   * Pages go at once: a price on a list shall not differ from the product behind it. Search results only expire: they are
   * dear to compute, and one that is stale for a moment does no harm.
   */
  @CachePut(productCache, { args: (id) => id })
  @CacheEvict(productPageCache, { tags: (product) => [productTag(product.id), categoryTag(product.categoryId)] })
  @CacheEvict(searchCache, { tags: () => [SEARCH_TAG], mode: 'expire' })
  async change(id: string, changes: ChangeProduct, seen: SeenVersions = 'any'): Promise<Product> {
    return this.#write(id, changes, seen);
  }

  /** Pattern: optimistic locking. As `change`, of all a product says, and only if nobody changed it since its editor looked. */
  @CachePut(productCache, { args: (id) => id })
  @CacheEvict(productPageCache, { tags: (product) => [productTag(product.id), categoryTag(product.categoryId)] })
  @CacheEvict(searchCache, { tags: () => [SEARCH_TAG], mode: 'expire' })
  async replace(id: string, product: CreateProduct, seen: SeenVersions): Promise<Product> {
    return this.#write(id, product, seen);
  }

  /** The version as it is in the database: what an editor has seen is not compared with a copy. */
  async versionNow(id: string): Promise<number | undefined> {
    return this.#repository.version(id);
  }

  /** Pattern: evict by key. A delete beats grace: nobody is shown the product again, not even as a stale copy. */
  @CacheEvict(productCache)
  @CacheEvict(productPageCache, { tags: (_, id) => [productTag(id)] })
  @CacheEvict(searchCache, { tags: () => [SEARCH_TAG], mode: 'expire' })
  async remove(id: string): Promise<void> {
    if (!(await this.#repository.remove(id))) throw notFound(id);
  }

  async #write(id: string, changes: ChangeProduct, seen: SeenVersions): Promise<Product> {
    if (changes.categoryId !== undefined) await this.#checkCategory(changes.categoryId);
    const product = await this.#repository.change(id, changes, seen);
    if (product) return product;
    if ((await this.#repository.version(id)) === undefined) throw notFound(id);
    // Another editor was faster, after the precondition had been checked.
    throw new PreconditionFailedException();
  }

  async #checkCategory(id: string): Promise<void> {
    if (!(await this.#categories.exists(id)))
      throw new BadRequestException([`categoryId: there is no category '${id}'`]);
  }
}

function notFound(id: string): NotFoundException {
  return new NotFoundException(`There is no product '${id}'`);
}
