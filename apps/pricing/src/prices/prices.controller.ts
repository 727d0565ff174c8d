import { Body, Controller, Get, NotFoundException, Param, Put, UseGuards } from '@nestjs/common';
import { AdminGuard } from './admin.guard.js';
import type { Price } from './price.js';
import { NewPrice, PriceOf } from './price.requests.js';
import { PricesService } from './prices.service.js';

/** Over HTTP. */
@Controller()
export class PricesController {
  readonly #prices: PricesService;

  constructor(prices: PricesService) {
    this.#prices = prices;
  }

  @Get('prices/:productId')
  async get(@Param() { productId }: PriceOf): Promise<Price> {
    const price = await this.#prices.find(productId);
    if (!price) throw new NotFoundException(`There is no price of product '${productId}'`);
    return price;
  }

  @Put('admin/prices/:productId')
  @UseGuards(AdminGuard)
  async change(@Param() { productId }: PriceOf, @Body() { priceCents }: NewPrice): Promise<Price> {
    return this.#prices.change(productId, priceCents);
  }
}
