import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Broker } from '../support/broker.js';
import { natsServer } from '../support/brokers.js';
import { fork, stopAll, type Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import type { CatalogHandlers } from './catalog.child.js';
import { PricingApp, startPricing } from './pricing-app.js';
import type { Death, PricingHandlers } from './pricing.child.js';
import { executorOf } from './executors.js';
import { freshDatabase, stopDatabases, type Location } from './sql-backends.js';

/** ms. The bound under test: how long an instance may be stale when the writer died between commit and emit. */
const POLL_INTERVAL = 200;
const INSTANCES = 3;
/** Crashes that the outbox survived; the last test wants all of them. */
let survived = 0;

let nats: Broker;
let instances: Child<CatalogHandlers>[];
const natsUrl = (): string => `nats://127.0.0.1:${nats.port}`;

beforeAll(async () => {
  nats = await natsServer().start();
  const file = new URL('./catalog.child.ts', import.meta.url);
  instances = await Promise.all(Array.from({ length: INSTANCES }, () => fork<CatalogHandlers>(file, [natsUrl()])));
}, 60_000);
afterAll(async () => {
  await stopDatabases();
  await stopAll();
});

describe.each([
  ['postgres', ['after the commit', 'while publishing', 'after publishing']],
  ['sqlite', ['after the commit']],
] as const)('a writer that dies between commit and emit, on %s', (kind, deaths) => {
  let location: Location;
  /** Another process of the same service, which is told nothing and polls. */
  let survivor: PricingApp;

  const prices = (id: string): Promise<number[]> =>
    Promise.all(instances.map((one) => one.call('price', { id, location })));

  /** Changes a price in a process of its own that is gone afterwards. */
  async function changeAndDie(id: string, how: 'outbox' | 'emit', dying: Death): Promise<void> {
    const file = new URL('./pricing.child.ts', import.meta.url);
    const writer = await fork<PricingHandlers>(file, [JSON.stringify(location), natsUrl(), String(POLL_INTERVAL)]);
    await writer.call('change', { id, cents: 200, how, dying }).catch(() => undefined);
    expect(await writer.exit).toMatchObject({ signal: 'SIGKILL' });
  }

  /** Resolves when the survivor has ended two whole looks since: the server may take a moment to free the rows of who has died. */
  async function oneInterval(): Promise<void> {
    const { looks } = survivor.relay.stats();
    await eventually(() => survivor.relay.stats().looks >= looks + 3, { what: 'the next look' });
  }

  beforeAll(async () => {
    location = await freshDatabase(kind);
    survivor = await startPricing(location, natsUrl(), POLL_INTERVAL);
    await survivor.setUp([`${kind} emit`, ...deaths.map((dying) => `${kind} ${dying}`)]);
  }, 60_000);
  afterAll(async () => survivor?.close());

  it('leaves every instance stale when it emits by itself: what the outbox is for', async () => {
    const id = `${kind} emit`;
    expect(await prices(id)).toEqual([100, 100, 100]);
    await changeAndDie(id, 'emit', 'after the commit');
    await oneInterval();
    expect(await prices(id)).toEqual([100, 100, 100]);
  }, 60_000);

  it.each(deaths)(
    '%s: no instance is stale beyond the poll interval',
    async (dying) => {
      const id = `${kind} ${dying}`;
      expect(await prices(id)).toEqual([100, 100, 100]);
      const { delivered } = survivor.relay.stats();
      await changeAndDie(id, 'outbox', dying);
      await oneInterval();
      // Published by then; what is left is the way of one message over the loopback.
      expect(survivor.relay.stats().delivered).toBe(delivered + 1);
      await eventually(async () => expect(await prices(id)).toEqual([200, 200, 200]));
      const { outbox, database } = survivor;
      expect(await outbox.backlog(executorOf(database))).toMatchObject({ waiting: 0, dead: 0 });
      survived++;
    },
    60_000,
  );
});

it('every crash was survived, and told by messages', async () => {
  const received = await Promise.all(instances.map((one) => one.call('received')));
  console.log(
    `outbox: ${survived} crashes survived; events received by ${INSTANCES} instances: ${received.join(', ')}`,
  );
  expect(survived).toBe(4);
  expect(Math.min(...received)).toBeGreaterThanOrEqual(4);
});
