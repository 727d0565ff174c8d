import { projectIoredis } from '../contenders/caches.mjs';
import { closed, started } from '../harness/interleave.mjs';
import { quantile } from '../harness/numbers.mjs';

const LISTENERS = 8;

/** From the call of `delete` until the last of 8 other processes has dropped the key from its L1, beside raw pub/sub in the same run. */
export async function measure({ redis, quick, options, onScenario }) {
  const messages = quick ? 60 : 400;
  const names = ['raw pub/sub', 'strata'];
  const teams = [];
  try {
    for (const contender of names) {
      const cell = { contender, redisUrl: redis.url, namespace: `fan-${contender.replace(/\W/g, '')}` };
      teams.push(
        await started(
          'fanout',
          Array.from({ length: LISTENERS + 1 }, () => cell),
          options,
        ),
      );
    }
    const taken = names.map(() => []);
    for (let round = -20; round < messages; round++) {
      for (const [index, team] of teams.entries()) {
        const ms = await propagate(team, `key-${round + 20}`);
        if (round >= 0) taken[index].push(ms);
      }
    }
    const [raw] = taken;
    for (const [name, q] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ]) {
      onScenario({
        name,
        title: `An invalidation until the last of ${LISTENERS} L1s has dropped the key, ${name}`,
        unit: 'ms',
        reference: 'raw pub/sub',
        cells: names.map((contender, index) => ({
          contender,
          median: quantile(taken[index], q),
          min: Math.min(...taken[index]),
          max: Math.max(...taken[index]),
          ratio: quantile(raw, q) / quantile(taken[index], q),
        })),
      });
    }
    onScenario(await scriptCost(teams[1][0], redis, quick ? 500 : 5_000));
  } finally {
    for (const team of teams) await closed(team);
  }
  onScenario(await workByInstances(redis, options, quick));
}

async function propagate([sender, ...listeners], key) {
  for (const one of listeners) await one.ask('hold', key);
  const gone = Promise.all(listeners.map((one) => one.ask('gone', key)));
  // They are all looking before it is sent.
  await new Promise((resolve) => setTimeout(resolve, 5));
  const sentAt = await sender.ask('send', key);
  return Math.max(...(await gone)) - sentAt;
}

/** What Redis spends on one invalidation, and how many round trips it takes. */
async function scriptCost(sender, { url }, count) {
  const { Redis } = projectIoredis();
  const redis = new Redis(url);
  await sender.ask('many', { count: 200, prefix: 'warm-' });
  await redis.config('RESETSTAT');
  await sender.ask('many', { count, prefix: 'gone-' });
  const stats = await redis.info('commandstats');
  for (let at = 0; at < count; at++) await redis.set(`plain-${at}`, 'x');
  await redis.config('RESETSTAT');
  for (let at = 0; at < count; at++) await redis.del(`plain-${at}`);
  const plain = await redis.info('commandstats');
  await redis.quit();
  const script = usage(stats, 'evalsha');
  if (script.calls < count || script.calls > count * 1.1)
    throw new Error(`${script.calls} scripts for ${count} invalidations`);
  const del = usage(plain, 'del');
  return {
    name: 'script',
    title: 'Server CPU of one invalidation (one script, one round trip), and of a DEL',
    unit: 'us',
    reference: 'DEL',
    cells: [
      { contender: 'DEL', ...same(del.each), ratio: 1 },
      { contender: 'strata', ...same(script.each), ratio: del.each / script.each, roundTrips: script.calls / count },
    ],
  };
}

function usage(stats, command) {
  const [, calls, , each] = new RegExp(`cmdstat_${command}:calls=(\\d+),usec=(\\d+),usec_per_call=([\\d.]+)`).exec(
    stats,
  );
  return { calls: Number(calls), each: Number(each) };
}

const same = (value) => ({ median: value, min: value, max: value });

/** CPU that one more instance spends on each invalidation by another: it must not depend on how many others there are. */
async function workByInstances(redis, options, quick) {
  const cells = [];
  const count = quick ? 500 : 3_000;
  for (const instances of quick ? [2, 8] : [2, 8, 32]) {
    const cell = { contender: 'strata', redisUrl: redis.url, namespace: `fan-${instances}` };
    const team = await started(
      'fanout',
      Array.from({ length: instances }, () => cell),
      options,
    );
    try {
      const [sender, ...others] = team;
      await sender.ask('many', { count: 200, prefix: 'warm-' });
      const rounds = [];
      for (let round = 0; round < 7; round++) {
        const before = await Promise.all(others.map((one) => one.ask('cpu')));
        await sender.ask('many', { count, prefix: `round-${round}-` });
        await new Promise((resolve) => setTimeout(resolve, 30));
        const after = await Promise.all(others.map((one) => one.ask('cpu')));
        const spent = after.map(({ user, system }, index) => user + system - before[index].user - before[index].system);
        rounds.push(spent.reduce((sum, one) => sum + one, 0) / others.length / count);
      }
      cells.push({
        contender: String(instances),
        size: instances,
        median: quantile(rounds, 0.5),
        min: Math.min(...rounds),
        max: Math.max(...rounds),
        rounds,
      });
    } finally {
      await closed(team);
    }
  }
  return {
    name: 'instances',
    title: 'CPU that each listening instance spends on an invalidation, by number of instances',
    unit: 'us',
    curve: 'instances',
    reference: '2 instances',
    cells: cells.map((cell) => ({ ...cell, ratio: cells[0].median / cell.median })),
  };
}
