import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { HttpCache } from '@strata-cache/nestjs';
import { productTag } from '../products/products.cache.js';
import { HomePage } from './home-page.js';
import { HomeService } from './home.service.js';

@ApiTags('home')
@Controller('home')
export class HomeController {
  readonly #home: HomeService;

  constructor(home: HomeService) {
    this.#home = home;
  }

  /**
   * Pattern: stale-while-revalidate. For a minute past its five seconds the page is served at once and renewed behind, here and by whoever
   * stands in front; should the handler fail, for an hour.
   */
  @Get()
  @HttpCache({
    scope: 'public',
    maxAge: '5s',
    staleWhileRevalidate: '1m',
    staleIfError: '1h',
    store: true,
    tags: (_context, { newest, reduced, topRated }: HomePage) =>
      [...newest, ...reduced, ...topRated].map((product) => productTag(product.id)),
  })
  @ApiOkResponse({ type: HomePage })
  async page(): Promise<HomePage> {
    return this.#home.page();
  }
}
