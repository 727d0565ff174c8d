import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stopAll } from '../support/process-keeper.js';
import { warmUp } from './fleet.js';
import { runScenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const EVENTS = 100;

beforeAll(() => warmUp(4), 60_000);
afterAll(stopAll);

describe.each(SCENARIOS)('$name', ({ prepare, promise }) => {
  it(`${promise}`, async () => {
    const { settings, broker } = await prepare();
    const verdict = await runScenario({ settings, broker, events: EVENTS, seed: 1, kill: false });
    const { reports, ...figures } = verdict;
    console.log(JSON.stringify(figures), JSON.stringify(reports.map(({ stats }) => stats)));
    expect(verdict.emitted).toBe(EVENTS);
  }, 120_000);
});
