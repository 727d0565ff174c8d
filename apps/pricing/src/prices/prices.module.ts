import { Module, type DynamicModule } from '@nestjs/common';
import { CacheEvents, OutboxRelay } from '@strata-cache/nestjs/microservices';
import { PricingDatabase } from '../database/pricing-database.js';
import type { Settings } from '../settings.js';
import { AdminGuard } from './admin.guard.js';
import { PricesController } from './prices.controller.js';
import { PricesMessages } from './prices.messages.js';
import { PricesService } from './prices.service.js';
import { SETTINGS } from './settings.token.js';

@Module({})
export class PricesModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: PricesModule,
      controllers: [PricesController, PricesMessages],
      providers: [
        PricesService,
        AdminGuard,
        { provide: SETTINGS, useValue: settings },
        {
          provide: OutboxRelay,
          inject: [PricingDatabase, CacheEvents],
          useFactory: ({ outbox, connection }: PricingDatabase, events: CacheEvents) =>
            new OutboxRelay({ outbox, connection, events, pollInterval: settings.outboxPollInterval }),
        },
      ],
    };
  }
}
