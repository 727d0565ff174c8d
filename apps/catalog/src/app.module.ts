import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { CacheModule } from '@strata-cache/nestjs';
import { otelObserver } from '@strata-cache/otel';
import { redis } from '@strata-cache/redis';
import { AccountModule } from './account/account.module.js';
import { ApiPageModule } from './api-page/api-page.module.js';
import { cacheLog } from './cache-log.js';
import { CategoriesModule } from './categories/categories.module.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { HomeModule } from './home/home.module.js';
import { PricesModule } from './prices/prices.module.js';
import { ProductsModule } from './products/products.module.js';
import { RepricingModule } from './repricing/repricing.module.js';
import { ReviewsModule } from './reviews/reviews.module.js';
import { SearchModule } from './search/search.module.js';
import type { Settings } from './settings.js';
import { StockModule } from './stock/stock.module.js';
import { Telemetry } from './telemetry/telemetry.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    const telemetry = new Telemetry(settings.otlpEndpoint);
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(settings),
        CacheModule.forRoot({
          namespace: settings.development ? 'dev:catalog' : 'prod:catalog',
          // Leaving `l2` out is all it takes to run without Redis.
          ...(settings.redisUrl !== undefined && { l2: redis({ url: settings.redisUrl }) }),
          doctor: true,
          http: { global: true },
          observer: { ...otelObserver({ meter: telemetry.meter }), ...(settings.development && cacheLog) },
        }),
        TelemetryModule.forRoot(telemetry),
        ScheduleModule.forRoot(),
        CategoriesModule,
        ProductsModule,
        PricesModule.forRoot(settings),
        ReviewsModule,
        SearchModule,
        HomeModule,
        StockModule,
        RepricingModule,
        AccountModule,
        HealthModule,
        ApiPageModule,
      ],
    };
  }
}
