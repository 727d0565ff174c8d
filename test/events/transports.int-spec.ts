import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { redis } from '@strata-cache/redis';
import { stopAll } from '../support/process-keeper.js';
import { RedisServer } from '../support/redis-server.js';
import { warmUp } from './fleet.js';
import { emitterOf, listenerOf, type FleetSettings } from './fleet-settings.js';
import { endInstances, startInstance, type Instance } from './instances.js';
import { judge } from './judge.js';
import { runScenario } from './scenario.js';
import { brokerOf, SCENARIOS } from './scenarios.js';
import { soon } from './soon.js';

/** One scenario for each broker, with an outage; all ten with 1,000 events and a kill -9 are in `npm run prove -- events`. */
const EVENTS = 100;
const CHOSEN = ['redis-alone', 'nats-alone', 'mqtt-alone', 'rabbitmq-with-redis', 'tcp-with-redis'];

beforeAll(() => warmUp(3), 120_000);
afterEach(endInstances);
afterAll(stopAll);

describe.each(SCENARIOS.filter(({ name }) => CHOSEN.includes(name)))('$title', (scenario) => {
  it(`${scenario.promise}`, async () => {
    const { settings, broker, deadLetters } = await scenario.prepare();
    const verdict = await runScenario({ settings, broker, events: EVENTS, seed: 1, kill: false });
    expect(judge(scenario, verdict, await deadLetters?.())).toEqual([]);
    expect(verdict.emitted).toBe(EVENTS);
  }, 180_000);
});

describe.each(['rabbitmq', 'mqtt'] as const)('%s keeps an event', (transport) => {
  it('until its invalidation is acknowledged, and delivers it again to who comes after', async () => {
    const tier = await new RedisServer().start();
    const { port } = await brokerOf(transport);
    const settings: FleetSettings = { transport, port, service: `hold-${transport}`, redisUrl: tier.url };
    const listener = (): MicroserviceOptions => listenerOf(settings, 'one');
    const start = (): Promise<Instance> =>
      startInstance({ listener: listener(), cache: { l2: redis({ url: tier.url }) } });
    const emitter = await startInstance({ events: { client: emitterOf(settings) } });
    const emit = async (): Promise<void> => {
      await soon(async () => (await emitter.events.emit('price.changed', { id: '1' })) === 'accepted', {
        every: 50,
      });
    };

    const first = await start();
    await first.fill('1');
    await tier.freeze();
    await emit();
    await soon(() => first.events.stats().retried >= 2);
    expect([first.products.peek('1'), first.events.stats().applied]).toEqual([undefined, 0]);
    tier.thaw();
    await soon(() => first.events.stats().applied >= 1);

    // Now the instance ends while it holds one: who comes after it gets it.
    await soon(() => first.events.stats().received === first.events.stats().applied);
    const { applied, received } = first.events.stats();
    await tier.freeze();
    await emit();
    await soon(() => first.events.stats().received > received);
    await first.app.close();
    expect(first.events.stats().applied).toBe(applied);
    tier.thaw();
    const second = await start();
    await soon(() => second.events.stats().applied >= 1);
  }, 120_000);
});
