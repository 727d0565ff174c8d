import { Controller, UsePipes, ValidationPipe } from '@nestjs/common';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import type { Price } from './price.js';
import { ChangePrice, PriceOf } from './price.requests.js';
import { PricesService } from './prices.service.js';

/** What is wrong with a message goes back to its sender; Nest would answer "Internal server error" to an HTTP exception. */
const checked = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: (errors) =>
    new RpcException({ status: 'invalid', message: errors.flatMap((error) => Object.values(error.constraints ?? {})) }),
});

/** Over messages. One instance of the service answers each. */
@Controller()
@UsePipes(checked)
export class PricesMessages {
  readonly #prices: PricesService;

  constructor(prices: PricesService) {
    this.#prices = prices;
  }

  /** `null`: there is no such price; a message cannot be `undefined`. */
  @MessagePattern('price.get')
  async get(@Payload() { productId }: PriceOf): Promise<Price | null> {
    return (await this.#prices.find(productId)) ?? null;
  }

  @MessagePattern('price.change')
  async change(@Payload() { productId, priceCents }: ChangePrice): Promise<Price> {
    return this.#prices.change(productId, priceCents);
  }
}
