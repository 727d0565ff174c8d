import { afterAll, describe, expect, it } from '@jest/globals';
import { stopAll } from '../support/redis-server.js';
import { OUTAGES } from './outages.js';
import { LOADER, runOutage } from './run-outage.js';

/** The engine's limit for one call of the second tier, ms. */
const DEADLINE = 500;
/** What a busy machine may add to a timer, ms: the published figures (docs/faults.md) are taken on a quiet one. */
const NOISE = 250;

describe('when Redis fails', () => {
  afterAll(async () => stopAll());

  it.each(OUTAGES)('$name: every call is answered by its own load, and nothing deleted comes back', async (outage) => {
    const result = await runOutage(outage);
    expect(result).toMatchObject({ answered: result.calls, loads: result.calls, stale: 0 });
    expect(result.before.p99 + LOADER).toBeLessThan(LOADER + DEADLINE + NOISE);
    expect(result.after.p99 + LOADER).toBeLessThan(LOADER + NOISE);
    if (outage.refusesInvalidations !== undefined) expect(result.acknowledged).toBe(!outage.refusesInvalidations);
    // What was not acknowledged was kept: nothing deleted could come back.
    if (outage.refusesInvalidations === true) expect(result.kept).toBeGreaterThan(0);
    expect(result.recovery).toBeLessThan(2_000 + NOISE);
  });
});
