import { Module } from '@nestjs/common';
import { CacheModule } from '@strata-cache/nestjs';
import { searchCache } from './search.cache.js';
import { SearchController } from './search.controller.js';
import { SearchRepository } from './search.repository.js';
import { SearchService } from './search.service.js';

@Module({
  imports: [CacheModule.forFeature([searchCache])],
  controllers: [SearchController],
  providers: [SearchRepository, SearchService],
})
export class SearchModule {}
