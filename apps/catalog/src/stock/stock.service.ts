import { ConflictException, Injectable } from '@nestjs/common';
import { currentLease, Locked, type Lease } from '@strata-cache/nestjs';
import { ProductsService } from '../products/products.service.js';
import type { Reservation, Stock } from './stock.js';
import { StockRepository } from './stock.repository.js';
import { Warehouse } from './warehouse.js';

const stockOf = (productId: string): string => `stock:${productId}`;

@Injectable()
export class StockService {
  readonly #repository: StockRepository;
  readonly #products: ProductsService;
  readonly #warehouse: Warehouse;

  constructor(repository: StockRepository, products: ProductsService, warehouse: Warehouse) {
    this.#repository = repository;
    this.#products = products;
    this.#warehouse = warehouse;
  }

  /** Not cached: who reserves has to know. */
  async find(productId: string): Promise<Stock> {
    const product = await this.#products.get(productId);
    return this.#repository.find(product.id);
  }

  /**
   * Pattern: a fenced lock. The lock makes callers wait their turn, so that none asks the warehouse in vain; that nothing
   * is sold twice is the fence's doing, for a process may stand still for longer than its lease lives and not know.
   */
  @Locked({ key: stockOf, ttl: '5s', wait: '5s' })
  async reserve(productId: string, quantity: number): Promise<Reservation> {
    const { token, signal } = currentLease() as Lease;
    await this.#products.get(productId);
    const available = await this.#repository.claim(productId, token);
    if (available < quantity || !(await this.#warehouse.confirm(productId, quantity, signal))) {
      throw new ConflictException(`There are not ${quantity} of product '${productId}' left`);
    }
    return this.#repository.reserve(productId, quantity, available - quantity, token);
  }

  /** Under the same lock, or a reservation in between would be written over. */
  @Locked({ key: stockOf, ttl: '5s', wait: '5s' })
  async restock(productId: string, available: number): Promise<Stock> {
    const { token } = currentLease() as Lease;
    await this.#products.get(productId);
    await this.#repository.restock(productId, available, token);
    return this.#repository.find(productId);
  }
}
