import { applyDecorators } from '@nestjs/common';
import type { Lease } from '@strata-cache/core';
import type { Observable } from 'rxjs';
import { currentLease } from './current-lease.js';
import type { LockService } from './lock-service.js';
import { Locked } from './locked.js';

interface Order {
  readonly id: string;
}

export class Right {
  @Locked({ key: 'nightly' }) async a(): Promise<void> {}
  @Locked({ key: (orderId) => `order:${orderId}`, ttl: '10s', wait: '2s' }) async b(orderId: string): Promise<void> {
    void orderId;
  }
  @Locked({ key: (order, quantity) => `${order.id}:${quantity.toFixed()}`, wait: 0, renew: false })
  async c(order: Order, quantity: number): Promise<Order> {
    return { id: order.id + quantity };
  }
  @Locked({ key: (_id) => 'x', signal: (_id, signal) => signal }) async d(_id: string, _signal: AbortSignal) {
    return 1;
  }
  @Locked({ key: (order) => order.id }) async generic<T extends Order>(order: T): Promise<T> {
    return order;
  }
  @applyDecorators(Locked({ key: 'k' })) async f(id: string): Promise<string> {
    return id;
  }
  @Locked({ key: 'k', signal: undefined, ttl: undefined }) async g(): Promise<void> {}
}

export class Wrong {
  // @ts-expect-error no key
  @Locked({ ttl: '10s' }) async a(): Promise<void> {}
  // @ts-expect-error the key is a string
  @Locked({ key: (id) => id }) async b(id: number): Promise<void> {
    void id;
  }
  // @ts-expect-error no such property of the argument
  @Locked({ key: (order) => order.number }) async c(order: Order): Promise<void> {
    void order;
  }
  // @ts-expect-error unknown option
  @Locked({ key: 'k', timeout: '2s' }) async d(): Promise<void> {}
  // @ts-expect-error unknown option beside a callback
  @Locked({ key: (id) => id, timeout: '2s' }) async e(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error no unit
  @Locked({ key: 'k', ttl: '10 seconds' }) async f(): Promise<void> {}
  // @ts-expect-error sync
  @Locked({ key: 'k' }) g(): number {
    return 1;
  }
  // @ts-expect-error Observable
  @Locked({ key: 'k' }) h(): Observable<number> {
    return undefined as never;
  }
  // @ts-expect-error more parameters than the method has
  @Locked({ key: (id, lang) => id + lang }) async i(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error a signal given by value would belong to every call
  @Locked({ key: 'k', signal: new AbortController().signal }) async j(): Promise<void> {}
  // @ts-expect-error an async key
  @Locked({ key: async (id) => id }) async k(id: string): Promise<void> {
    void id;
  }
  // @ts-expect-error no options
  @Locked() async l(): Promise<void> {}
}

export async function uses(service: LockService): Promise<number> {
  const lease: Lease | undefined = currentLease();
  lease?.assertHeld();
  await using held = await service.acquire('k', { wait: '1s' });
  const tried: Lease | null = await service.tryAcquire('k');
  await tried?.release();
  // @ts-expect-error unknown option
  await service.acquire('k', { timeout: '1s' });
  return service.withLock('k', (own) => Number(own.token + held.token), { ttl: '5s', signal: own() });
}

declare function own(): AbortSignal;
