import { Transport } from '@nestjs/microservices';
import { defineCache } from '@strata-cache/core';
import type { CacheEvents } from './cache-events.js';
import { CacheEventsModule } from './cache-events.module.js';

const caches = [defineCache<[id: string], string>({ name: 'a', version: 1, owner: 'x', ttl: '1m', key: (id) => id })];
const client = { transport: Transport.NATS, options: { servers: 'localhost' } } as const;

export function right(events: CacheEvents): Promise<'accepted' | 'queued'> {
  CacheEventsModule.forRoot();
  CacheEventsModule.forRoot({ caches, client, transport: Transport.NATS, isGlobal: false, retry: { delay: '1s' } });
  CacheEventsModule.forRoot({ client: [client, 'TOKEN', Symbol('token')], plain: ({ id }) => ({ id: String(id) }) });
  CacheEventsModule.forRootAsync({
    caches,
    inject: ['URL'],
    useFactory: (servers: string) => ({ client, source: servers }),
  });
  return events.emit('any.name', { any: 'payload' }, { id: '1', version: 2, key: '42', queue: false });
}

export async function wrong(events: CacheEvents): Promise<void> {
  // @ts-expect-error unknown option
  CacheEventsModule.forRoot({ clients: [client] });
  // @ts-expect-error a duration has a unit
  CacheEventsModule.forRoot({ emitTimeout: '5 seconds' });
  // @ts-expect-error the caches stand beside the factory
  CacheEventsModule.forRootAsync({ useFactory: () => ({ caches }) });
  // @ts-expect-error unknown option
  await events.emit('any.name', {}, { retries: 3 });
  // @ts-expect-error a payload is required
  await events.emit('any.name');
}
