import { Module } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { CategoriesModule } from '../categories/categories.module.js';
import { ProductsModule } from '../products/products.module.js';
import { reviewSummaryCache, topRatedCache } from './reviews.cache.js';
import { ReviewsController } from './reviews.controller.js';
import { ReviewsRepository } from './reviews.repository.js';
import { ReviewsService } from './reviews.service.js';

@Module({
  imports: [CacheModule.forFeature([reviewSummaryCache, topRatedCache]), CategoriesModule, ProductsModule],
  controllers: [ReviewsController],
  providers: [ReviewsRepository, ReviewsService],
  exports: [ReviewsRepository],
})
export class ReviewsModule {}
