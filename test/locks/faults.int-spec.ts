import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisServer, stopAll } from '../support/redis-server.js';
import { Seeded } from '../support/seeded.js';
import { blackHoles } from './black-holes.js';
import { crashes, locker } from './crashes.js';
import { handoffs } from './handoffs.js';
import { lostReplies } from './lost-replies.js';
import { queues } from './queues.js';
import { stops } from './stops.js';
import { tokens } from './tokens.js';

/** Short rounds of what `npm run prove -- locks` shows at length; without its bounds on time, since this machine may be busy. */
describe('locks on Redis under faults', () => {
  let server: RedisServer;
  const random = new Seeded(Number(process.env.STRATA_SEED ?? 5));

  beforeAll(async () => {
    server = await new RedisServer().start();
  });

  afterAll(async () => stopAll());

  it('kill -9 of the holder: the next one gets it', async () => {
    const { longest, fallen } = await crashes(server, 2, 500, random.fork());
    expect(fallen).toBe(0);
    // The ttl of the dead holder, not its default of 10 s, nor the patience of the one who waits.
    expect(longest).toBeLessThan(5_000);
  });

  it('SIGSTOP beyond the ttl: the holder knows in its first statement, and its late write is refused', async () => {
    const result = await stops(server, 3, 300);
    expect(result).toEqual({ rounds: 3, knew: 3, computed: 3, acceptedOld: 0, refusedOld: 3, acceptedNew: 3 });
  });

  it('a black hole: the holder is told before anybody else is granted', async () => {
    const result = await blackHoles(server, { lanes: 3, rounds: 1, ttl: 1_500 }, random.fork());
    expect(result.rounds).toBe(3);
    expect(result.toldFirst).toBe(3);
  });

  it('30 waiters in 2 processes are served in the order they came', async () => {
    expect(await queues(server, { waiters: 30, processes: 2, hold: 5 })).toMatchObject({ waiters: 30, inOrder: true });
  });

  it('hands over while connections are killed: never two inside, nobody is forgotten', async () => {
    const options = { processes: 2, contenders: 3, rounds: 40, killEvery: 40 };
    const result = await handoffs(server, options, random.fork());
    expect(result).toMatchObject({ handoffs: 240, violations: 0, fallen: 0 });
    expect(result.kills).toBeGreaterThan(2);
  });

  it('tokens rise through lost and older data', async () => {
    const own = await new RedisServer().start();
    expect(await tokens(own, 4)).toEqual({ rounds: 4, grants: 17, fallen: 0 });
  });

  it('a lost answer blocks nobody, its own caller least of all', async () => {
    expect(await lostReplies(server, 3)).toEqual({ rounds: 3, lost: 6, granted: 3, released: 3 });
  });

  it('cycles leave nothing behind: no lease, no timer, and on the server only fences that end', async () => {
    const own = await new RedisServer().start();
    const child = await locker(['--expose-gc']);
    const before = await child.call('cycles', { url: own.url, count: 500 });
    const after = await child.call('cycles', { url: own.url, count: 1_000 });
    expect(after).toMatchObject({ held: 0, waiting: 0, granted: 1_650, refused: 0, lost: 0 });
    expect(after.timers).toBeLessThanOrEqual(before.timers);
    expect(after.heap - before.heap).toBeLessThan(1024 * 1024);
    const keys = ((await own.cli('KEYS', 'strata:*:l[kqaf]:*')) as string[]).map(String);
    expect(keys.filter((key) => !key.includes(':lf:'))).toEqual([]);
    expect(keys).toHaveLength(100);
    const ttls = await own.cliAll(keys.map((key) => ['PTTL', key]));
    expect(ttls.filter((ttl) => Number(ttl) <= 0)).toEqual([]);
  });
});
