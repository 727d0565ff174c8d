import { projectIoredis } from './caches.mjs';
import { strataModule } from './strata.mjs';

/** A bare publisher and subscriber of each broker, at the same delivery guarantee as what is compared with it. */
export const RAW = {
  async redis(port, topic) {
    const { Redis } = projectIoredis();
    const [own, listening] = [new Redis({ port }), new Redis({ port })];
    return {
      publish: (text) => own.publish(topic, text),
      subscribe: async (run) => {
        listening.on('message', (_channel, text) => run(text));
        await listening.subscribe(topic);
      },
    };
  },
  async nats(port, topic) {
    const { connect } = await import('@nats-io/transport-node');
    const connection = await connect({ servers: `127.0.0.1:${port}` });
    return {
      publish: async (text) => connection.publish(topic, text),
      subscribe: async (run) => {
        connection.subscribe(topic, { callback: (_error, message) => run(message.string()) });
        await connection.flush();
      },
    };
  },
  async mqtt(port, topic) {
    const { default: mqtt } = await import('mqtt');
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
    return {
      publish: (text) => client.publishAsync(topic, text, { qos: 1 }),
      subscribe: async (run) => {
        client.on('message', (_topic, bytes) => run(String(bytes)));
        await client.subscribeAsync(topic, { qos: 1 });
      },
    };
  },
  async rabbitmq(port, topic) {
    const { default: amqp } = await import('amqplib');
    const connection = await amqp.connect(`amqp://guest:guest@127.0.0.1:${port}`);
    const channel = await connection.createChannel();
    await channel.assertExchange(topic, 'fanout', { durable: true });
    return {
      publish: async (text) => channel.publish(topic, '', Buffer.from(text), { persistent: true }),
      subscribe: async (run) => {
        const { queue } = await channel.assertQueue('', { durable: true, exclusive: true });
        await channel.bindQueue(queue, topic, '');
        await channel.consume(queue, (message) => {
          run(String(message.content));
          channel.ack(message);
        });
      },
    };
  },
};

/** Settings as docs/transports.md recommends them: `emitter` for CacheEventsModule, `listener` for connectMicroservice. */
export async function nestTransport(name, port, instance) {
  const made = await strataModule('nestjs', 'microservices/index.js');
  const { Transport } = await import('@nestjs/microservices');
  const rabbit = { urls: [`amqp://guest:guest@127.0.0.1:${port}`], exchange: 'events.bench' };
  const service = 'bench';
  switch (name) {
    case 'redis':
      return {
        emitter: { transport: Transport.REDIS, options: { host: '127.0.0.1', port } },
        listener: made.redisInvalidationOptions({ host: '127.0.0.1', port }),
      };
    case 'nats':
      return {
        emitter: { transport: Transport.NATS, options: { servers: `127.0.0.1:${port}` } },
        listener: made.natsInvalidationOptions({ servers: `127.0.0.1:${port}`, service, instance }),
      };
    case 'mqtt':
      return {
        emitter: { transport: Transport.MQTT, options: { url: `mqtt://127.0.0.1:${port}` } },
        listener: made.mqttInvalidationOptions({ url: `mqtt://127.0.0.1:${port}`, service, instance }),
      };
    default:
      return {
        emitter: made.rmqEventClient(rabbit),
        listener: made.rmqInvalidationOptions({ ...rabbit, service, instance }),
      };
  }
}
