import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import { CacheEvict } from '@strata-cache/nestjs';
import { natsInvalidationOptions, type EventEnvelope } from '@strata-cache/nestjs/microservices';
import type { Broker } from '../support/broker.js';
import { natsServer } from '../support/brokers.js';
import { stopAll } from '../support/process-keeper.js';
import { endInstances, productCache, startInstance, type Instance } from './instances.js';
import { soon } from './soon.js';

let broker: Broker;
let foreign: NatsConnection;
beforeAll(async () => {
  broker = await natsServer().start();
  foreign = await connect({ servers: `127.0.0.1:${broker.port}`, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
}, 60_000);
afterEach(endInstances);
afterAll(async () => {
  await foreign.close();
  await stopAll();
});

const servers = (): string => `127.0.0.1:${broker.port}`;
const listener = (): ReturnType<typeof natsInvalidationOptions> => natsInvalidationOptions({ servers: servers() });
const client = (): { transport: Transport.NATS; options: { servers: string } } => ({
  transport: Transport.NATS,
  options: { servers: servers() },
});

async function pair(): Promise<readonly [Instance, Instance]> {
  const start = (): Promise<Instance> => startInstance({ listener: listener(), events: { client: client() } });
  const both = await Promise.all([start(), start()]);
  await soon(async () => {
    await both[0].events.emit('price.changed', { id: 'warm-up' });
    return both.every(({ events }) => events.stats().received > 0);
  });
  return both;
}

/** As a service that knows nothing of Strata sends it. */
function publish(name: string, data: unknown): void {
  foreign.publish(name, typeof data === 'string' ? data : JSON.stringify(data));
}

const held = (instances: readonly Instance[], id: string): (string | undefined)[] =>
  instances.map(({ products }) => products.peek(id));

describe('two instances without a second tier, over NATS', () => {
  it('forget both, the one that emits at once', async () => {
    const both = await pair();
    for (const one of both) await one.fill('1', '2');
    expect(await both[0].events.emit('price.changed', { id: '1' })).toBe('accepted');
    expect(both[0].products.peek('1')).toBeUndefined();
    await soon(() => both[1].products.peek('1') === undefined);
    expect(held(both, '2')).toEqual(['old', 'old']);
  });

  it('apply two equal events inside a second, and one that the other instance has handled already', async () => {
    const both = await pair();
    const event = { v: 1, id: 'same', type: 'price.changed', payload: { id: '1' }, occurredAt: '', source: 'x' };
    for (let round = 1; round <= 2; round++) {
      for (const one of both) await one.fill('1');
      publish('price.changed', event);
      await soon(() => held(both, '1').every((value) => value === undefined));
    }
    // Both applied both copies; an id that was seen, here or there, suppresses nothing.
    await soon(() => both.every(({ events }) => events.stats().applied >= 3));
  });

  it('clear both lists for a move that arrives after a newer change of the same product', async () => {
    const [one] = await pair();
    const seal = (type: string, version: number, payload: object): object => ({
      v: 1,
      id: `${type} ${version}`,
      type,
      payload,
      version,
      occurredAt: new Date(version).toISOString(),
      source: 'catalog',
    });
    for (const category of ['lamps', 'sale', 'chairs']) await one.lists.set(category, 'with 42');
    await one.fill('42');
    publish('price.changed', seal('price.changed', 8, { id: '42' }));
    await soon(() => one.products.peek('42') === undefined);
    publish('product.moved', seal('product.moved', 7, { id: '42', from: 'lamps', to: 'sale' }));
    await soon(() => one.lists.peek('lamps') === undefined && one.lists.peek('sale') === undefined);
    expect(one.lists.peek('chairs')).toBe('with 42');
  });

  it('take plain data of other services, and survive what is none', async () => {
    const both = await pair();
    for (const one of both) await one.fill('1', '2');
    const before = both.map(({ events }) => events.stats());
    const hostile = ['{ not json', '', '7', 'null', '"text"', '[]', '{"id":{"evil":true}}', '{"__proto__":{"id":"1"}}'];
    for (const data of hostile) publish('price.changed', data);
    publish('price.changed', { id: 'x'.repeat(600_000) });
    publish('price.changed', `${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    publish('price.changed', { id: '1' });
    await soon(() => held(both, '1').every((value) => value === undefined));
    expect(held(both, '2')).toEqual(['old', 'old']);
    for (const [index, { events }] of both.entries()) {
      const { malformed, oversized } = events.stats();
      expect([malformed - before[index].malformed > 0, oversized - before[index].oversized]).toEqual([true, 2]);
    }
  });

  it('drop their memory when the broker was away: what was published meanwhile is unknown', async () => {
    const both = await pair();
    for (const one of both) await one.fill('1');
    const cleared = both.map(({ events }) => events.stats().cleared);
    await broker.kill9();
    await broker.start();
    await soon(() => both.every(({ events }, index) => events.stats().cleared > cleared[index]), {
      within: 20_000,
    });
    expect(held(both, '1')).toEqual([undefined, undefined]);
    // And they hear again.
    await soon(() => both.every(({ products }) => products.peek('1') === undefined));
    for (const one of both) await one.fill('1');
    await soon(
      async () => {
        publish('price.changed', { id: '1' });
        return held(both, '1').every((value) => value === undefined);
      },
      { every: 100 },
    );
  }, 60_000);

  it('do without that where told so', async () => {
    const one = await startInstance({ listener: listener(), events: { onReconnect: 'keep' } });
    await one.fill('1');
    await broker.kill9();
    await broker.start();
    await soon(
      async () => {
        publish('price.changed', { id: 'other' });
        return one.events.stats().received > 0;
      },
      { every: 100 },
    );
    expect([one.products.peek('1'), one.events.stats().cleared]).toEqual(['old', 0]);
  }, 60_000);
});

describe('a handler of the application itself', () => {
  const seen: string[] = [];
  @Controller()
  class OwnHandlers {
    @EventPattern('product.removed')
    @CacheEvict(productCache, { args: (event) => event.payload.id })
    async removed(@Payload() event: EventEnvelope<{ readonly id: string }>): Promise<void> {
      seen.push(`${event.type} ${event.payload.id}`);
    }

    @EventPattern('price.changed')
    async changed(@Payload() event: EventEnvelope<{ readonly id: string }>): Promise<void> {
      seen.push(`${event.type} ${event.payload.id}`);
    }

    @EventPattern('product.written')
    async written(@Payload() { payload, version }: EventEnvelope<{ id: string; name: string }>): Promise<void> {
      await one.products.set(payload.id, payload.name, { version });
      seen.push(`${version}`);
    }
  }
  let one: Instance;
  beforeEach(async () => {
    seen.length = 0;
    one = await startInstance({ listener: listener(), events: { client: client() }, controllers: [OwnHandlers] });
  });

  it('works with decorators, and beside a generated one of the same pattern', async () => {
    await one.fill('1', '2');
    await one.events.emit('product.removed', { id: '1' });
    publish('price.changed', {
      v: 1,
      id: 'x',
      type: 'price.changed',
      payload: { id: '2' },
      occurredAt: '',
      source: '',
    });
    await soon(() => held([one], '1')[0] === undefined && held([one], '2')[0] === undefined);
    await soon(() => seen.length === 2);
    expect([...seen].sort()).toEqual(['price.changed 2', 'product.removed 1']);
  });

  it('may put what an event carries: a version orders puts, and only puts', async () => {
    for (const version of [2, 3, 1]) {
      await one.events.emit('product.written', { id: '1', name: `version ${version}` }, { version });
      await soon(() => seen.at(-1) === String(version));
    }
    expect(one.products.peek('1')).toBe('version 3');
    await one.events.emit('price.changed', { id: '1' }, { version: 1 });
    expect(one.products.peek('1')).toBeUndefined();
  });
});

describe('the boot check', () => {
  it('tells the observer of settings that lose events', async () => {
    const queue = 'catalog';
    const one = await startInstance({
      listener: { transport: Transport.NATS, options: { servers: servers(), queue } },
    });
    expect(one.notices.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['events.nats-reconnect', 'events.one-of-many']),
    );
  });
});
