import {
  asFunction,
  asInteger,
  asObject,
  asPositiveDuration,
  asTimeout,
  CacheConfigError,
  readOptions,
  type Duration,
  type Rule,
} from '@strata-cache/core';
import type { EventHeaders } from './envelope.js';
import type { DeadEvent, Outbox } from './outbox.js';
import { outboxMessages } from './outbox-messages.js';
import type { SqlExecutor } from './outbox-sql.js';

/** Holds one connection while `work` runs, and returns what it returns. The relay begins and ends its transactions itself. */
export type SqlConnection = <Result>(work: (execute: SqlExecutor) => Promise<Result>) => Promise<Result>;

/** Where a relay publishes: `CacheEvents`, or anything that does as it does. */
export interface OutboxPublisher {
  /**
   * Resolves once the event is safe. `'queued'`, or an `EventError`: it is not, because the broker is away; any other error: this event
   * cannot be published.
   */
  emit(
    type: string,
    payload: any,
    options: {
      readonly id: string;
      readonly occurredAt: Date;
      readonly version: number | undefined;
      readonly key: string | undefined;
      readonly headers?: EventHeaders | undefined;
      readonly queue: false;
    },
  ): Promise<'accepted' | 'queued' | void>;
}

/** Options of `OutboxRelay`. */
export interface OutboxRelayOptions {
  readonly outbox: Outbox;
  readonly connection: SqlConnection;
  readonly events: OutboxPublisher;
  /** How long an event may wait whose writer died right after the commit. Default `'1s'`. */
  readonly pollInterval?: Duration | undefined;
  /** Events read at once, and published at the same time. Default 100. */
  readonly batch?: number | undefined;
  /** How long publishing one event may take until the broker counts as away. Default `'5s'`. */
  readonly publishTimeout?: Duration | undefined;
  /** After so many failed attempts an event is given up, and kept. While the broker is away none is counted. Default 20. */
  readonly maxAttempts?: number | undefined;
  /** Before the second attempt; doubles with each, up to `maxDelay`. Default `'1s'`. */
  readonly delay?: Duration | undefined;
  /** Default `'1m'`. */
  readonly maxDelay?: Duration | undefined;
  /** While the broker is away, the longest time between two looks. Default `'5s'`. */
  readonly maxPause?: Duration | undefined;
  /** How long the shutdown may take to publish what still waits. Default `'5s'`. */
  readonly drainTimeout?: Duration | undefined;
  /** Told of each event that was given up. A warning is logged in any case. */
  readonly onDead?: ((event: DeadEvent) => void) | undefined;
}

/** Defaults of `OutboxRelay`; docs/options.md lists them and a test compares. */
export const RELAY_DEFAULTS = {
  pollInterval: 1_000,
  batch: 100,
  publishTimeout: 5_000,
  maxAttempts: 20,
  delay: 1_000,
  maxDelay: 60_000,
  maxPause: 5_000,
  drainTimeout: 5_000,
} as const;

const asPublisher: Rule = (value, option) => {
  if (typeof value?.emit === 'function') return value as unknown;
  throw new CacheConfigError(`${option}: expected CacheEvents, or an object with emit(type, payload, options)`);
};

const RULES: Record<string, Rule> = {
  outbox: asObject,
  connection: asFunction,
  events: asPublisher,
  pollInterval: asTimeout,
  batch: asInteger(1, 1_000),
  publishTimeout: asTimeout,
  maxAttempts: asInteger(1, 1_000_000),
  delay: asTimeout,
  maxDelay: asPositiveDuration,
  maxPause: asTimeout,
  drainTimeout: asTimeout,
  onDead: asFunction,
};

/** The options with their defaults, durations in ms. */
export interface ResolvedRelayOptions {
  readonly outbox: Outbox;
  readonly connection: SqlConnection;
  readonly events: OutboxPublisher;
  readonly pollInterval: number;
  readonly batch: number;
  readonly publishTimeout: number;
  readonly maxAttempts: number;
  readonly delay: number;
  readonly maxDelay: number;
  readonly maxPause: number;
  readonly drainTimeout: number;
  readonly onDead: OutboxRelayOptions['onDead'];
}

/** @throws CacheConfigError naming an option that is missing, unknown or wrong */
export function resolveRelayOptions(options: OutboxRelayOptions): ResolvedRelayOptions {
  const read = { ...RELAY_DEFAULTS, ...readOptions('OutboxRelay', options, RULES) } as unknown as ResolvedRelayOptions;
  const required = {
    outbox: 'the Outbox that events are enqueued in',
    connection: '(work) => Promise, which holds a connection while work runs',
    events: 'CacheEvents',
  };
  for (const [option, expected] of Object.entries(required)) {
    if (read[option as keyof typeof required] === undefined) {
      throw new CacheConfigError(outboxMessages.missing(option, expected));
    }
  }
  return read;
}
