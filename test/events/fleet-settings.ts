import { Transport, type ClientOptions, type MicroserviceOptions } from '@nestjs/microservices';
import {
  mqttInvalidationOptions,
  natsInvalidationOptions,
  redisInvalidationOptions,
  rmqEventClient,
  rmqInvalidationOptions,
} from '@strata-cache/nestjs/microservices';

export type TransportName = 'redis' | 'nats' | 'rabbitmq' | 'mqtt' | 'tcp';

/** How the instances of one scenario are set up; crosses the border to child processes. */
export interface FleetSettings {
  readonly transport: TransportName;
  /** Of the broker; with TCP, of each instance. */
  readonly port: number;
  /** The second tier; without one every instance has to receive every event. */
  readonly redisUrl?: string | undefined;
  /** The service's name in queues and sessions: scenarios on one broker must not meet. */
  readonly service: string;
}

export const DEAD_LETTERS = 'dead';

/** Settings as docs/transports.md recommends them. */
export function listenerOf(settings: FleetSettings, instance: string): MicroserviceOptions {
  const { transport, port, service, redisUrl } = settings;
  const receives = redisUrl === undefined ? instance : 'shared';
  switch (transport) {
    case 'redis':
      return redisInvalidationOptions({ host: '127.0.0.1', port });
    case 'nats':
      return natsInvalidationOptions({ servers: `127.0.0.1:${port}`, service, instance: receives });
    case 'rabbitmq':
      return rmqInvalidationOptions({
        ...rabbit(settings),
        service,
        instance: receives,
        deadLetterExchange: `${DEAD_LETTERS}.${service}`,
      });
    case 'mqtt':
      return mqttInvalidationOptions({ url: `mqtt://127.0.0.1:${port}`, service, instance });
    case 'tcp':
      return { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
  }
}

/** With the settings that CacheEventsModule adds by itself. */
export function emitterOf(settings: FleetSettings): ClientOptions {
  const { transport, port } = settings;
  switch (transport) {
    case 'redis':
      return { transport: Transport.REDIS, options: { host: '127.0.0.1', port } };
    case 'nats':
      return { transport: Transport.NATS, options: { servers: `127.0.0.1:${port}` } };
    case 'rabbitmq':
      return rmqEventClient(rabbit(settings));
    case 'mqtt':
      return { transport: Transport.MQTT, options: { url: `mqtt://127.0.0.1:${port}` } };
    case 'tcp':
      return { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
  }
}

function rabbit({ port, service }: FleetSettings): { urls: string[]; exchange: string } {
  return { urls: [`amqp://guest:guest@127.0.0.1:${port}`], exchange: `events.${service}` };
}
