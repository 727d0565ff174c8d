import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '../support/fault-proxy.js';
import type { RedisServer } from '../support/redis-server.js';
import type { Seeded } from '../support/seeded.js';
import { eventually } from '../support/eventually.js';
import type { Fault } from './schedule.js';

/** What happens to the connections of one instance. */
export function connectionFaults(proxy: FaultProxy, random: Seeded): Fault[] {
  const during = async (ms: number, begin: () => unknown, end: () => unknown): Promise<void> => {
    await begin();
    await delay(ms);
    await end();
  };
  const hole = (direction: 'up' | 'down' | 'both') => async (): Promise<void> =>
    during(
      random.int(50, 900),
      () => proxy.blackhole(direction, true),
      () => proxy.blackhole(direction, false),
    );
  return [
    { name: 'connection reset', weight: 5, inject: async () => proxy.reset() },
    { name: 'black hole, both ways', weight: 2, inject: hole('both') },
    { name: 'black hole, to Redis', weight: 2, inject: hole('up') },
    { name: 'black hole, from Redis', weight: 3, inject: hole('down') },
    {
      name: 'connection refused',
      weight: 2,
      inject: async () =>
        during(
          random.int(50, 600),
          async () => {
            await proxy.refuse(true);
            proxy.reset();
          },
          async () => proxy.refuse(false),
        ),
    },
    {
      name: 'latency 10 to 90 ms',
      weight: 3,
      inject: async () =>
        during(
          random.int(200, 800),
          () => proxy.latency(random.int(10, 60), 30),
          () => proxy.latency(0),
        ),
    },
    {
      name: 'delayed, to Redis',
      weight: 3,
      inject: async () =>
        during(
          random.int(50, 900),
          () => proxy.hold('up', true),
          () => proxy.hold('up', false),
        ),
    },
    {
      name: 'delayed, from Redis',
      weight: 3,
      inject: async () =>
        during(
          random.int(50, 900),
          () => proxy.hold('down', true),
          () => proxy.hold('down', false),
        ),
    },
  ];
}

/** What happens to Redis and loses nothing. */
export function serverFaults(server: RedisServer, random: Seeded): Fault[] {
  const config = async (name: string, value: string, back: string): Promise<void> => {
    await server.cli('CONFIG', 'SET', name, value);
    await delay(random.int(100, 500));
    await server.cli('CONFIG', 'SET', name, back);
  };
  return [
    {
      name: 'CLIENT KILL TYPE pubsub',
      weight: 4,
      inject: async () => void (await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    },
    {
      name: 'CLIENT KILL TYPE normal',
      weight: 2,
      inject: async () => void (await server.cli('CLIENT', 'KILL', 'TYPE', 'normal')),
    },
    {
      name: 'Redis frozen (SIGSTOP)',
      weight: 3,
      inject: async () => {
        await server.freeze();
        // Short ones more often.
        await delay(random.chance(0.8) ? random.int(100, 600) : random.int(600, 3_000));
        server.thaw();
      },
    },
    { name: 'SCRIPT FLUSH', weight: 2, inject: async () => void (await server.cli('SCRIPT', 'FLUSH')) },
    {
      name: 'out of memory (noeviction)',
      weight: 2,
      // Redis keeps what it holds, and refuses what would need more.
      inject: async () => config('maxmemory', '100kb', '0'),
    },
    { name: 'writes refused (NOREPLICAS)', weight: 1, inject: async () => config('min-replicas-to-write', '1', '0') },
    {
      name: 'read-only replica (READONLY)',
      weight: 1,
      inject: async () => {
        await server.cli('REPLICAOF', '127.0.0.1', '1');
        await delay(random.int(100, 500));
        await server.cli('REPLICAOF', 'NO', 'ONE');
      },
    },
  ];
}

/** What makes Redis forget, or remember wrongly. */
export function lossFaults(server: RedisServer, random: Seeded, namespace: string): Fault[] {
  const state = `strata:{${namespace}.0}`;
  return [
    { name: 'FLUSHALL', weight: 3, inject: async () => void (await server.cli('FLUSHALL')) },
    { name: 'state key deleted', weight: 3, inject: async () => void (await server.cli('DEL', `${state}:st`)) },
    { name: 'head key deleted', weight: 2, inject: async () => void (await server.cli('DEL', `${state}:hd`)) },
    {
      name: 'logical clock jump (+1000 s)',
      weight: 1,
      inject: async () => void (await server.cli('ZADD', `${state}:st`, 'XX', 'INCR', '1000000000', 'c')),
    },
    {
      name: 'kill -9, restart empty',
      weight: 1,
      inject: async () => {
        await server.kill9();
        await delay(random.int(0, 300));
        await server.restart({ keepData: false });
      },
    },
    {
      name: 'kill -9, restart from an older RDB',
      weight: 3,
      inject: async () => {
        await server.saveRdb();
        await delay(random.int(50, 500));
        await server.kill9();
        await delay(random.int(0, 300));
        await server.restart();
      },
    },
  ];
}

/** This process stands still: every timer, proxy and engine in it. */
export function stallFault(random: Seeded): Fault {
  return {
    name: 'event loop blocked (0.3 to 2 s)',
    weight: 1,
    inject: async () => {
      const until = performance.now() + (random.chance(0.5) ? 2_000 : random.int(300, 1_000));
      while (performance.now() < until);
    },
  };
}

/** Ends everything that a fault may have left on. */
export async function healAll(server: RedisServer, proxies: readonly FaultProxy[]): Promise<void> {
  await Promise.all(proxies.map(async (proxy) => proxy.heal()));
  if (!server.running) await server.start();
  server.thaw();
  await eventually(async () => (await server.cli('PING')) === 'PONG', { what: 'Redis answers' });
  await server.cliAll([
    ['CONFIG', 'SET', 'maxmemory', '0'],
    ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    ['REPLICAOF', 'NO', 'ONE'],
  ]);
}
