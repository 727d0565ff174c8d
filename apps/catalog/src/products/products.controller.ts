import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Patch,
  Post,
  Query,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { CategoriesService } from '../categories/categories.service.js';
import { ChangeProduct, CreateProduct, ProductPageQuery } from './product.requests.js';
import { Product, ProductPage } from './product.js';
import { ProductsService } from './products.service.js';

@ApiTags('products')
@Controller('products')
export class ProductsController {
  readonly #products: ProductsService;
  readonly #categories: CategoriesService;

  constructor(products: ProductsService, categories: CategoriesService) {
    this.#products = products;
    this.#categories = categories;
  }

  @Get()
  @ApiOkResponse({ type: ProductPage })
  @ApiNotFoundResponse({ description: 'No such category' })
  async page(@Query() { category, page }: ProductPageQuery): Promise<ProductPage> {
    if (!(await this.#categories.exists(category))) throw new NotFoundException(`There is no category '${category}'`);
    return this.#products.page(category, page);
  }

  @Get(':id')
  @ApiOkResponse({ type: Product })
  @ApiNotFoundResponse({ description: 'No such product' })
  async get(@Param('id') id: string): Promise<Product> {
    return this.#products.get(id);
  }

  @Post()
  @ApiCreatedResponse({ type: Product })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  async create(@Body() product: CreateProduct): Promise<Product> {
    return this.#products.create(product);
  }

  @Patch(':id')
  @ApiOkResponse({ type: Product })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiNotFoundResponse({ description: 'No such product' })
  async change(@Param('id') id: string, @Body() changes: ChangeProduct): Promise<Product> {
    if (Object.values(changes).every((value) => value === undefined)) {
      throw new BadRequestException(['nothing to change: give name, priceCents or categoryId']);
    }
    return this.#products.change(id, changes);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'No such product' })
  async remove(@Param('id') id: string): Promise<void> {
    return this.#products.remove(id);
  }
}
