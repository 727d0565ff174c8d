import { afterEach, describe, expect, it } from '@jest/globals';
import { ModulesContainer } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { Background, createStrata, defineCache, memoryBus, type Strata } from '@strata-cache/core';
import { gate, type Gate } from '@strata-cache/core/testing';
import { ReplaySubject } from 'rxjs';
import {
  resolveEventsOptions,
  type CacheEventsOptions,
} from '../../libs/nestjs/src/microservices/cache-events-options.js';
import { EventLog } from '../../libs/nestjs/src/microservices/event-log.js';
import { EventServers } from '../../libs/nestjs/src/microservices/event-servers.js';
import { EventTally } from '../../libs/nestjs/src/microservices/event-stats.js';
import { soon } from './soon.js';

/** A NATS listener on command: when it is connected, and when its server has taken the subscriptions. */
class FakeServer {
  readonly transportId = Transport.NATS;
  readonly options = { maxReconnectAttempts: -1 };
  readonly status = new ReplaySubject<string>(1);
  subscribed: Gate = gate();
  flushes = 0;

  unwrap(): object {
    return {
      flush: () => {
        this.flushes++;
        return this.subscribed.pass();
      },
    };
  }
}

const itemCache = defineCache<[id: string], string>({
  name: 'item',
  version: 1,
  owner: 'Test',
  ttl: '1h',
  key: (id) => id,
  invalidatedBy: { changed: () => ({ allEntries: true }) },
});

let strata: Strata;
let servers: EventServers;
afterEach(async () => {
  servers.close();
  await strata.close();
});

function start(server: object, options: CacheEventsOptions = {}, shared = false, transport?: Transport): EventTally {
  strata = createStrata(shared ? { bus: memoryBus() } : {});
  const container = new ModulesContainer();
  const tally = new EventTally(strata);
  const background = new Background({});
  const limits = resolveEventsOptions(options);
  servers = new EventServers(
    container,
    strata,
    { caches: [itemCache], transport },
    limits,
    background,
    tally,
    new EventLog(strata),
  );
  container.addRpcTarget(server);
  return tally;
}

const read = (value: string): Promise<string> => strata.cache(itemCache).getOrSet('1', () => value);

describe('an instance whose transport was away, without a second tier', () => {
  /**
   * 1. reader: after the first clear, loads v1. 2. writer: commits v2 and publishes; the broker does not know our subscription yet, so nobody
   * tells us. 3. broker: takes the subscription. Only the second clear removes v1.
   */
  it('forgets what it loaded before the broker had its subscription again', async () => {
    const server = new FakeServer();
    const tally = start(server);
    await read('v0');
    server.status.next('connected');
    expect(strata.cache(itemCache).peek('1')).toBeUndefined();
    await read('v1');
    await soon(() => server.flushes === 1);
    expect(strata.cache(itemCache).peek('1')).toBe('v1');
    server.subscribed.open();
    await soon(() => strata.cache(itemCache).peek('1') === undefined);
    expect(await read('v2')).toBe('v2');
    expect(tally.counters.cleared).toBe(1);
  });

  it('forgets at each reconnect, and not before', async () => {
    const server = new FakeServer();
    server.subscribed.open();
    const tally = start(server);
    for (let round = 1; round <= 3; round++) {
      server.status.next('connected');
      await soon(() => server.flushes === round);
      await new Promise((resolve) => setImmediate(resolve));
      await read('v');
      server.status.next('disconnected');
      server.status.next('reconnecting');
      expect(strata.cache(itemCache).peek('1')).toBe('v');
    }
    expect(tally.counters.cleared).toBe(3);
  });
});

describe('memory is kept', () => {
  it.each<[string, CacheEventsOptions, boolean, Transport | undefined, number]>([
    ['where a bus tells what was missed', {}, true, undefined, 0],
    ['with onReconnect: keep', { onReconnect: 'keep' }, false, undefined, 0],
    ['for a transport that carries no events', {}, false, Transport.RMQ, 0],
    ['but not with onReconnect: clear, bus or no bus', { onReconnect: 'clear' }, true, undefined, 1],
    ['but not for the transport that does', {}, false, Transport.NATS, 1],
  ])('%s', async (_what, options, shared, transport, cleared) => {
    const server = new FakeServer();
    server.subscribed.open();
    const tally = start(server, options, shared, transport);
    server.status.next('connected');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(tally.counters.cleared).toBe(cleared);
  });
});
