export { CacheEventsModule, type CacheEventsOptionsFactory } from './cache-events.module.js';
export type { CacheEventsExtras, CacheEventsOptions, EventClient, RetryOptions } from './cache-events-options.js';
export { CacheEvents, type EmitOptions } from './cache-events.js';
export type { EnvelopeOptions, EventEnvelope, EventHeaders, PlainMapper } from './envelope.js';
export type { EventStats } from './event-stats.js';
export type { EventTrouble, OnFailure } from './event-receiver.js';
export { deadLetterStream, type StreamClient } from './dead-letter-stream.js';
export {
  kafkaInvalidationOptions,
  mqttInvalidationOptions,
  natsInvalidationOptions,
  redisInvalidationOptions,
  rmqEventClient,
  rmqInvalidationOptions,
  type ReceiverName,
  type RmqSettings,
} from './invalidation-options.js';
export {
  Outbox,
  type DeadEvent,
  type EnqueueOptions,
  type OutboxBacklog,
  type OutboxEvent,
  type OutboxOptions,
} from './outbox.js';
export { OutboxRelay, type OutboxRelayStats } from './outbox-relay.js';
export type { OutboxPublisher, OutboxRelayOptions, SqlConnection } from './outbox-options.js';
export type { OutboxDialect, SqlExecutor } from './outbox-sql.js';
