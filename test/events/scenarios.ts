import { connect, type Channel } from 'amqplib';
import { RedisServer } from '../support/redis-server.js';
import type { Broker } from '../support/broker.js';
import { mosquitto, natsServer, rabbitMq } from '../support/brokers.js';
import { DEAD_LETTERS, type FleetSettings, type TransportName } from './fleet-settings.js';
import type { Interruptible } from './scenario.js';

/** `'atLeastOnce'`: nothing may be lost; `'atMostOnce'`: only what was emitted during the outage, and only with a second tier. */
export type Delivery = 'atLeastOnce' | 'atMostOnce';

export interface Prepared {
  readonly settings: FleetSettings;
  readonly broker: Interruptible | undefined;
  /** How many events the broker has put aside. */
  readonly deadLetters?: () => Promise<number>;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly delivery: Delivery;
  readonly promise: string;
  /** Every instance receives by itself. */
  readonly isOwn: boolean;
  prepare(): Promise<Prepared>;
}

let scenarios = 0;

/** Brokers are started once and used by all scenarios of a run; names keep these apart. */
const brokers = new Map<TransportName, Promise<Broker>>();
let tier: Promise<RedisServer> | undefined;

/** The broker of a transport that has one, started when it is first asked for. */
export function brokerOf(transport: keyof typeof MAKE): Promise<Broker> {
  let started = brokers.get(transport);
  if (started === undefined) brokers.set(transport, (started = MAKE[transport]().start()));
  return started;
}

async function tierUrl(isShared: boolean): Promise<{ redisUrl?: string }> {
  if (!isShared) return {};
  tier ??= new RedisServer().start();
  return { redisUrl: (await tier).url };
}

const MAKE = { nats: natsServer, rabbitmq: rabbitMq, mqtt: mosquitto };

function scenario(transport: TransportName, isShared: boolean, delivery: Delivery): Scenario {
  const how = isShared ? 'with Redis as the second tier' : 'without a second tier';
  return {
    name: `${transport}-${isShared ? 'with-redis' : 'alone'}`,
    title: `${transport}: ${how}`,
    delivery,
    isOwn: !isShared || transport === 'redis' || transport === 'mqtt',
    promise:
      delivery === 'atLeastOnce'
        ? 'loses no event and leaves no old entry'
        : isShared
          ? 'loses at most what is emitted while the broker is away'
          : 'leaves no old entry, whatever was lost',
    async prepare() {
      const service = `s${++scenarios}`;
      const more = { service, transport, ...(await tierUrl(isShared)) };
      if (transport === 'tcp') return { settings: { ...more, port: 0 }, broker: undefined };
      if (transport === 'redis') {
        // Not the server of the second tier: an outage of the transport is what is looked at here.
        const server = await new RedisServer().start();
        return {
          settings: { ...more, port: server.port },
          broker: { away: () => server.kill9(), back: async () => void (await server.start()) },
        };
      }
      const server = await brokerOf(transport);
      // Mosquitto writes its sessions when it stops; the others must stand a kill -9.
      const away = (): Promise<void> => (transport === 'mqtt' ? server.stop() : server.kill9());
      const settings = { ...more, port: server.port };
      return {
        settings,
        broker: { away, back: async () => void (await server.start()) },
        ...(transport === 'rabbitmq' ? { deadLetters: await deadLetterQueue(settings) } : {}),
      };
    },
  };
}

/** A queue for what instances give up. Declared before they start: their queues name its exchange. */
async function deadLetterQueue({ port, service }: FleetSettings): Promise<() => Promise<number>> {
  const name = `${DEAD_LETTERS}.${service}`;
  const withChannel = async <Result>(run: (channel: Channel) => Promise<Result>): Promise<Result> => {
    const connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
    try {
      return await run(await connection.createChannel());
    } finally {
      await connection.close();
    }
  };
  await withChannel(async (channel) => {
    await channel.assertExchange(name, 'fanout', { durable: true });
    await channel.assertQueue(name, { durable: true });
    await channel.bindQueue(name, name, '');
  });
  return async () => (await withChannel((channel) => channel.checkQueue(name))).messageCount;
}

export const SCENARIOS: readonly Scenario[] = [
  scenario('redis', false, 'atMostOnce'),
  scenario('redis', true, 'atMostOnce'),
  scenario('nats', false, 'atMostOnce'),
  scenario('nats', true, 'atMostOnce'),
  scenario('mqtt', false, 'atLeastOnce'),
  scenario('mqtt', true, 'atLeastOnce'),
  scenario('rabbitmq', false, 'atLeastOnce'),
  scenario('rabbitmq', true, 'atLeastOnce'),
  scenario('tcp', false, 'atLeastOnce'),
  scenario('tcp', true, 'atLeastOnce'),
];
