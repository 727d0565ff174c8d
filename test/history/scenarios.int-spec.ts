import { afterAll, describe, it } from '@jest/globals';
import { stopAll } from '../support/redis-server.js';
import { SCENARIOS } from './scenarios.js';

describe('interleavings', () => {
  afterAll(async () => stopAll());

  it.each(Object.entries(SCENARIOS))('%s', async (_name, scenario) => scenario());
});
