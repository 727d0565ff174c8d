import type { FaultProxy } from '../support/fault-proxy.js';
import type { RedisServer } from '../support/redis-server.js';
import { respCall } from '../support/resp.js';

/** What an outage may act on: the server, and the proxy of the instance under test. */
export interface OutageWorld {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  /** Makes another instance, with a connection of its own, delete the key of {@link Outage.rollsBack}; acknowledged. */
  readonly deleteElsewhere: () => Promise<void>;
}

/** Of the instances under test. */
export const OUTAGE_NAMESPACE = 'chaos';

/** One way in which Redis fails an application. */
export interface Outage {
  readonly name: string;
  begin(world: OutageWorld): Promise<void>;
  /** Undefined: it is over by itself. */
  end?(world: OutageWorld): Promise<void>;
  /** Whether an invalidation sent meanwhile cannot be acknowledged; undefined: a matter of the instant. */
  readonly refusesInvalidations: boolean | undefined;
  /** The server comes back with a state in which an acknowledged deletion is missing. */
  readonly rollsBack?: boolean;
}

const PASSWORD = 'changed';
const STATE = `strata:{${OUTAGE_NAMESPACE}.0}`;

export const OUTAGES: readonly Outage[] = [
  {
    name: 'connection refused',
    begin: async ({ proxy }) => {
      await proxy.refuse(true);
      proxy.reset();
    },
    end: async ({ proxy }) => proxy.refuse(false),
    refusesInvalidations: true,
  },
  {
    name: 'Redis frozen (SIGSTOP)',
    begin: async ({ server }) => server.freeze(),
    end: async ({ server }) => server.thaw(),
    refusesInvalidations: true,
  },
  {
    name: 'black hole, both ways',
    begin: async ({ proxy }) => proxy.blackhole('both', true),
    end: async ({ proxy }) => proxy.blackhole('both', false),
    refusesInvalidations: true,
  },
  {
    name: 'black hole, from Redis',
    begin: async ({ proxy }) => proxy.blackhole('down', true),
    end: async ({ proxy }) => proxy.blackhole('down', false),
    refusesInvalidations: true,
  },
  {
    name: 'out of memory (noeviction)',
    begin: async ({ server }) => void (await server.cli('CONFIG', 'SET', 'maxmemory', '100kb')),
    end: async ({ server }) => void (await server.cli('CONFIG', 'SET', 'maxmemory', '0')),
    // The scripts delete first, which works, and lets the rest of the script work too.
    refusesInvalidations: false,
  },
  {
    name: 'read-only replica (READONLY)',
    begin: async ({ server }) => void (await server.cli('REPLICAOF', '127.0.0.1', '1')),
    end: async ({ server }) => void (await server.cli('REPLICAOF', 'NO', 'ONE')),
    refusesInvalidations: true,
  },
  {
    name: 'wrong password',
    begin: async ({ server, proxy }) => {
      await server.cli('CONFIG', 'SET', 'requirepass', PASSWORD);
      proxy.reset();
    },
    end: async ({ server }) => {
      await respCall({ ...server.connection, password: PASSWORD }, [['CONFIG', 'SET', 'requirepass', '']]);
    },
    refusesInvalidations: true,
  },
  {
    name: 'FLUSHALL',
    begin: async ({ server }) => void (await server.cli('FLUSHALL')),
    refusesInvalidations: false,
  },
  {
    name: 'SCRIPT FLUSH',
    begin: async ({ server }) => void (await server.cli('SCRIPT', 'FLUSH')),
    refusesInvalidations: false,
  },
  {
    name: 'CLIENT KILL TYPE pubsub',
    begin: async ({ server }) => void (await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    refusesInvalidations: false,
  },
  {
    name: 'kill -9, restart from an older RDB',
    begin: async ({ server, deleteElsewhere }) => {
      await server.saveRdb();
      await deleteElsewhere();
      await server.kill9();
    },
    end: async ({ server }) => server.restart(),
    refusesInvalidations: true,
    rollsBack: true,
  },
  {
    name: 'kill -9, restart empty',
    begin: async ({ server }) => void (await server.kill9()),
    end: async ({ server }) => server.restart({ keepData: false }),
    refusesInvalidations: true,
  },
  {
    name: 'connection reset',
    begin: async ({ proxy }) => proxy.reset(),
    refusesInvalidations: undefined,
  },
  {
    name: 'CLIENT KILL TYPE normal',
    begin: async ({ server }) => void (await server.cli('CLIENT', 'KILL', 'TYPE', 'normal')),
    refusesInvalidations: undefined,
  },
  {
    name: 'black hole, to Redis',
    begin: async ({ proxy }) => proxy.blackhole('up', true),
    end: async ({ proxy }) => proxy.blackhole('up', false),
    refusesInvalidations: true,
  },
  {
    name: 'delayed, to Redis',
    begin: async ({ proxy }) => proxy.hold('up', true),
    end: async ({ proxy }) => proxy.hold('up', false),
    refusesInvalidations: true,
  },
  {
    name: 'delayed, from Redis',
    begin: async ({ proxy }) => proxy.hold('down', true),
    end: async ({ proxy }) => proxy.hold('down', false),
    refusesInvalidations: true,
  },
  {
    name: 'latency 10 to 90 ms',
    begin: async ({ proxy }) => proxy.latency(50, 40),
    end: async ({ proxy }) => proxy.latency(0),
    refusesInvalidations: false,
  },
  {
    name: 'writes refused (NOREPLICAS)',
    begin: async ({ server }) => void (await server.cli('CONFIG', 'SET', 'min-replicas-to-write', '1')),
    end: async ({ server }) => void (await server.cli('CONFIG', 'SET', 'min-replicas-to-write', '0')),
    refusesInvalidations: true,
  },
  {
    name: 'state key deleted',
    begin: async ({ server }) => void (await server.cli('DEL', `${STATE}:st`)),
    refusesInvalidations: false,
  },
  {
    name: 'head key deleted',
    begin: async ({ server }) => void (await server.cli('DEL', `${STATE}:hd`)),
    refusesInvalidations: false,
  },
  {
    name: 'logical clock jump (+1000 s)',
    begin: async ({ server }) => void (await server.cli('ZADD', `${STATE}:st`, 'XX', 'INCR', '1000000000', 'c')),
    refusesInvalidations: false,
  },
];
