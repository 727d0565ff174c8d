import { redis } from '@strata-cache/redis';
import type { FaultProxy } from '../support/fault-proxy.js';
import type { Seeded } from '../support/seeded.js';
import type { Checker, Mode } from './checker.js';
import type { Children } from './children.js';
import { Instance } from './instance.js';
import { Readers } from './readers.js';
import type { Register } from './registers.js';
import { Source } from './source.js';
import { LocalTruth } from './truth.js';
import { Writers } from './writers.js';

/** How the engines of a round are built. */
export interface EngineSetting {
  readonly mode: Mode;
  /** ms */
  readonly maxStaleness: number;
  /** ms */
  readonly heartbeat: number;
  readonly shards: number;
}

/** One instance of this process with its load. */
export interface Member {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly instance: Instance;
  readonly source: Source;
  readonly readers: Readers;
  readonly writers: Writers;
}

const MINUTE = 60_000;

export function memberOf(
  number: number,
  proxy: FaultProxy,
  { mode, maxStaleness, heartbeat, shards }: EngineSetting,
  checker: Checker,
  registers: readonly Register[],
  random: Seeded,
): Member {
  const name = `instance ${number}`;
  // Wall clocks 15 minutes apart; the first one is right, and tells the time by the engine's own clock.
  const skew = [0, 15 * MINUTE, -15 * MINUTE][(number - 1) % 3];
  const instance = new Instance({ mode, maxStaleness, heartbeat, l2: redis({ url: proxy.url, shards }), skew });
  const truth = new LocalTruth(checker, name);
  const source = new Source(truth, random.fork());
  const bounded = mode === 'bounded';
  const readers = new Readers({ instance, registers, truth, source, random: random.fork(), bounded });
  const writers = new Writers({ instance, registers, truth, random: random.fork() });
  return { name, proxy, instance, source, readers, writers };
}

export function countersOf(members: readonly Member[], children: Children): Record<string, number> {
  const stats = members.flatMap(({ instance }) => [...instance.strata.caches()].map((cache) => cache.stats()));
  const sum = <Item>(items: readonly Item[], pick: (item: Item) => number): number =>
    items.reduce((total, item) => total + pick(item), 0);
  return {
    l1Hits: sum(stats, ({ hits }) => hits) + children.hits,
    l2Hits: sum(stats, ({ l2Hits }) => l2Hits) + children.l2Hits,
    staleServed: sum(stats, ({ stale }) => stale),
    joined: sum(stats, ({ joined }) => joined),
    fenceRejected: sum(stats, ({ fenceRejected }) => fenceRejected),
    invalidations: sum(members, ({ writers }) => writers.invalidations) + children.invalidations,
    refused: sum(members, ({ writers }) => writers.refused),
    crashes: sum(members, ({ writers }) => writers.crashes),
    executions: sum(members, ({ source }) => source.executions) + children.executions,
    loadFailures: sum(members, ({ readers }) => readers.loadFailures),
    childReads: children.reads,
    busGaps: sum(members, ({ instance }) => instance.strata.stats().busGaps),
  };
}
