import { Controller, Get, Param } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { ShownPrice } from './price.js';
import { PricesService } from './prices.service.js';

@ApiTags('prices')
@Controller('products/:id/price')
export class PricesController {
  readonly #prices: PricesService;

  constructor(prices: PricesService) {
    this.#prices = prices;
  }

  @Get()
  @ApiOkResponse({ type: ShownPrice })
  @ApiNotFoundResponse({ description: 'No such product' })
  async get(@Param('id') id: string): Promise<ShownPrice> {
    return this.#prices.shown(id);
  }
}
