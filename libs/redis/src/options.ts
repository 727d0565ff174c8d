import { CacheConfigError, duration, type Duration } from '@strata-cache/core';
import type { Cluster, NatMap, Redis, RedisOptions, SentinelAddress } from 'ioredis';

/** What a server that came back with another run id (restart, failover) does to the entries: see {@link RedisTierOptions.onServerChange}. */
export type ServerChangePolicy = 'hard' | 'soft' | 'keep';

export interface ClusterSource {
  /** Some nodes to begin with; the others are discovered. `'host:port'` or an object. */
  readonly nodes: readonly (string | { readonly host: string; readonly port: number })[];
  /** Announced addresses (`'10.0.0.1:6379'`) to reachable ones, as in ioredis. */
  readonly natMap?: NatMap | undefined;
}

/** Options of {@link redis}. Exactly one of `url`, `client`, `sentinels` and `cluster`. */
export interface RedisTierOptions {
  /** `redis://`, `rediss://` or the path of a unix socket. */
  readonly url?: string | undefined;
  /** An ioredis client to take the connection options of. It is duplicated with safe settings, never used and never closed itself. */
  readonly client?: Redis | Cluster | undefined;
  readonly sentinels?: readonly Partial<SentinelAddress>[] | undefined;
  /** The master's name at the sentinels. */
  readonly name?: string | undefined;
  readonly cluster?: ClusterSource | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: RedisOptions['tls'];
  readonly db?: number | undefined;
  /** Further ioredis options. Those that make a cache hang, re-send or run commands late are overridden (docs/protocol.md 10). */
  readonly options?: RedisOptions | undefined;
  /** How many parts the namespace is cut into; the same for every instance, and fixed once there is data. Default 1, on Cluster 16. */
  readonly shards?: number | undefined;
  /** How long one command may take, ms. Default 500. */
  readonly commandTimeout?: Duration | undefined;
  /**
   * After a restart or failover acknowledged invalidations may be missing. `'hard'` (default): the cache starts cold; `'soft'`: what is
   * there is usable as stale only; `'keep'`: trust the server (only with synchronous persistence).
   */
  readonly onServerChange?: ServerChangePolicy | undefined;
  /** Invalidated tags remembered per shard (106 bytes each); beyond it the oldest entries reload. Default 100 000. */
  readonly maxTagStamps?: number | undefined;
  /** A lock counts as granted only when that many replicas have it (`WAIT`); otherwise it is given back, and LockError. Default: the master alone. */
  readonly lockDurability?: { readonly replicas: number; readonly timeout: Duration } | undefined;
}

/** {@link RedisTierOptions.lockDurability}, read. */
export interface LockDurability {
  readonly replicas: number;
  /** ms */
  readonly timeout: number;
}

export interface ResolvedOptions extends RedisTierOptions {
  readonly shards: number;
  readonly commandTimeout: number;
  readonly onServerChange: ServerChangePolicy;
  readonly maxTagStamps: number;
  readonly lockDurability?: LockDurability | undefined;
}

const KNOWN: Readonly<Record<keyof RedisTierOptions, string>> = {
  url: 'string',
  client: 'object',
  sentinels: 'array',
  name: 'string',
  cluster: 'object',
  username: 'string',
  password: 'string',
  tls: 'object',
  db: 'number',
  options: 'object',
  shards: 'number',
  commandTimeout: 'duration',
  onServerChange: 'string',
  maxTagStamps: 'number',
  lockDurability: 'object',
};
const SOURCES = ['url', 'client', 'sentinels', 'cluster'] as const;
const WHERE = 'redis()';

/** @throws CacheConfigError naming the option; credentials never appear in a message */
export function resolveOptions(given: RedisTierOptions): ResolvedOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new CacheConfigError(`${WHERE}: expected an options object such as { url: 'redis://localhost:6379' }`);
  }
  for (const [name, value] of Object.entries(given)) {
    checkType(name, value);
  }
  const sources = SOURCES.filter((name) => given[name] !== undefined);
  if (sources.length !== 1) {
    const got = sources.length === 0 ? 'none' : sources.join(' and ');
    throw new CacheConfigError(`${WHERE}: expected exactly one of ${SOURCES.join(', ')}, got ${got}`);
  }
  checkSource(given);
  checkPassedOn(given.options ?? {});
  const policy = given.onServerChange ?? 'hard';
  if (policy !== 'hard' && policy !== 'soft' && policy !== 'keep') {
    throw new CacheConfigError(`${WHERE}: onServerChange: expected 'hard', 'soft' or 'keep'`);
  }
  const commandTimeout = timeout(given.commandTimeout ?? 500);
  return {
    ...given,
    lockDurability: durability(given.lockDurability, commandTimeout),
    shards: wholeNumber('shards', given.shards ?? (isCluster(given) ? 16 : 1), 1, 1024),
    commandTimeout,
    onServerChange: policy,
    maxTagStamps: wholeNumber('maxTagStamps', given.maxTagStamps ?? 100_000, 1, 10_000_000),
  };
}

