import type { ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, timeout } from 'rxjs';
import type { Price } from './price.js';

/** ms. */
const ANSWER_WITHIN = 1_500;

/** The pricing service, over messages. */
export class PricingClient {
  readonly #client: ClientProxy;

  constructor(client: ClientProxy) {
    this.#client = client;
  }

  /** Rejects when the service does not answer. */
  async price(productId: string): Promise<Price | null> {
    return firstValueFrom(this.#client.send<Price | null>('price.get', { productId }).pipe(timeout(ANSWER_WITHIN)));
  }
}
