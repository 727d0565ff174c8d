import { setTimeout as delay } from 'node:timers/promises';
import type { RedisServer } from '../support/redis-server.js';
import type { Seeded } from '../support/seeded.js';
import { locker } from './crashes.js';

export interface HandoffResult {
  readonly handoffs: number;
  readonly kills: number;
  /** Two were inside at once. */
  readonly violations: number;
  /** Tokens that did not rise from one holder to the next. */
  readonly fallen: number;
  /** ms from the release to the next grant. */
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

export interface HandoffOptions {
  readonly processes: number;
  readonly contenders: number;
  /** Per contender. */
  readonly rounds: number;
  /** ms between two connections that are killed; 0: none is. */
  readonly killEvery: number;
}

/** Many hold one lock in turn, while the connections on which they are woken are killed one by one. */
export async function handoffs(server: RedisServer, options: HandoffOptions, random: Seeded): Promise<HandoffResult> {
  const { processes, contenders, rounds, killEvery } = options;
  const children = await Promise.all(Array.from({ length: processes }, async () => locker()));
  const key = 'handoff';
  let running = true;
  let kills = 0;
  const kill = async (): Promise<void> => {
    while (running && killEvery > 0) {
      await delay(killEvery);
      const list = String(await server.cli('CLIENT', 'LIST', 'TYPE', 'pubsub')).split('\n');
      const ids = list.filter((line) => line.includes(':locks ')).map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '');
      if (running && ids.length > 0) {
        kills += Number(await server.cli('CLIENT', 'KILL', 'ID', random.pick(ids)));
      }
    }
  };
  const killing = kill();
  const results = await Promise.all(
    children.map(async (child) =>
      child.call('contend', { url: server.url, server: server.url, key, contenders, rounds }),
    ),
  );
  running = false;
  await killing;
  const holds = results.flatMap((result) => result.holds).sort((a, b) => a.turn - b.turn);
  const pairs = holds.slice(1).map((hold, index) => ({ hold, before: holds[index] }));
  const gaps = pairs.map(({ hold, before }) => hold.grantedAt - before.releasedAt).sort((a, b) => a - b);
  await Promise.all(children.map(async (child) => child.kill9()));
  return {
    handoffs: holds.length,
    kills,
    violations: results.reduce((sum, { violations }) => sum + violations, 0),
    fallen: pairs.filter(({ hold, before }) => hold.token <= before.token).length,
    median: gaps[Math.floor(gaps.length / 2)],
    p99: gaps[Math.floor(gaps.length * 0.99)],
    longest: gaps[gaps.length - 1],
  };
}
