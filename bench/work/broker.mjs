import { mosquitto, natsServer, rabbitMq } from '../../test/support/brokers.ts';
import { stopAll } from '../../test/support/process-keeper.ts';

const BROKERS = { nats: natsServer, mqtt: mosquitto, rabbitmq: rabbitMq };

/** A private broker, as the tests start them. */
export async function prepare({ contender }) {
  const broker = await BROKERS[contender]().start();
  return { about: { port: broker.port }, stop: () => stopAll() };
}
