import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Broker } from './broker.js';
import { mosquitto, natsServer } from './brokers.js';
import { stopAll } from './process-keeper.js';

afterAll(stopAll);

async function answers(broker: Broker): Promise<boolean> {
  const socket = connect(broker.port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** RabbitMQ takes seconds to start and is killed and restarted in test/events. */
describe.each<[string, () => Broker]>([
  ['NATS', natsServer],
  ['Mosquitto', mosquitto],
])('a private %s', (_name, make) => {
  it('starts, is killed, and comes back on its port', async () => {
    const broker = await make().start();
    const { port } = broker;
    expect(await answers(broker)).toBe(true);
    await broker.kill9();
    expect(await answers(broker)).toBe(false);
    await broker.start();
    expect([await answers(broker), broker.port]).toEqual([true, port]);
  }, 120_000);
});
