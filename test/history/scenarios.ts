import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  type BusHead,
  type BusSink,
  type Cache,
  createStrata,
  defineCache,
  type L2Factory,
} from '@strata-cache/core';
import { ChaosTier, FakeClock, gate, sharedMemory } from '@strata-cache/core/testing';
import { redis } from '@strata-cache/redis';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { eventually } from '../support/eventually.js';

/** Interleavings a soak seldom hits, each a numbered schedule that ends in an assertion. Mutants are run against them too. */
export const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  'a late heartbeat proves only what was true when it was sent': lateHeartbeat,
  'every flight of a key is fenced, not the newest alone': twoFlights,
  'an invalidation is applied again when it is acknowledged': appliedTwice,
  'a step back of the server clock issues no stamp twice': clockStepsBack,
  'nothing is read between connected and attached': attachGate,
  'a copy is not served by an instant from before a stop': blockedLoop,
};

const numbers = defineCache<[key: string], number>({
  name: 'numbers',
  version: 1,
  owner: 'history',
  key: (key) => key,
  ttl: '5m',
  tags: ['even'],
});

/** A bus whose answers to heartbeats wait, and which then loses everything. */
class LateBus implements Bus {
  readonly shards: number;
  readonly late = gate();
  slow = false;
  deaf = false;
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.shards = bus.shards;
  }

  start(sink: BusSink): void {
    this.#bus.start({
      onMessage: (message) => (this.deaf ? undefined : sink.onMessage(message)),
      onConnected: (shard) => sink.onConnected(shard),
      onDisconnected: (shard) => sink.onDisconnected(shard),
    });
  }

  async probe(shard: number): Promise<BusHead> {
    if (this.deaf) return new Promise(() => undefined);
    const head = await this.#bus.probe(shard);
    if (this.slow) await this.late.pass();
    return head;
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }
}

/**
 * 1 A's heartbeat is sent and answered by the server, the answer travels slowly. 2 B invalidates; A's connection has died and the message is
 * lost. 3 The answer arrives, 500 ms after it was asked for. 4 700 ms after 2 the bound of 600 ms has passed: A may not serve its copy.
 */
async function lateHeartbeat(): Promise<void> {
  const clock = new FakeClock();
  const memory = sharedMemory();
  let bus: LateBus | undefined;
  const l2: L2Factory = {
    kind: 'l2',
    create(context) {
      const parts = memory.create(context);
      bus = new LateBus(parts.bus);
      return { ...parts, bus };
    },
  };
  const a = createStrata({ l2, clock, maxStaleness: 600, heartbeat: 250 });
  const b = createStrata({ l2: memory, clock, maxStaleness: 600, heartbeat: 250 });
  const [ofA, ofB] = [a.cache(numbers), b.cache(numbers)];
  await clock.advance(10);
  assert.equal(await ofA.getOrSet('k', () => 1), 1);
  const line = bus as LateBus;
  line.slow = true;
  await clock.advance(250);
  await line.late.arrived();
  line.deaf = true;
  assert.deepEqual(await ofB.delete('k'), { acknowledged: true });
  await clock.advance(500);
  line.late.open();
  await clock.advance(200);
  assert.equal(await ofA.getOrSet('k', () => 2), 2, 'a copy was served beyond the bound');
  await Promise.all([a.close(), b.close()]);
}

/**
 * 1 A serves hits in a burst, so that its coarse clock stands still. 2 B invalidates; the message to A is lost. 3 A's event loop is blocked for
 * longer than the bound (SIGSTOP does the same). 4 In the very same turn A reads: it may not serve its copy.
 */
async function blockedLoop(): Promise<void> {
  const memory = sharedMemory();
  let bus: LateBus | undefined;
  const l2: L2Factory = {
    kind: 'l2',
    create(context) {
      const parts = memory.create(context);
      bus = new LateBus(parts.bus);
      return { ...parts, bus };
    },
  };
  const a = createStrata({ l2, maxStaleness: 600, heartbeat: 250 });
  const b = createStrata({ l2: memory, maxStaleness: 600, heartbeat: 250 });
  const [ofA, ofB] = [a.cache(numbers), b.cache(numbers)];
  await eventually(async () => (await ofA.getOrSet('k', () => 1)) === 1 && ofA.stats().hits > 0, {
    what: 'a hit in L1',
  });
  (bus as LateBus | undefined)!.deaf = true;
  assert.deepEqual(await ofB.delete('k'), { acknowledged: true });
  const since = ofA.stats().hits;
  for (let hit = 0; hit < 10; hit++) {
    assert.equal(await ofA.getOrSet('k', () => 2), 1, 'the bound has not passed yet');
  }
  assert.equal(ofA.stats().hits, since + 10);
  for (const end = performance.now() + 700; performance.now() < end;);
  assert.equal(await ofA.getOrSet('k', () => 2), 2, 'a copy was served beyond the bound');
  await Promise.all([a.close(), b.close()]);
}

/**
 * 1 A flight loads and reads the source. 2 `fromSource` opens a second flight of the key. 3 The key is deleted: both are overtaken. 4 The
 * first flight ends; its fill is still under way. 5 A read must not find its value in the first tier.
 */
