import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stopAll } from '../support/process-keeper.js';
import { warmUp } from './fleet.js';
import { judge } from './judge.js';
import { runScenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

/** One scenario for each broker, with an outage; all ten with 1,000 events and a kill -9 are in `npm run prove -- events`. */
const EVENTS = 100;
const CHOSEN = ['redis-alone', 'nats-alone', 'mqtt-alone', 'rabbitmq-with-redis', 'tcp-with-redis'];

beforeAll(() => warmUp(3), 120_000);
afterAll(stopAll);

describe.each(SCENARIOS.filter(({ name }) => CHOSEN.includes(name)))('$title', (scenario) => {
  it(`${scenario.promise}`, async () => {
    const { settings, broker, deadLetters } = await scenario.prepare();
    const verdict = await runScenario({ settings, broker, events: EVENTS, seed: 1, kill: false });
    expect(judge(scenario, verdict, await deadLetters?.())).toEqual([]);
    expect(verdict.emitted).toBe(EVENTS);
  }, 180_000);
});
