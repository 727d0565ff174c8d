import { Module, type DynamicModule } from '@nestjs/common';
import { Transport } from '@nestjs/microservices';
import { CacheEventsModule } from '@strata-cache/nestjs/microservices';
import { DatabaseModule } from './database/database.module.js';
import { PricesModule } from './prices/prices.module.js';
import type { Settings } from './settings.js';
import { Tracing } from './telemetry/tracing.js';

@Module({})
export class AppModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.forRoot(settings),
        // It emits and caches nothing: no CacheModule, and no `caches` here.
        CacheEventsModule.forRoot({
          source: 'pricing',
          ...(settings.natsUrl !== undefined && {
            client: {
              transport: Transport.NATS,
              options: { servers: [settings.natsUrl], maxReconnectAttempts: -1, reconnectTimeWait: 200 },
            },
          }),
        }),
        PricesModule.forRoot(settings),
      ],
      providers: [{ provide: Tracing, useValue: new Tracing(settings.otlpEndpoint) }],
    };
  }
}
