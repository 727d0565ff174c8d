import { describe, expect, it } from '@jest/globals';
import { Transport } from '@nestjs/microservices';
import {
  kafkaInvalidationOptions,
  mqttInvalidationOptions,
  natsInvalidationOptions,
  redisInvalidationOptions,
  rmqInvalidationOptions,
} from '@strata-cache/nestjs/microservices';
import { checkServer } from '../../libs/nestjs/src/microservices/boot-check.js';

const kinds = (transportId: Transport | undefined, options: object, isShared = true, hasOnFailure = false): string[] =>
  checkServer({ transportId, options }, isShared, hasOnFailure).map(([kind]) => kind);

const urls = ['amqp://localhost'];
const dead = { arguments: { 'x-dead-letter-exchange': 'dead' } };

describe('the settings of listeners that lose events are told', () => {
  it.each<[string, Transport, object, boolean, string[]]>([
    ['Redis without retryAttempts', Transport.REDIS, {}, true, ['redis-retry']],
    ['Redis with a few', Transport.REDIS, { retryAttempts: 10 }, true, ['redis-retry']],
    ['Redis for ever', Transport.REDIS, { retryAttempts: Infinity }, true, []],
    ['NATS by default', Transport.NATS, {}, true, ['nats-reconnect']],
    ['NATS with many', Transport.NATS, { maxReconnectAttempts: 100 }, true, ['nats-reconnect']],
    ['NATS that does not', Transport.NATS, { maxReconnectAttempts: -1, reconnect: false }, true, ['nats-reconnect']],
    ['NATS with a queue and Redis', Transport.NATS, { maxReconnectAttempts: -1, queue: 'q' }, true, []],
    ['NATS with a queue alone', Transport.NATS, { maxReconnectAttempts: -1, queue: 'q' }, false, ['one-of-many']],
    ['RabbitMQ by default', Transport.RMQ, { queue: 'q' }, true, ['rmq-noack']],
    ['RabbitMQ by default alone', Transport.RMQ, { queue: 'q' }, false, ['rmq-noack', 'one-of-many']],
    ['RabbitMQ without dead letters', Transport.RMQ, { queue: 'q', noAck: false }, true, ['rmq-dead-letters']],
    ['RabbitMQ with them', Transport.RMQ, { queue: 'q', noAck: false, queueOptions: dead }, true, []],
    [
      'RabbitMQ, exclusive',
      Transport.RMQ,
      { queue: 'q', noAck: false, queueOptions: { ...dead, exclusive: true } },
      false,
      [],
    ],
    ['RabbitMQ, unnamed', Transport.RMQ, { queue: '', noAck: false, queueOptions: dead }, false, []],
    ['MQTT by default', Transport.MQTT, {}, true, ['mqtt-clean', 'mqtt-qos']],
    ['MQTT with a session', Transport.MQTT, { clean: false }, true, ['mqtt-qos']],
    ['MQTT with QoS', Transport.MQTT, { subscribeOptions: { qos: 1 } }, true, ['mqtt-clean']],
    ['Kafka with Redis', Transport.KAFKA, { consumer: { groupId: 'g' } }, true, []],
    ['Kafka alone', Transport.KAFKA, { consumer: { groupId: 'g' } }, false, ['one-of-many']],
    ['TCP with Redis', Transport.TCP, {}, true, []],
    ['TCP alone', Transport.TCP, {}, false, ['tcp-peer']],
    ['gRPC', Transport.GRPC, {}, false, []],
  ])('%s', (_what, transport, options, isShared, expected) => {
    expect(kinds(transport, options, isShared)).toEqual(expected);
  });

  it('an onFailure is as good as dead letters, and a custom strategy is not looked at', () => {
    expect(kinds(Transport.RMQ, { queue: 'q', noAck: false }, true, true)).toEqual([]);
    expect(kinds(undefined, {}, false)).toEqual([]);
  });

  it('the helpers give what passes', () => {
    const rabbit = { urls, service: 'catalog', deadLetterExchange: 'dead' };
    const kafka = { service: 'catalog', client: { brokers: ['localhost:9092'] } };
    for (const { transport, options } of [
      redisInvalidationOptions(),
      natsInvalidationOptions({ servers: 'localhost' }),
      rmqInvalidationOptions(rabbit),
      mqttInvalidationOptions({ url: 'mqtt://localhost', service: 'catalog' }),
      kafkaInvalidationOptions(kafka),
    ]) {
      expect([transport, kinds(transport, options, false)]).toEqual([transport, []]);
    }
    const shared = rmqInvalidationOptions({ ...rabbit, instance: 'shared' });
    expect([kinds(Transport.RMQ, shared.options, true), kinds(Transport.RMQ, shared.options, false)]).toEqual([
      [],
      ['one-of-many'],
    ]);
    const group = kafkaInvalidationOptions({ ...kafka, instance: 'shared' });
    expect(kinds(Transport.KAFKA, group.options, false)).toEqual(['one-of-many']);
  });
});

describe('the helpers', () => {
  it('give every process a queue of its own that the broker deletes, and all of them one when shared', () => {
    const [first, second] = [1, 2].map(() => rmqInvalidationOptions({ urls, service: 'catalog', keep: '1m' }).options);
    expect(first.queue).toMatch(/^strata\.events\.catalog\.[\w-]{36}$/);
    expect(first.queue).not.toBe(second.queue);
    expect(first).toMatchObject({ noAck: false, exchange: 'strata.events', exchangeType: 'topic', wildcards: true });
    expect(first.queueOptions).toEqual({ durable: true, arguments: { 'x-expires': 60_000, 'x-max-length': 10_000 } });
    const shared = rmqInvalidationOptions({ urls, service: 'catalog', instance: 'shared' }).options;
    expect([shared.queue, shared.queueOptions]).toEqual(['strata.events.catalog', { durable: true, arguments: {} }]);
  });

  it('pass on what else is given', () => {
    expect(
      natsInvalidationOptions({ servers: 'a', service: 's', instance: 'shared', pingInterval: 1 }).options,
    ).toMatchObject({
      queue: 's',
      servers: 'a',
      pingInterval: 1,
      maxReconnectAttempts: -1,
    });
    expect(
      mqttInvalidationOptions({ url: 'mqtt://a', service: 's', instance: 'i', keepalive: 9 }).options,
    ).toMatchObject({
      clientId: 's.i',
      url: 'mqtt://a',
      keepalive: 9,
      clean: false,
      properties: { sessionExpiryInterval: 300 },
    });
    expect(redisInvalidationOptions({ host: 'a', retryDelay: 1 }).options).toMatchObject({
      host: 'a',
      retryDelay: 1,
      retryAttempts: Infinity,
    });
  });

  it('refuse names that would not fit, and a shared MQTT session', () => {
    expect(() => rmqInvalidationOptions({ urls, service: 'a b' })).toThrow(/service and instance/);
    expect(() => rmqInvalidationOptions({ urls, service: 'a', keep: 5 })).toThrow(/keep.*5 means 5 ms/);
    expect(() => natsInvalidationOptions({ instance: 'shared' })).toThrow(/service and instance/);
    expect(() => mqttInvalidationOptions({ url: 'x', service: 'a', instance: 'shared' })).toThrow(/no shared queues/);
  });
});
