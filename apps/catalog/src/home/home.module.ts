import { Module } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { CategoriesModule } from '../categories/categories.module.js';
import { ReviewsModule } from '../reviews/reviews.module.js';
import { homeCache } from './home.cache.js';
import { HomeController } from './home.controller.js';
import { HomeRepository } from './home.repository.js';
import { HomeService } from './home.service.js';

@Module({
  imports: [CacheModule.forFeature([homeCache]), CategoriesModule, ReviewsModule],
  controllers: [HomeController],
  providers: [HomeRepository, HomeService],
})
export class HomeModule {}