/** Whether the options lead to a Redis Cluster. */
export function isCluster(options: RedisTierOptions): boolean {
  return options.cluster !== undefined || options.client?.isCluster === true;
}

function checkType(name: string, value: unknown): void {
  if (!Object.hasOwn(KNOWN, name)) {
    throw new CacheConfigError(
      `${WHERE}: unknown option "${name}"; known options are ${Object.keys(KNOWN).join(', ')} (further ioredis options go into \`options\`)`,
    );
  }
  const expected = KNOWN[name as keyof RedisTierOptions];
  const actual = Array.isArray(value) ? 'array' : typeof value;
  if (value !== undefined && expected !== 'duration' && actual !== expected) {
    throw new CacheConfigError(
      `${WHERE}: ${name}: expected ${expected === 'array' ? 'an array' : `a value of type ${expected}`}, got ${value === null ? 'null' : actual}`,
    );
  }
}

function checkSource({ url, client, sentinels, name, cluster, db }: RedisTierOptions): void {
  if (url !== undefined && !/^(rediss?:\/\/|\/(?!\/))./.test(url)) {
    throw new CacheConfigError(`${WHERE}: url: expected redis://..., rediss://... or the path of a unix socket`);
  }
  if (url !== undefined && !url.startsWith('/') && !isReadable(url)) {
    throw new CacheConfigError(
      `${WHERE}: url: expected redis://user:password@host:port/db; percent-encode special characters of the password, give the port and the database as numbers`,
    );
  }
  if (db !== undefined) wholeNumber('db', db, 0, 1_000_000);
  if (client !== undefined && (typeof client.isCluster !== 'boolean' || typeof client.duplicate !== 'function')) {
    throw new CacheConfigError(`${WHERE}: client: expected a Redis or Cluster of ioredis 6`);
  }
  if ((sentinels === undefined) !== (name === undefined) || sentinels?.length === 0) {
    throw new CacheConfigError(
      `${WHERE}: sentinels: expected at least one address together with \`name\`, the master's name`,
    );
  }
  if (cluster !== undefined && !(Array.isArray(cluster.nodes) && cluster.nodes.length > 0)) {
    throw new CacheConfigError(`${WHERE}: cluster.nodes: expected at least one 'host:port'`);
  }
  if (cluster !== undefined && db !== undefined && db !== 0) {
    throw new CacheConfigError(`${WHERE}: db: a Redis Cluster has only database 0`);
  }
}

/** What ioredis would throw for it comes later, and shows the whole URL with its password. A database that is no number would be 0. */
function isReadable(url: string): boolean {
  try {
    const { username, password, pathname } = new URL(url);
    decodeURIComponent(username + password);
    return /^(\/\d*)?$/.test(pathname);
  } catch {
    return false;
  }
}

function checkPassedOn(options: RedisOptions): void {
  if (options.keyPrefix !== undefined && options.keyPrefix !== '') {
    throw new CacheConfigError(
      `${WHERE}: options.keyPrefix: leave it out; the namespace of the engine is the prefix of every key`,
    );
  }
  if (options.readOnly === true || options.monitor === true) {
    throw new CacheConfigError(`${WHERE}: options.readOnly and options.monitor: leave them out; a tier writes`);
  }
  if (options.protocol !== undefined && options.protocol !== 3) {
    throw new CacheConfigError(
      `${WHERE}: options.protocol: expected 3; the bus runs commands on its subscribed connection, which takes RESP3 (Redis >= 6.2)`,
    );
  }
  if (options.commandTimeout !== undefined) {
    throw new CacheConfigError(`${WHERE}: options.commandTimeout: give it as \`commandTimeout\` beside \`options\``);
  }
}

function wholeNumber(option: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new CacheConfigError(`${WHERE}: ${option}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
  return value;
}

function durability(given: RedisTierOptions['lockDurability'], commandTimeout: number): LockDurability | undefined {
  if (given === undefined) {
    return undefined;
  }
  const { replicas, timeout: wait, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new CacheConfigError(
      `${WHERE}: lockDurability: unknown option "${unknown}"; known options are replicas, timeout`,
    );
  }
  // WAIT with 0 would wait for ever; and whatever takes longer than a command may is cut off before it can answer.
  const ms =
    typeof wait === 'number' && wait >= 10 && wait < 1000 ? wait : duration(wait, `${WHERE}: lockDurability.timeout`);
  if (ms < 1 || ms >= commandTimeout) {
    throw new CacheConfigError(
      `${WHERE}: lockDurability.timeout: expected a duration above 0 and below commandTimeout (${commandTimeout} ms)`,
    );
  }
  return { replicas: wholeNumber('lockDurability.replicas', replicas, 1, 100), timeout: Math.round(ms) };
}

/** Nobody means seconds by a command timeout of 500. */
function timeout(value: Duration): number {
  const ms =
    typeof value === 'number' && value >= 10 && value < 1000 ? value : duration(value, `${WHERE}: commandTimeout`);
  if (ms <= 0) {
    throw new CacheConfigError(`${WHERE}: commandTimeout: expected a duration above 0`);
  }
  return ms;
}
