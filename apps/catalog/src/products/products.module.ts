import { Module } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { CategoriesModule } from '../categories/categories.module.js';
import { productCache, productPageCache } from './products.cache.js';
import { ProductsController } from './products.controller.js';
import { ProductsRepository } from './products.repository.js';
import { ProductsService } from './products.service.js';

@Module({
  imports: [CacheModule.forFeature([productCache, productPageCache]), CategoriesModule],
  controllers: [ProductsController],
  providers: [ProductsRepository, ProductsService],
  exports: [ProductsService],
})
export class ProductsModule {}
