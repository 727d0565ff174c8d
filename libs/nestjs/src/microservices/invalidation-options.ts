import { randomUUID } from 'node:crypto';
import {
  Transport,
  type KafkaOptions,
  type MqttOptions,
  type NatsOptions,
  type RedisOptions,
  type RmqOptions,
} from '@nestjs/microservices';
import { asPositiveDuration, CacheConfigError, type Duration } from '@strata-cache/core';

/** Options made here for one instance alone; a boot check then knows that nobody shares its queue or group. */
const perInstance = new WeakSet<object>();

/** Whether these options of a transport server were made for one instance alone. */
export function isPerInstance(options: object): boolean {
  return perInstance.has(options);
}

type Settings<Transported extends { options?: object | undefined }> = NonNullable<Transported['options']>;

/** Who receives: every instance by itself, or one of a group that shares the work. */
export interface ReceiverName {
  /** Whose events these are: part of the names of queues, groups and clients. */
  readonly service: string;
  /**
   * The name of this instance, so that every one receives every event: needed without a second tier. Default: a new one for each
   * process. `'shared'`: one of the service's instances receives each event, and the second tier tells the others.
   */
  readonly instance?: string | undefined;
  /** How long the broker keeps what an instance that is away has missed. Default `'5m'`. */
  readonly keep?: Duration | undefined;
}

/** A Redis listener that comes back however long Redis is away. Every instance receives; what is published while it is away is lost. */
export function redisInvalidationOptions(options: Settings<RedisOptions> = {}): RedisOptions & Made<RedisOptions> {
  return {
    transport: Transport.REDIS,
    options: { retryAttempts: Number.POSITIVE_INFINITY, retryDelay: 200, keepAlive: 10_000, ...options },
  };
}

/** A NATS listener that comes back however long the server is away, and notices a dead link within 10 s. What is published meanwhile is lost. */
export function natsInvalidationOptions(
  options: Settings<NatsOptions> & { readonly service?: string; readonly instance?: string },
): NatsOptions & Made<NatsOptions> {
  const { service, instance, ...more } = options;
  const queue = instance === 'shared' ? { queue: named(service, 'natsInvalidationOptions') } : {};
  return {
    transport: Transport.NATS,
    options: {
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      waitOnFirstConnect: true,
      pingInterval: 5_000,
      maxPingOut: 2,
      ...queue,
      ...more,
    },
  };
}

/** What is published to by `rmqEventClient`, and bound to by `rmqInvalidationOptions`. */
const EXCHANGE = 'strata.events';

export interface RmqSettings {
  readonly urls: string[];
  /** A topic exchange; it is declared. Default `'strata.events'`. */
  readonly exchange?: string | undefined;
}

/**
 * A RabbitMQ listener: a durable queue, bound to the exchange by the patterns of the application's handlers (events of others never arrive, and
 * so never end among the dead letters), acknowledged once the invalidation is. An instance that comes back within
 * `keep` receives what it missed; after that its queue is gone, and its memory was dropped with the connection.
 */
export function rmqInvalidationOptions(
  options: RmqSettings &
    ReceiverName & {
      /** Events that are not applied after all attempts go there. It must exist. */
      readonly deadLetterExchange?: string | undefined;
      /** Default 64. */
      readonly prefetchCount?: number | undefined;
      /** Events kept for an instance that is away; the oldest go first. Default 10,000. */
      readonly maxLength?: number | undefined;
    },
): RmqOptions & Made<RmqOptions> {
  const { urls, exchange = EXCHANGE, deadLetterExchange, prefetchCount = 64, maxLength = 10_000 } = options;
  const { isShared, name, keep } = receiver(options, 'rmqInvalidationOptions');
  return {
    transport: Transport.RMQ,
    options: mark(isShared, {
      urls,
      exchange,
      exchangeType: 'topic',
      wildcards: true,
      queue: `${exchange}.${name}`,
      queueOptions: {
        durable: true,
        arguments: {
          ...(isShared ? {} : { 'x-expires': keep, 'x-max-length': maxLength }),
          ...(deadLetterExchange === undefined ? {} : { 'x-dead-letter-exchange': deadLetterExchange }),
        },
      },
      noAck: false,
      prefetchCount,
      socketOptions: { heartbeatIntervalInSeconds: 5, reconnectTimeInSeconds: 1 },
    }),
  };
}

/** The `client` of `CacheEventsModule` that publishes to where `rmqInvalidationOptions` listens. */
export function rmqEventClient({ urls, exchange = EXCHANGE }: RmqSettings): RmqOptions & Made<RmqOptions> {
  return {
    transport: Transport.RMQ,
    options: { urls, exchange, exchangeType: 'topic', wildcards: true },
  };
}

/**
 * An MQTT listener with a session that the broker keeps, and QoS 1: what is published while it is away arrives when it is back. Every
 * instance receives. MQTT 5, because a session needs an end: without one brokers keep those of instances that are gone.
 */
export function mqttInvalidationOptions(
  options: Settings<MqttOptions> & { readonly url: string } & Omit<ReceiverName, 'instance'> & {
      /** The name of this instance. Default: a new one for each process. */
      readonly instance?: string | undefined;
    },
): MqttOptions & Made<MqttOptions> {
  const { service, instance, keep, ...more } = options;
  const own = receiver({ service, instance, keep }, 'mqttInvalidationOptions');
  if (own.isShared) {
    throw new CacheConfigError(
      `mqttInvalidationOptions: instance: MQTT has no shared queues that survive a reconnect; leave it out, and every instance receives`,
    );
  }
  return {
    transport: Transport.MQTT,
    options: {
      protocolVersion: 5,
      clientId: own.name,
      clean: false,
      properties: { sessionExpiryInterval: Math.ceil(own.keep / 1_000) },
      subscribeOptions: { qos: 1 },
      keepalive: 5,
      reconnectPeriod: 200,
      ...more,
    },
  };
}

/** A Kafka listener with a consumer group for each instance (or, with `instance: 'shared'`, for the service). It starts at the end of its topics. */
export function kafkaInvalidationOptions(
  options: ReceiverName & { readonly client: NonNullable<Settings<KafkaOptions>['client']> },
): KafkaOptions & Made<KafkaOptions> {
  const { isShared, name } = receiver(options, 'kafkaInvalidationOptions');
  return {
    transport: Transport.KAFKA,
    options: mark(isShared, {
      client: options.client,
      consumer: { groupId: name, allowAutoTopicCreation: true },
      subscribe: { fromBeginning: false },
    }),
  };
}

/** Transport and options are there, so that they can be read and spread. */
type Made<Transported extends { options?: object | undefined }> = {
  readonly options: Settings<Transported>;
};

function mark<Options extends object>(isShared: boolean, options: Options): Options {
  if (!isShared) perInstance.add(options);
  return options;
}

function receiver(
  { service, instance = randomUUID(), keep = '5m' }: ReceiverName,
  where: string,
): { readonly isShared: boolean; readonly name: string; readonly keep: number } {
  const isShared = instance === 'shared';
  const name = isShared ? named(service, where) : `${named(service, where)}.${named(instance, where)}`;
  return { isShared, name, keep: asPositiveDuration(keep, `${where}: keep`) };
}

function named(name: string | undefined, where: string): string {
  if (typeof name === 'string' && /^[\w.-]{1,100}$/.test(name)) return name;
  throw new CacheConfigError(`${where}: service and instance: expected 1 to 100 letters, digits, "_", "." or "-"`);
}
