import { Module, type DynamicModule } from '@nestjs/common';
import { ClientsModule, Transport, type ClientProxy, type MicroserviceOptions } from '@nestjs/microservices';
import { CacheEventsModule, natsInvalidationOptions } from '@strata-cache/nestjs/microservices';
import { continueTrace } from '@strata-cache/otel';
import { ProductsModule } from '../products/products.module.js';
import type { Settings } from '../settings.js';
import { priceCache } from './prices.cache.js';
import { PricesController } from './prices.controller.js';
import { PricesService } from './prices.service.js';
import { PricingClient } from './pricing.client.js';

const PRICING = 'PRICING';

@Module({})
export class PricesModule {
  /** Without NATS there is no pricing service to ask, and every product costs what it is listed at. */
  static forRoot({ natsUrl }: Pick<Settings, 'natsUrl'>): DynamicModule {
    const client = natsUrl === undefined ? [] : [pricingClient(natsUrl)];
    return {
      module: PricesModule,
      // The events of `priceCache` get handlers on the listener below; nothing is emitted here.
      imports: [ProductsModule, CacheEventsModule.forRoot({ caches: [priceCache], around: continueTrace }), ...client],
      controllers: [PricesController],
      providers: [
        PricesService,
        ...(natsUrl === undefined
          ? []
          : [
              {
                provide: PricingClient,
                inject: [PRICING],
                useFactory: (proxy: ClientProxy) => new PricingClient(proxy),
              },
            ]),
      ],
    };
  }
}

function pricingClient(natsUrl: string): DynamicModule {
  const options = { servers: [natsUrl], maxReconnectAttempts: -1, reconnectTimeWait: 200 };
  return ClientsModule.register([{ name: PRICING, transport: Transport.NATS, options }]);
}

/**
 * Where this instance hears of changed prices. With Redis one instance of the catalogue hears of each and the others are told by it; without,
 * every instance has to hear by itself.
 */
export function priceEvents({ natsUrl, redisUrl }: Settings): MicroserviceOptions | undefined {
  if (natsUrl === undefined) return undefined;
  return natsInvalidationOptions({
    servers: [natsUrl],
    ...(redisUrl !== undefined && { service: 'catalog', instance: 'shared' }),
  });
}
