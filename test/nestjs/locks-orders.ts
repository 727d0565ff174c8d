import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { currentLease, Locked, type Lease } from '@strata-cache/nestjs';
import { CacheTestingModule } from '@strata-cache/nestjs/testing';

/** How many run inside at once, and how many ran at all: what a lock is there to bound. */
export class Section {
  most = 0;
  runs = 0;
  #inside = 0;

  async enter(): Promise<void> {
    this.runs++;
    this.most = Math.max(this.most, ++this.#inside);
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    this.#inside--;
  }
}

@Injectable()
export class Orders {
  readonly section = new Section();
  readonly leases: (Lease | undefined)[] = [];
  readonly #prefix = 'shipped';

  @Locked({ key: (orderId) => `order:${orderId}`, ttl: '10s', wait: '2s' })
  async ship(orderId: string): Promise<string> {
    this.leases.push(currentLease());
    await this.section.enter();
    return `${this.#prefix} ${orderId}`;
  }
}

/** An application with an engine on a fake clock. */
export async function boot(...providers: any[]): Promise<TestingModule> {
  const testing = await Test.createTestingModule({ imports: [CacheTestingModule.forRoot()], providers }).compile();
  return testing.init();
}
