import type { InjectionToken } from '@nestjs/common';
import type { ClientOptions, ClientProxy } from '@nestjs/microservices';
import {
  asBoolean,
  asBytes,
  asFunction,
  asInteger,
  asOneOf,
  asPositiveDuration,
  asTimeout,
  CacheConfigError,
  readOptions,
  type ByteSize,
  type CacheDefinition,
  type Duration,
  type Rule,
} from '@strata-cache/core';
import type { EventEnvelope, EventHeaders, PlainMapper } from './envelope.js';
import type { OnFailure } from './event-receiver.js';

/** How events leave: settings of a client, a client, or the token of a provider that is one. */
export type EventClient = ClientOptions | ClientProxy | InjectionToken;

/** Attempts to apply an event whose mapper throws. */
export interface RetryOptions {
  /** In all. Default 5. */
  readonly attempts?: number | undefined;
  /** Before the second attempt; doubles with each. Default `'100ms'`. */
  readonly delay?: Duration | undefined;
  /** Default `'5s'`. */
  readonly maxDelay?: Duration | undefined;
}

/** Options of `CacheEventsModule`. Everything has a default. */
export interface CacheEventsOptions {
  /** Where `emit` sends events; several for transports that reach one peer each. Absent: events stay in this process. */
  readonly client?: EventClient | readonly EventClient[] | undefined;
  /** Who emits, as envelopes say. Default: the namespace of the engine. */
  readonly source?: string | undefined;
  /** Makes a payload of data that is no envelope; `undefined` passes it over. Default: the data is the payload. */
  readonly plain?: PlainMapper | undefined;
  /** Wraps the work on each event, for what mappers and keys read from the async context, such as a tenant. Must call `run`. */
  readonly around?: ((event: EventEnvelope, run: () => Promise<void>) => Promise<void>) | undefined;
  /** What travels along with each event that is emitted, such as the W3C trace context; `around` of whoever receives it finds it in `event.headers`. */
  readonly headers?: (() => EventHeaders | undefined) | undefined;
  /** Told of each event whose invalidation has been acknowledged. */
  readonly onApplied?: ((event: EventEnvelope) => void) | undefined;
  /** Told of events that end without their full effect: a log, `deadLetterStream(...)`, or your own table. */
  readonly onFailure?: OnFailure | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Larger events are dropped on arrival, and refused by `emit`. Default `'256kb'`. */
  readonly maxEventBytes?: ByteSize | undefined;
  /** Events that may wait while the broker is away. Default 10,000. */
  readonly maxQueued?: number | undefined;
  /** Beyond that: `'drop-oldest'` (default) loses the oldest and says so, `'reject'` makes `emit` throw an `EventError`. */
  readonly overflow?: 'drop-oldest' | 'reject' | undefined;
  /** How long the broker may take until an event waits here instead. Default `'1s'`. */
  readonly emitTimeout?: Duration | undefined;
  /**
   * When a transport is (again) connected: `'clear'` drops what was cached, because events may have been missed; `'keep'` does not;
   * `'auto'` (default) drops the memory of this instance where it has neither a second tier nor a bus.
   */
  readonly onReconnect?: 'auto' | 'clear' | 'keep' | undefined;
  /** False: your own handlers acknowledge AMQP messages. Default true. */
  readonly acknowledge?: boolean | undefined;
}

/** What must be known before any factory runs, because handlers are made of it. */
export interface CacheEventsExtras {
  /** Definitions whose `invalidatedBy` is applied. None: this service only emits. */
  readonly caches?: readonly CacheDefinition<any, any>[] | undefined;
  /** The transport whose servers get the handlers, where an application has several. Default: all of them. */
  readonly transport?: number | symbol | undefined;
  /** Whether `CacheEvents` can be injected everywhere. Default true. */
  readonly isGlobal?: boolean | undefined;
}

/** Defaults of `CacheEventsModule`; docs/options.md lists them and a test compares. */
export const EVENT_DEFAULTS = {
  maxEventBytes: 256 * 1024,
  maxQueued: 10_000,
  overflow: 'drop-oldest',
  emitTimeout: 1_000,
  onReconnect: 'auto',
  acknowledge: true,
} as const;

export const RETRY_DEFAULTS = { attempts: 5, delay: 100, maxDelay: 5_000 } as const;

const asSource: Rule = (value, option) => {
  if (typeof value === 'string' && value.length > 0 && value.length <= 200) return value;
  throw new CacheConfigError(`${option}: expected the name of this service, at most 200 characters`);
};

const RETRY_RULES: Record<string, Rule> = {
  attempts: asInteger(1, 1_000),
  delay: asTimeout,
  maxDelay: asPositiveDuration,
};

const RULES: Record<string, Rule> = {
  client: (value) => value as unknown,
  source: asSource,
  plain: asFunction,
  around: asFunction,
  headers: asFunction,
  onApplied: asFunction,
  onFailure: asFunction,
  retry: (value, option) => readOptions(option, value, RETRY_RULES),
  maxEventBytes: asBytes,
  maxQueued: asInteger(1, 10_000_000),
  overflow: asOneOf('drop-oldest', 'reject'),
  emitTimeout: asTimeout,
  onReconnect: asOneOf('auto', 'clear', 'keep'),
  acknowledge: asBoolean,
};

/** The options with their defaults: durations in ms, sizes in bytes. */
export interface ResolvedEventsOptions {
  readonly client: EventClient | readonly EventClient[] | undefined;
  readonly source: string | undefined;
  readonly plain: PlainMapper | undefined;
  readonly around: CacheEventsOptions['around'];
  readonly headers: CacheEventsOptions['headers'];
  readonly onApplied: CacheEventsOptions['onApplied'];
  readonly onFailure: OnFailure | undefined;
  readonly retry: { readonly attempts: number; readonly delay: number; readonly maxDelay: number };
  readonly maxEventBytes: number;
  readonly maxQueued: number;
  readonly overflow: 'drop-oldest' | 'reject';
  readonly emitTimeout: number;
  readonly onReconnect: 'auto' | 'clear' | 'keep';
  readonly acknowledge: boolean;
}

/** @throws CacheConfigError naming an unknown or wrong option */
export function resolveEventsOptions(options: CacheEventsOptions = {}): ResolvedEventsOptions {
  const read = readOptions('CacheEventsModule.forRoot', options, RULES);
  return {
    ...EVENT_DEFAULTS,
    ...(read as object),
    retry: { ...RETRY_DEFAULTS, ...(read.retry as object | undefined) },
  } as ResolvedEventsOptions;
}
