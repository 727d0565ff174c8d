import { Controller, Get, HttpCode, NotFoundException, Param, Post, UseFilters } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { LockErrorsFilter } from '../lock-errors.filter.js';
import { Repricing } from './repricing.js';
import { nightOf, RepricingService } from './repricing.service.js';

/** What a person waits for an answer. */
const PATIENCE = '1s';

@ApiTags('repricing')
@Controller('repricing')
@UseFilters(LockErrorsFilter)
export class RepricingController {
  readonly #repricing: RepricingService;

  constructor(repricing: RepricingService) {
    this.#repricing = repricing;
  }

  /** By hand what every instance does at three o'clock. A night that is done is not done again, so this may be sent twice. */
  @Post()
  @HttpCode(200)
  @ApiOkResponse({ type: Repricing })
  @ApiServiceUnavailableResponse({ description: 'Another instance is at it: try again' })
  async start(): Promise<Repricing> {
    return this.#repricing.run(nightOf(new Date()), PATIENCE);
  }

  @Get(':night')
  @ApiOkResponse({ type: Repricing })
  @ApiNotFoundResponse({ description: 'Nothing was re-priced that night' })
  async find(@Param('night') night: string): Promise<Repricing> {
    const found = await this.#repricing.find(night);
    if (!found) throw new NotFoundException(`Nothing was re-priced in the night '${night}'`);
    return found;
  }
}
