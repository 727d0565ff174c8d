import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import type { ResolvedOptions } from './options.js';

/**
 * What a connection is for: `data` carries reads and scripts, `bus` the subscriptions and their heartbeats, `locks` lock scripts and the
 * wake-ups of those who wait: a renewal never stands behind a large value.
 */
export type Role = 'data' | 'bus' | 'locks';

/** A node of a cluster. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** 50 ms, doubled up to 1 s (Redis is used again within 2 s of its return), spread over the upper half: never gives up, never in step. */
export function retryDelay(attempt: number): number {
  const ceiling = Math.min(1_000, 50 * 2 ** Math.min(attempt, 6));
  return Math.round(ceiling * (0.5 + Math.random() / 2));
}

/** A replica that answers as if it were the master: the connection looks for the new one. */
/** ms in which further refusals belong to the connection that is being closed already. */
const SAME_CONNECTION = 100;

/**
 * A demoted master refuses every write: connect anew, to whoever is master now. Once, not for each write of a batch: ioredis adds a
 * listener to the socket at every disconnect, and Node would warn of a leak.
 */
function hangUpOnReadOnly(): (error: Error) => boolean {
  let hungUpAt = -Infinity;
  return (error) => {
    const now = performance.now();
    if (!error.message.startsWith('READONLY') || now - hungUpAt < SAME_CONNECTION) {
      return false;
    }
    hungUpAt = now;
    return true;
  };
}

/**
 * Settings every connection of ours has, whatever else was given (docs/protocol.md 10, each found by experiment): nothing waits for
 * a server that is away, nothing is sent twice, nothing is executed after its caller was told it failed, and a silent server is noticed.
 */
export function safeOptions(role: Role, namespace: string, commandTimeout: number): RedisOptions {
  return {
    connectTimeout: 2_000,
    // ioredis arms this timer at every disconnect, also of a socket that is closed already, and it keeps the process alive.
    disconnectTimeout: 50,
    commandTimeout,
    // Armed while a reply is due: a black-holed link is torn down, instead of its queue growing. Sooner for locks: a lease is short.
    socketTimeout: Math.max(role === 'locks' ? 1_000 : 2_000, 2 * commandTimeout),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: retryDelay,
    sentinelRetryStrategy: retryDelay,
    reconnectOnError: hangUpOnReadOnly(),
    keepAlive: 10_000,
    noDelay: true,
    // Reads are batched by us; automatic pipelines would only add a tick.
    enableAutoPipelining: false,
    // We subscribe anew on every connection, after its ATTACH.
    autoResubscribe: false,
    // Our ATTACH is the check; ioredis' own would log when INFO is denied, and wait for a loading server on its own terms.
    enableReadyCheck: false,
    protocol: 3,
    replyMapping: 'legacy',
    stringNumbers: false,
    keyPrefix: '',
    readOnly: false,
    monitor: false,
    lazyConnect: true,
    // CLIENT SETINFO exists from 7.2 on only, and an ACL of 7.0 cannot even name it.
    disableClientInfo: true,
    connectionName: `strata:${namespace.replace(/[^\w:.-]/g, '_')}:${role}`,
  };
}

/** Makes the connections of one tier. All of them are ours to close. */
export class ClientMaker {
  readonly #options: ResolvedOptions;
  readonly #namespace: string;

  constructor(options: ResolvedOptions, namespace: string) {
    this.#options = options;
    this.#namespace = namespace;
  }

  /** `address`: that node of a cluster; otherwise the one server (or the sentinels' master). */
  make(role: Role, address?: Address): Redis {
    const { client, url, sentinels, name, commandTimeout } = this.#options;
    const safe = safeOptions(role, this.#namespace, commandTimeout);
    if (address !== undefined) {
      return new Redis({ ...this.#nodeOptions(), ...this.#given(), ...safe, host: address.host, port: address.port });
    }
    if (client !== undefined) {
      return (client as Redis).duplicate({ ...this.#given(), ...safe });
    }
    if (sentinels !== undefined) {
      return new Redis({ ...this.#given(), ...safe, sentinels: [...sentinels], name });
    }
    return new Redis(url as string, { ...this.#given(), ...safe });
  }

  #given(): RedisOptions {
    const { options, username, password, tls, db } = this.#options;
    return {
      ...options,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
      ...(db === undefined ? {} : { db }),
    };
  }

  /** What a borrowed cluster gives each of its nodes. */
  #nodeOptions(): RedisOptions {
    const { client } = this.#options;
    return client?.isCluster === true ? ((client as Cluster).options.redisOptions ?? {}) : {};
  }
}
