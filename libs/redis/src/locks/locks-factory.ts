import { ExclusiveLocks, type LocksFactory } from '@strata-cache/core';
import { ClusterNodes } from '../cluster-nodes.js';
import { isCluster, type ResolvedOptions } from '../options.js';
import { ClientMaker } from '../profiles.js';
import { RedisLocker } from './redis-locks.js';
import { ShardKeys } from '../shard.js';
import { SingleServer, type Gates } from '../topology.js';

/** The locks of a namespace. Connections are opened when the first lock is asked for: who never locks has none. */
export function locksOf(options: ResolvedOptions, namespace: string): LocksFactory {
  const { shards, commandTimeout, lockDurability } = options;
  const sharded = isCluster(options);
  return {
    kind: 'locks',
    create(clock, context) {
      const observer = context?.observer ?? {};
      const locker = new RedisLocker({
        namespace,
        shards,
        sharded,
        clock,
        observer,
        commandTimeout,
        durability: lockDurability,
        connect: (gate, onWarning) => {
          const gates: Gates = { byRole: new Map([['locks', gate]]), shards, onWarning };
          const maker = new ClientMaker(options, namespace);
          const keys = Array.from({ length: shards }, (_, shard) => new ShardKeys(namespace, shard));
          return sharded ? new ClusterNodes(maker, gates, keys, options) : new SingleServer(maker, gates);
        },
      });
      return new ExclusiveLocks(locker, clock, observer);
    },
  };
}
