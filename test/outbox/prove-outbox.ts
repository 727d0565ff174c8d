import { performance } from 'node:perf_hooks';
import { natsServer } from '../support/brokers.js';
import { fork, stopAll } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { Seeded } from '../support/seeded.js';
import type { CatalogHandlers } from './catalog.child.js';
import { executorOf } from './executors.js';
import { startPricing } from './pricing-app.js';
import type { Death, PricingHandlers } from './pricing.child.js';
import { freshDatabase, stopDatabases } from './sql-backends.js';

/**
 * Writers that are killed with -9 at random: right after the commit, while their relay publishes, after it has published and before it has
 * removed. Three instances cache the prices without Redis; a second relay polls. On SQLite and on PostgreSQL.
 */
const CRASHES = 20;
const INSTANCES = 3;
const POLL_INTERVAL = 500;
/** ms on top of the poll interval: the crash is noticed, the look itself, the way to the instances, a busy machine. */
const MARGIN = 1_500;
const DEATHS: readonly Death[] = ['after the commit', 'while publishing', 'after publishing'];

const seeded = new Seeded(Number(process.env.STRATA_SEED ?? 1));
const wrong: string[] = [];

async function crashes(kind: 'postgres' | 'sqlite', natsUrl: string): Promise<void> {
  const location = await freshDatabase(kind);
  const ids = Array.from({ length: CRASHES }, (_, at) => String(at));
  const survivor = await startPricing(location, natsUrl, POLL_INTERVAL);
  await survivor.setUp(ids);
  const file = new URL('./catalog.child.ts', import.meta.url);
  const instances = await Promise.all(Array.from({ length: INSTANCES }, () => fork<CatalogHandlers>(file, [natsUrl])));
  const deaths = new Map<Death, number>();
  const took: number[] = [];
  let stale = 0;
  for (const id of ids) {
    const dying = seeded.pick(DEATHS);
    deaths.set(dying, (deaths.get(dying) ?? 0) + 1);
    await Promise.all(instances.map((one) => one.call('price', { id, location })));
    const args = [JSON.stringify(location), natsUrl, String(POLL_INTERVAL)];
    const writer = await fork<PricingHandlers>(new URL('./pricing.child.ts', import.meta.url), args);
    await writer.call('change', { id, cents: 200, how: 'outbox', dying }).catch(() => undefined);
    await writer.exit;
    const crashed = performance.now();
    await Promise.all(
      instances.map(async (one) => {
        try {
          await eventually(async () => (await one.call('price', { id, location })) === 200, {
            within: 20_000,
            every: 2,
          });
          took.push(performance.now() - crashed);
        } catch {
          stale++;
        }
      }),
    );
  }
  // What a writer published before it died is published once more, which may still be to come.
  const backlog = () => survivor.outbox.backlog(executorOf(survivor.database));
  await eventually(async () => (await backlog()).waiting === 0, { within: 10_000 }).catch(() => undefined);
  const { waiting, dead } = await backlog();
  await survivor.close();
  await Promise.all(instances.map((one) => one.kill9()));
  const longest = Math.max(...took);
  const points = [...deaths].map(([dying, count]) => `${count} ${dying}`).join(', ');
  console.log(`PROOF ${kind}.crashes=${CRASHES}  ${points}`);
  console.log(`PROOF ${kind}.lost=${stale}  entries still old 20 s after the crash, of ${CRASHES * INSTANCES}`);
  console.log(
    `PROOF ${kind}.longest-stale-ms=${longest.toFixed(0)}  after the crash; the poll interval is ${POLL_INTERVAL} ms`,
  );
  if (took.length + stale !== CRASHES * INSTANCES || stale > 0) wrong.push(`${kind}: ${stale} entries stayed old`);
  if (longest > POLL_INTERVAL + MARGIN) wrong.push(`${kind}: stale for ${longest.toFixed(0)} ms`);
  if (waiting + dead > 0) wrong.push(`${kind}: ${waiting} events wait and ${dead} are dead`);
  if (deaths.size < DEATHS.length) wrong.push(`${kind}: not every point of death was met: ${points}`);
}

try {
  const nats = await natsServer().start();
  for (const kind of ['sqlite', 'postgres'] as const) await crashes(kind, `nats://127.0.0.1:${nats.port}`);
} finally {
  await stopDatabases();
  await stopAll();
}
for (const line of wrong) console.error(line);
process.exit(wrong.length === 0 ? 0 : 1);
