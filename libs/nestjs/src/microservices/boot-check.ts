import { Transport } from '@nestjs/microservices';
import { isPerInstance } from './invalidation-options.js';
import type { EventServer } from './server-connections.js';

type Warning = readonly [kind: string, message: string];

/** Below this many attempts a server gives up on a broker that is away for a while. */
const FOREVER = 1_000_000;

/**
 * What is wrong with the settings of a transport server, as far as events go (docs/transports.md has the reasons).
 * @param isShared one instance that receives an event is enough, for the second tier or the bus tells the others
 * @param hasOnFailure what cannot be applied is taken care of
 */
export function checkServer(server: EventServer, isShared: boolean, hasOnFailure: boolean): readonly Warning[] {
  const options = server.options ?? {};
  switch (server.transportId) {
    case Transport.REDIS:
      return checkRedis(options);
    case Transport.NATS:
      return [
        ...checkNats(options),
        ...(isShared || !options.queue ? [] : [shared('NATS', `queue "${options.queue}"`)]),
      ];
    case Transport.RMQ:
      return checkRmq(options, isShared, hasOnFailure);
    case Transport.MQTT:
      return checkMqtt(options);
    case Transport.KAFKA:
      return isShared || isPerInstance(options)
        ? []
        : [shared('Kafka', `groupId "${options.consumer?.groupId ?? ''}"`)];
    case Transport.TCP:
      return isShared ? [] : [warning('tcp-peer', TCP_PEER)];
    default:
      return [];
  }
}

function checkRedis({ retryAttempts }: Record<string, any>): Warning[] {
  if (typeof retryAttempts === 'number' && retryAttempts >= FOREVER) return [];
  return [
    warning(
      'redis-retry',
      `Redis transport: retryAttempts is ${retryAttempts ?? 'not set'}, so after ${retryAttempts ? 'that many attempts' : 'one restart of Redis'} ` +
        `this instance hears no event until it is restarted itself. Set retryAttempts: Infinity, or use redisInvalidationOptions().`,
    ),
  ];
}

function checkNats({ maxReconnectAttempts = 10, reconnect }: Record<string, any>): Warning[] {
  if (maxReconnectAttempts === -1 && reconnect !== false) return [];
  return [
    warning(
      'nats-reconnect',
      `NATS transport: maxReconnectAttempts is ${maxReconnectAttempts}, after which this instance hears no event until it is ` +
        `restarted. Set maxReconnectAttempts: -1, or use natsInvalidationOptions().`,
    ),
  ];
}

function checkRmq(options: Record<string, any>, isShared: boolean, hasOnFailure: boolean): Warning[] {
  const { noAck = true, queueOptions = {}, queue = '' } = options;
  const warnings: Warning[] = [];
  if (noAck !== false) {
    warnings.push(
      warning(
        'rmq-noack',
        `RabbitMQ transport: noAck is ${noAck === true && !('noAck' in options) ? 'true by default' : 'true'}, so an event is gone ` +
          `once it was sent here, applied or not. Set noAck: false; CacheEventsModule acknowledges.`,
      ),
    );
  } else if (
    !hasOnFailure &&
    queueOptions.arguments?.['x-dead-letter-exchange'] === undefined &&
    !queueOptions.deadLetterExchange
  ) {
    warnings.push(
      warning(
        'rmq-dead-letters',
        `RabbitMQ transport: the queue "${queue}" has no dead letter exchange and CacheEventsModule no onFailure, so an event that ` +
          `cannot be applied is gone. Set one of them.`,
      ),
    );
  }
  const own = queue === '' || queueOptions.exclusive === true || isPerInstance(options);
  if (!isShared && !own) warnings.push(shared('RabbitMQ', `queue "${queue}"`));
  return warnings;
}

function checkMqtt({ clean = true, subscribeOptions }: Record<string, any>): Warning[] {
  const warnings: Warning[] = [];
  if (clean !== false) {
    warnings.push(
      warning(
        'mqtt-clean',
        `MQTT transport: clean is ${String(clean)}, so what is published while this instance is away is lost. Set clean: false and a ` +
          `stable clientId, or use mqttInvalidationOptions().`,
      ),
    );
  }
  if ((subscribeOptions?.qos ?? 0) === 0) {
    warnings.push(
      warning(
        'mqtt-qos',
        `MQTT transport: QoS 0, so an event may be lost on its way. Set subscribeOptions: { qos: 1 }, or use mqttInvalidationOptions().`,
      ),
    );
  }
  return warnings;
}

function shared(transport: string, what: string): Warning {
  return warning(
    'one-of-many',
    `${transport} transport: ${what} may be shared, and then each event reaches one instance only. Without a second tier nobody tells ` +
      `the others: give every instance its own, or CacheModule an l2.`,
  );
}

const TCP_PEER =
  `TCP transport: an emitter reaches the one peer it is connected to, and without a second tier nobody tells the other instances. ` +
  `Give CacheEventsModule of the emitter one client for each instance, or CacheModule an l2.`;

function warning(kind: string, message: string): Warning {
  return [kind, message];
}
