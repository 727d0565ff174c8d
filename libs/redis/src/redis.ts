import type { L2Context, L2Factory, L2Parts } from '@strata-cache/core';
import { AttachGate } from './attach-gate.js';
import { ClusterNodes } from './cluster-nodes.js';
import { gatherFacts } from './facts.js';
import type { Link } from './link.js';
import { isCluster, type RedisTierOptions, resolveOptions } from './options.js';
import { ClientMaker } from './profiles.js';
import { RedisBus } from './redis-bus.js';
import { locksOf } from './locks/locks-factory.js';
import { RedisTier } from './redis-tier.js';
import { ScriptRunner } from './script-runner.js';
import { ShardView, type ShardKeys } from './shard.js';
import { SingleServer, type Gates, type Topology } from './topology.js';
import { sampleVitals } from './vitals.js';
import { WakeList } from './wake-list.js';

/** Stamps are kept this much longer than any entry: a bound without limit would keep them for ever. ms */
const LONGEST_BOUND = 86_400_000;

/**
 * The second tier on Redis (>= 6.2; RESP3), with its bus and its locks: `createStrata({ l2: redis({ url }) })`.
 *
 * Never throws for a Redis that is away and never waits for it: it connects in the background, heals, and rejects what comes meanwhile.
 * @throws CacheConfigError naming the option, when one is unknown or wrong
 */
export function redis(options: RedisTierOptions): L2Factory {
  const resolved = resolveOptions(options);
  return {
    kind: 'l2',
    create(context: L2Context): L2Parts {
      const { namespace, clock, maxStaleness, onSuspect, onRefused } = context;
      const { shards, onServerChange, maxTagStamps } = resolved;
      const sharded = isCluster(resolved);
      const warn = (message: string): void => context.observer.notice?.({ level: 'warn', name: 'l2.redis', message });
      const views = Array.from({ length: shards }, (_, shard) => new ShardView(namespace, shard, onSuspect));
      const scripts = new ScriptRunner({
        maxStaleness: Math.min(Math.round(maxStaleness), LONGEST_BOUND),
        shards,
        sharded,
      });
      const sleepers = new WakeList(clock);
      const bus = new RedisBus(views, sleepers, sharded, warn);
      const dataGate = new AttachGate(views, scripts, onServerChange, { onWarning: warn });
      const busGate = new AttachGate(views, scripts, onServerChange, bus);
      bus.useGate(busGate);
      const gates: Gates = {
        byRole: new Map([
          ['data', dataGate],
          ['bus', busGate],
        ]),
        shards,
        onWarning: warn,
      };
      const maker = new ClientMaker(resolved, namespace);
      const topology: Topology = sharded
        ? new ClusterNodes(
            maker,
            gates,
            views.map(({ keys }) => keys),
            resolved,
          )
        : new SingleServer(maker, gates);
      topology.start();
      const onClose = (): void => {
        dataGate.close();
        busGate.close();
        topology.close();
        sleepers.wakeAll();
      };
      const tier = new RedisTier({ gate: dataGate, views, scripts, sleepers, maxTagStamps, onClose, onRefused });
      const attached = (): Map<Link, ShardKeys> => {
        const links = new Map<Link, ShardKeys>();
        for (const { shard, keys } of views) {
          const link = dataGate.attached(shard);
          if (link !== undefined) links.set(link, keys);
        }
        return links;
      };
      return {
        tier,
        bus,
        locks: locksOf(resolved, namespace),
        vitals: () => sampleVitals([...attached().keys()]),
        facts: () => gatherFacts(attached(), () => clock.now()),
      };
    },
  };
}
