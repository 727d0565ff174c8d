import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cache, createStrata, defineCache, type Strata } from '@strata-cache/core';
import { redis } from '@strata-cache/redis';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { type Outage, OUTAGE_NAMESPACE } from './outages.js';

/** ms the loader takes. */
export const LOADER = 20;
const CALLERS = 8;
/** Waves of callers measured while the second tier is left out, and at most in all. */
const WAVES = 12;
const MOST_WAVES = 60;

type Rows = Cache<[id: string], number>;

/** What one outage did to one instance. Latencies are ms above the loader's own. */
export interface OutageResult {
  readonly name: string;
  readonly calls: number;
  /** Calls that got their own value. */
  readonly answered: number;
  readonly loads: number;
  /** Calls that began before the breaker was open, or without it. */
  readonly before: Latency;
  /** Calls that began while it was open. */
  readonly after: Latency;
  readonly acknowledged: boolean;
  /** Invalidations kept for later. */
  readonly kept: number;
  /** Reads that got a value which the application had deleted. */
  readonly stale: number;
  /** ms from the end of the outage until what this instance stores is found by another one again. */
  readonly recovery: number;
}

export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
}

const rows = defineCache<[id: string], number>({
  name: 'rows',
  version: 1,
  owner: 'chaos',
  key: (id) => id,
  ttl: '5m',
});

/** Puts one instance through one outage, on a server of its own. */
export async function runOutage(outage: Outage): Promise<OutageResult> {
  const server = await new RedisServer().start();
  const proxy = await new FaultProxy(server.port).start();
  const engine = (url: string): Strata =>
    createStrata({ namespace: OUTAGE_NAMESPACE, l2: redis({ url }), maxStaleness: 600, heartbeat: 250 });
  const [a, b] = [engine(proxy.url), engine(server.url)];
  const [ofA, ofB] = [a.cache(rows), b.cache(rows)];
  const others = ofB.with({ tiers: ['l2'] });
  await eventually(async () => isShared(ofA, others), { what: 'both instances use Redis' });
  for (const id of ['deleted', 'rolled']) await ofA.getOrSet(id, () => 1);
  await eventually(async () => (await others.get('rolled')) === 1);
  const deleteElsewhere = async (): Promise<void> => {
    if (!(await ofB.delete('rolled')).acknowledged)
      throw new Error('the deletion before the outage was not acknowledged');
  };
  const world = { server, proxy, deleteElsewhere };
  await outage.begin(world);
  const deleting = ofA.delete('deleted');
  const load = await callersDuring(a, ofA);
  const { acknowledged } = await deleting;
  const kept = a.stats().unsent;
  let stale = await staleReads(ofA, outage);
  const since = performance.now();
  await outage.end?.(world);
  await eventually(
    async () => {
      // Never the old value, neither from the first tier nor from a second one that has not been told yet.
      stale += await staleReads(ofA, outage);
      stale += await staleReads(ofA.with({ tiers: ['l2'] }), outage);
      return a.stats().unsent === 0 && (await isShared(ofA, others));
    },
    { within: 10_000, what: `${outage.name}: the caches work again` },
  );
  const recovery = performance.now() - since;
  await Promise.all([a.close(), b.close()]);
  await proxy.close();
  await server.stop();
  return { name: outage.name, ...load, acknowledged, kept, stale, recovery };
}

let fresh = 0;

/** Whether what one instance loads is found by the other in Redis. */
async function isShared(one: Rows, other: Rows): Promise<boolean> {
  fresh += 1;
  const id = `fresh${fresh}`;
  const value = fresh;
  await one.getOrSet(id, () => value);
  await delay(10);
  return (await other.get(id)) === value;
}

async function staleReads(cache: Rows, { rollsBack }: Outage): Promise<number> {
  const ids = rollsBack === true ? ['deleted', 'rolled'] : ['deleted'];
  const values = await Promise.all(ids.map(async (id) => cache.getOrSet(id, () => 2)));
  return values.filter((value) => value === 1).length;
}

async function callersDuring(
  strata: Strata,
  cache: Rows,
): Promise<Pick<OutageResult, 'calls' | 'answered' | 'loads' | 'before' | 'after'>> {
  const took: Record<'open' | 'closed', number[]> = { open: [], closed: [] };
  let [calls, answered, loads] = [0, 0, 0];
  const call = async (): Promise<void> => {
    calls += 1;
    const mine = calls;
    const { breaker } = strata.stats();
    const since = performance.now();
    // A timer is late by itself: what the loader really took is not ours.
    let inLoader = 0;
    const value = await cache.getOrSet(`cold${mine}`, async () => {
      loads += 1;
      const started = performance.now();
      await delay(LOADER);
      inLoader += performance.now() - started;
      return mine;
    });
    took[breaker].push(performance.now() - since - inLoader);
    if (value === mine) answered += 1;
  };
  for (let wave = 0; wave < MOST_WAVES && took.open.length < WAVES * CALLERS; wave += 1) {
    await Promise.all(Array.from({ length: CALLERS }, call));
    // An outage the breaker has no part in, or one that is over already.
    if (wave >= 2 * WAVES && took.open.length === 0) break;
  }
  return { calls, answered, loads, before: latencyOf(took.closed), after: latencyOf(took.open) };
}

function latencyOf(took: number[]): Latency {
  const sorted = took.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99) };
}
