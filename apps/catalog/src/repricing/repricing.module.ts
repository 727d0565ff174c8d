import { Module } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { productCache, productPageCache } from '../products/products.cache.js';
import { RepricingController } from './repricing.controller.js';
import { RepricingRepository } from './repricing.repository.js';
import { RepricingService } from './repricing.service.js';

@Module({
  imports: [CacheModule.forFeature([productCache, productPageCache])],
  controllers: [RepricingController],
  providers: [RepricingRepository, RepricingService],
})
export class RepricingModule {}
