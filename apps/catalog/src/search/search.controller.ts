import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { SearchQuery } from './search.requests.js';
import { SearchService } from './search.service.js';
import { SearchResult } from './search.js';

@ApiTags('search')
@Controller('search')
export class SearchController {
  readonly #search: SearchService;

  constructor(search: SearchService) {
    this.#search = search;
  }

  @Get()
  @ApiOkResponse({ type: SearchResult })
  @ApiBadRequestResponse({ description: 'Names each parameter that is wrong' })
  async search(@Query() query: SearchQuery): Promise<SearchResult> {
    return this.#search.search(query);
  }
}
