import { Injectable, Logger, Optional } from '@nestjs/common';
import { Cacheable } from '@strata-cache/nestjs';
import { ProductsService } from '../products/products.service.js';
import type { Price, ShownPrice } from './price.js';
import { priceCache } from './prices.cache.js';
import { PricingClient } from './pricing.client.js';

@Injectable()
export class PricesService {
  readonly #products: ProductsService;
  readonly #pricing: PricingClient | undefined;
  readonly #logger = new Logger(PricesService.name);

  constructor(products: ProductsService, @Optional() pricing?: PricingClient) {
    this.#products = products;
    this.#pricing = pricing;
  }

  /** Pattern: data of another service, cleared by its events: nothing here changes a price, so nothing here evicts it. */
  @Cacheable(priceCache)
  async find(productId: string): Promise<Price | null> {
    return this.#pricing === undefined ? null : this.#pricing.price(productId);
  }

  /** Without the pricing service, or where it knows no price, the product costs what it is listed at. */
  async shown(productId: string): Promise<ShownPrice> {
    const product = await this.#products.get(productId);
    const listed: ShownPrice = { productId, priceCents: product.priceCents, source: 'catalog' };
    if (this.#pricing === undefined) return listed;
    try {
      const price = await this.find(productId);
      return price === null ? listed : { productId, priceCents: price.priceCents, source: 'pricing' };
    } catch (error) {
      // Not cached: the next visitor asks again.
      this.#logger.warn(`The pricing service does not answer: ${String(error)}`);
      return listed;
    }
  }
}
