import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { CategoriesService } from './categories.service.js';
import { Category } from './category.js';

@ApiTags('categories')
@Controller('categories')
export class CategoriesController {
  readonly #categories: CategoriesService;

  constructor(categories: CategoriesService) {
    this.#categories = categories;
  }

  @Get()
  @ApiOkResponse({ type: [Category] })
  async all(): Promise<readonly Category[]> {
    return this.#categories.all();
  }
}