async function twoFlights(): Promise<void> {
  const chaos = new ChaosTier(sharedMemory());
  const strata = createStrata({ l2: chaos });
  const cache = strata.cache(numbers);
  const [first, second] = [gate(), gate()];
  await eventually(async () => (await cache.getOrSet('warm', () => 0)) === 0);
  const one = cache.getOrSet('k', async () => {
    await first.pass();
    return 1;
  });
  await first.arrived();
  const two = cache.fromSource('k', async () => {
    await second.pass();
    return 1;
  });
  await second.arrived();
  assert.deepEqual(await cache.delete('k'), { acknowledged: true });
  chaos.hold('fill');
  first.open();
  await one;
  assert.equal(cache.peek('k'), undefined, 'the older flight stored what the deletion had overtaken');
  second.open();
  await two;
  chaos.release('fill');
  await strata.close();
}

/**
 * 1 A deletes: its own copy is dropped, the command is on its way. 2 A reads the old entry from the second tier and copies it. 3 The tier deletes
 * and acknowledges; the message is late. 4 The deletion has resolved: A may not read the copy of 2.
 */
async function appliedTwice(): Promise<void> {
  const memory = sharedMemory();
  let bus: LateBus | undefined;
  const chaos = new ChaosTier({
    kind: 'l2',
    create(context) {
      const parts = memory.create(context);
      bus = new LateBus(parts.bus);
      return { ...parts, bus };
    },
  });
  const strata = createStrata({ l2: chaos });
  const cache = strata.cache(numbers);
  await eventually(async () => {
    await cache.getOrSet('k', () => 1);
    return cache.peek('k') === 1 && (await cache.with({ tiers: ['l2'] }).get('k')) === 1;
  });
  (bus as LateBus | undefined)!.deaf = true;
  chaos.hold('invalidateKeys');
  const deleting = cache.delete('k');
  assert.equal(await cache.getOrSet('k', () => 2), 1, 'what nobody has acknowledged yet is still there');
  chaos.release('invalidateKeys');
  assert.deepEqual(await deleting, { acknowledged: true });
  assert.equal(
    await cache.getOrSet('k', () => 2),
    2,
    'an acknowledged deletion was not seen by the instance that asked for it',
  );
  await strata.close();
}

/** Waits until the engine reads and writes through its second tier. */
async function warm(cache: Cache<[key: string], number>, other: Cache<[key: string], number>): Promise<void> {
  let count = 0;
  await eventually(
    async () => {
      const key = `warm${(count += 1)}`;
      await cache.getOrSet(key, () => count);
      await delay(20);
      return (await other.get(key)) === count;
    },
    { what: 'the second tier works' },
  );
}

/**
 * 1 A's load begins at server time T. 2 The server's clock steps back ten minutes. 3 B invalidates the tag, acknowledged. 4 A's load ends and is
 * stored, with the stamp of 1. 5 Readers must not take the entry, although the clock of 3 reads earlier than 1.
 */
async function clockStepsBack(): Promise<void> {
  const server = await new RedisServer({ faketime: '+0' }).start();
  const engine = (): ReturnType<typeof createStrata> =>
    createStrata({ l2: redis({ url: server.url }), consistency: 'coherent' });
  const [a, b] = [engine(), engine()];
  const [ofA, ofB] = [a.cache(numbers), b.cache(numbers)];
  await warm(ofA, ofB);
  const loading = gate();
  const reading = ofA.getOrSet('k', async () => {
    await loading.pass();
    return 1;
  });
  await loading.arrived();
  server.stepClock('-10m');
  assert.deepEqual(await b.invalidateTags(['even']), { acknowledged: true });
  loading.open();
  assert.equal(await reading, 1);
  // The fill goes behind the answer.
  await eventually(() => a.stats().inFlight === 0, { what: 'the load has ended' });
  // B's idea of the server's time is at most a second old, and renewed by a read.
  await delay(1_200);
  await ofB.getOrSet('other', () => 0);
  await delay(100);
  assert.equal(await ofB.getOrSet('k', () => 2), 2, 'an entry older than the invalidation of its tag was served');
  await eventually(async () => (await ofA.getOrSet('k', () => 2)) === 2 && (await ofB.getOrSet('k', () => 3)) === 2, {
    what: 'what A loads is found by B',
  });
  assert.deepEqual(await ofB.delete('k'), { acknowledged: true });
  assert.equal(await ofA.getOrSet('k', () => 4), 4);
  await Promise.all([a.close(), b.close()]);
  await server.stop();
}

/**
 * 1 The entry is in the RDB. 2 It is invalidated, acknowledged. 3 The server is killed and comes back with the RDB. 4 A reads while its
 * connection is already up (INFO has been answered) and not attached yet; a slow link makes that moment long.
 */
async function attachGate(): Promise<void> {
  const server = await new RedisServer().start();
  const proxy = await new FaultProxy(server.port).start();
  const a = createStrata({ l2: redis({ url: proxy.url }), consistency: 'coherent' });
  const b = createStrata({ l2: redis({ url: server.url }), consistency: 'coherent' });
  const [ofA, ofB] = [a.cache(numbers), b.cache(numbers)];
  await warm(ofA, ofB);
  await ofB.set('k', 1);
  await server.saveRdb();
  assert.deepEqual(await ofB.delete('k'), { acknowledged: true });
  // Enough successes that the failures below do not open the breaker, which would hide what we look for.
  for (let read = 0; read < 20; read += 1) await ofA.getOrSet('other', () => 0);
  await b.close();
  proxy.latency(40);
  await server.kill9();
  await server.restart();
  for (let read = 0; read < 24 && a.stats().breaker === 'closed'; read += 1) {
    assert.equal(await ofA.getOrSet('k', () => 2), 2, 'an entry of the older state was served');
    await delay(45);
  }
  proxy.latency(0);
  await a.close();
  await proxy.close();
  await server.stop();
}
