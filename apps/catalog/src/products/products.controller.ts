import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  HttpException,
  NotFoundException,
  Param,
  Patch,
  Post,
  Put,
  Query,
  type ExecutionContext,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiNotModifiedResponse,
  ApiOkResponse,
  ApiPreconditionFailedResponse,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import { HttpCache, Precondition } from '@strata-cache/nestjs';
import { CategoriesService } from '../categories/categories.service.js';
import { ChangeProduct, CreateProduct, ProductPageQuery } from './product.requests.js';
import { Product, ProductPage } from './product.js';
import { categoryTag, productTag } from './products.cache.js';
import { ProductsService } from './products.service.js';
import { seenVersions } from './seen-versions.js';

const IF_MATCH = { name: 'If-Match', description: 'The ETag of the product as it was read' };

@ApiTags('products')
@Controller('products')
export class ProductsController {
  readonly #products: ProductsService;
  readonly #categories: CategoriesService;

  constructor(products: ProductsService, categories: CategoriesService) {
    this.#products = products;
    this.#categories = categories;
  }

  /**
   * Pattern: stored response. What goes out is kept, bytes and all, under the tags of what it shows; browsers ask each time and get a 304
   * from the store.
   */
  @Get()
  @HttpCache({
    scope: 'public',
    store: { ttl: '10m' },
    tags: (context, page: ProductPage) => [
      categoryTag(queryOf(context).category),
      ...page.items.map((product) => productTag(product.id)),
    ],
  })
  @ApiOkResponse({ type: ProductPage })
  @ApiNotFoundResponse({ description: 'No such category' })
  async page(@Query() { category, page }: ProductPageQuery): Promise<ProductPage> {
    if (!(await this.#categories.exists(category))) throw new NotFoundException(`There is no category '${category}'`);
    return this.#products.page(category, page);
  }

  /** Pattern: version. Who has the current one is told so before anything is made; the version comes from the cache of products. */
  @Get(':id')
  @HttpCache({
    scope: 'public',
    etag: 'strong',
    version: (context, self: ProductsController) => self.versionOf(context),
    tags: (context) => [productTag(idOf(context))],
  })
  @ApiOkResponse({ type: Product })
  @ApiNotModifiedResponse({ description: 'If-None-Match names the current version' })
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
  @Precondition({ version: (context, self: ProductsController) => self.versionNow(context) })
  @ApiHeader({ ...IF_MATCH, required: false })
  @ApiOkResponse({ type: Product })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiNotFoundResponse({ description: 'No such product' })
  @ApiPreconditionFailedResponse({ description: 'Somebody else has changed it' })
  async change(
    @Param('id') id: string,
    @Body() changes: ChangeProduct,
    @Headers('if-match') ifMatch?: string,
  ): Promise<Product> {
    if (Object.values(changes).every((value) => value === undefined)) {
      throw new BadRequestException(['nothing to change: give name, priceCents or categoryId']);
    }
    return this.#products.change(id, changes, seenVersions(ifMatch));
  }

  /** Pattern: optimistic locking. Two editors cannot overwrite each other unseen: 428 without If-Match, 412 with one that no longer holds. */
  @Put(':id')
  @Precondition({ version: (context, self: ProductsController) => self.versionNow(context), required: true })
  @ApiHeader({ ...IF_MATCH, required: true })
  @ApiOkResponse({ type: Product })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiNotFoundResponse({ description: 'No such product' })
  @ApiPreconditionFailedResponse({ description: 'Somebody else has changed it' })
  @ApiResponse({ status: 428, description: 'If-Match is missing' })
  async replace(
    @Param('id') id: string,
    @Body() product: CreateProduct,
    @Headers('if-match') ifMatch?: string,
  ): Promise<Product> {
    // Other conditions say nothing about the version that was seen.
    if (ifMatch === undefined)
      throw new HttpException('Send If-Match with the ETag of the product as you read it.', 428);
    return this.#products.replace(id, product, seenVersions(ifMatch));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'No such product' })
  async remove(@Param('id') id: string): Promise<void> {
    return this.#products.remove(id);
  }

  /** For `@HttpCache` above. */
  async versionOf(context: ExecutionContext): Promise<number | null> {
    return (await this.#products.find(idOf(context)))?.version ?? null;
  }

  /** For `@Precondition` above. */
  async versionNow(context: ExecutionContext): Promise<number | null> {
    return (await this.#products.versionNow(idOf(context))) ?? null;
  }
}

function idOf(context: ExecutionContext): string {
  return context.switchToHttp().getRequest<{ params: { id: string } }>().params.id;
}

function queryOf(context: ExecutionContext): ProductPageQuery {
  return context.switchToHttp().getRequest<{ query: ProductPageQuery }>().query;
}
