import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { HomePage } from './home-page.js';
import { HomeService } from './home.service.js';

@ApiTags('home')
@Controller('home')
export class HomeController {
  readonly #home: HomeService;

  constructor(home: HomeService) {
    this.#home = home;
  }

  @Get()
  @ApiOkResponse({ type: HomePage })
  async page(): Promise<HomePage> {
    return this.#home.page();
  }
}
