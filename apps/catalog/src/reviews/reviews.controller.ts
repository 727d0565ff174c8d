import { Body, Controller, Get, NotFoundException, Param, Post } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiTags,
} from '@nestjs/swagger';
import { CategoriesService } from '../categories/categories.service.js';
import { AddReview } from './review.requests.js';
import { Review, ReviewSummary, TopRated } from './review.js';
import { ReviewsService } from './reviews.service.js';

@ApiTags('reviews')
@Controller()
export class ReviewsController {
  readonly #reviews: ReviewsService;
  readonly #categories: CategoriesService;

  constructor(reviews: ReviewsService, categories: CategoriesService) {
    this.#reviews = reviews;
    this.#categories = categories;
  }

  @Get('products/:id/reviews')
  @ApiOkResponse({ type: [Review], description: 'The latest twenty' })
  @ApiNotFoundResponse({ description: 'No such product' })
  async latest(@Param('id') id: string): Promise<Review[]> {
    return this.#reviews.latest(id);
  }

  @Get('products/:id/reviews/summary')
  @ApiOkResponse({ type: ReviewSummary })
  @ApiNotFoundResponse({ description: 'No such product' })
  async summary(@Param('id') id: string): Promise<ReviewSummary> {
    return this.#reviews.summary(id);
  }

  @Post('products/:id/reviews')
  @ApiCreatedResponse({ type: Review })
  @ApiBadRequestResponse({ description: 'Names each field that is wrong' })
  @ApiNotFoundResponse({ description: 'No such product' })
  async add(@Param('id') id: string, @Body() review: AddReview): Promise<Review> {
    return this.#reviews.add(id, review);
  }

  @Get('categories/:id/top-rated')
  @ApiOkResponse({ type: [TopRated] })
  @ApiNotFoundResponse({ description: 'No such category' })
  async topRated(@Param('id') id: string): Promise<readonly TopRated[]> {
    if (!(await this.#categories.exists(id))) throw new NotFoundException(`There is no category '${id}'`);
    return this.#reviews.topRated(id);
  }
}
