import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Child, fork } from '../support/child.js';
import { RedisServer, stopAll } from '../support/redis-server.js';
import type { handlers } from './single-flight.child.js';

const PROCESSES = 4;
const CALLERS = 250;

describe('one cold key, 4 processes with 250 callers each', () => {
  let server: RedisServer;
  let children: Child<typeof handlers>[] = [];

  const start = async (): Promise<Child<typeof handlers>> =>
    fork<typeof handlers>(new URL('./single-flight.child.ts', import.meta.url), [server.url]);

  beforeAll(async () => {
    server = await new RedisServer().start();
    children = await Promise.all(Array.from({ length: PROCESSES }, start));
    await Promise.all(children.map(async (child) => child.call('warm')));
  });

  afterAll(async () => stopAll());

  const storm = async (id: string, loaderMs: number): Promise<Awaited<ReturnType<typeof handlers.storm>>[]> =>
    Promise.all(children.map(async (child) => child.call('storm', { id, callers: CALLERS, loaderMs })));

  /** Loader executions of the living since the last call. */
  const takeLoads = async (): Promise<number> =>
    (await Promise.all(children.map(async (child) => child.call('takeLoads')))).reduce((sum, count) => sum + count, 0);

  it('is one load, and every caller is answered within 1.3 times the loader', async () => {
    const answers = await storm('healthy', 1_000);
    expect(await takeLoads()).toBe(1);
    expect(answers.map(({ answered }) => answered)).toEqual([CALLERS, CALLERS, CALLERS, CALLERS]);
    expect(new Set(answers.flatMap(({ values }) => values)).size).toBe(1);
    expect(Math.max(...answers.map(({ longest }) => longest))).toBeLessThan(1_300);
  });

  it('is one load when the loader takes three times as long as the lease lives', async () => {
    const answers = await storm('slow', 6_000);
    expect(await takeLoads()).toBe(1);
    expect(new Set(answers.flatMap(({ values }) => values)).size).toBe(1);
    expect(Math.max(...answers.map(({ longest }) => longest))).toBeLessThan(6_000 * 1.3);
  });

  const failingStorm = async (id: string, shared: boolean): Promise<Set<string>[]> => {
    const answers = await Promise.all(
      children.map(async (child) => child.call('failingStorm', { id, callers: CALLERS, shared })),
    );
    return answers.map((messages) => new Set(messages));
  };

  it('that fails is one call in each process, whose callers get the error of their own loader', async () => {
    const answers = await failingStorm('failing', false);
    expect(await takeLoads()).toBe(PROCESSES);
    expect(answers.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
    expect(new Set(answers.flatMap((messages) => [...messages])).size).toBe(PROCESSES);
  });

  it('that fails is one call in all where errors are shared, and every caller gets its error', async () => {
    const answers = await failingStorm('told', true);
    expect(await takeLoads()).toBe(1);
    expect(new Set(answers.flatMap((messages) => [...messages])).size).toBe(1);
  });

  it('is exactly one load more when the loading process is killed', async () => {
    const answering = Promise.allSettled(
      children.map(async (child) => child.call('storm', { id: 'killed', callers: CALLERS, loaderMs: 1_000 })),
    );
    const loader = await Promise.race(
      children.map(async (child) => {
        await child.next('loading killed');
        return child;
      }),
    );
    await loader.kill9();
    const outcomes = await answering;
    children = children.filter((child) => child !== loader);
    const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(answers.map(({ answered }) => answered)).toEqual([CALLERS, CALLERS, CALLERS]);
    expect(new Set(answers.flatMap(({ values }) => values)).size).toBe(1);
    expect(await takeLoads()).toBe(1);
  });
});
