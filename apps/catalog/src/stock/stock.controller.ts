import { Body, Controller, Get, Param, Post, Put, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { LockErrorsFilter } from '../lock-errors.filter.js';
import { Reservation, Stock } from './stock.js';
import { Reserve, Restock } from './stock.requests.js';
import { StockService } from './stock.service.js';

@ApiTags('stock')
@Controller('products/:id')
@UseFilters(LockErrorsFilter)
@ApiNotFoundResponse({ description: 'No such product' })
export class StockController {
  readonly #stock: StockService;

  constructor(stock: StockService) {
    this.#stock = stock;
  }

  @Get('stock')
  @ApiOkResponse({ type: Stock })
  async find(@Param('id') id: string): Promise<Stock> {
    return this.#stock.find(id);
  }

  @Put('stock')
  @ApiOkResponse({ type: Stock })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiServiceUnavailableResponse({ description: 'Too many at once: try again' })
  async restock(@Param('id') id: string, @Body() { available }: Restock): Promise<Stock> {
    return this.#stock.restock(id, available);
  }

  @Post('reservations')
  @ApiCreatedResponse({ type: Reservation })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiConflictResponse({ description: 'Not that many left' })
  @ApiServiceUnavailableResponse({ description: 'Too many at once: try again' })
  async reserve(@Param('id') id: string, @Body() { quantity }: Reserve): Promise<Reservation> {
    return this.#stock.reserve(id, quantity);
  }
}
