import { closed, inTurn, started } from '../harness/interleave.mjs';
import { quantile } from '../harness/numbers.mjs';

const CONTENDERS = ['SET NX PX loop', 'strata', 'redlock', 'redis-semaphore'];
const REFERENCE = 'SET NX PX loop';
const RIVALS = 4;

/** Acquire and release without rivals, and how long a lock lies free between two holders when four processes want it. */
export async function measure({ redis, rounds, quick, options, onScenario }) {
  const roundMs = quick ? 60 : 400;
  const teams = [];
  try {
    for (const contender of CONTENDERS) {
      const cell = { contender, redisUrl: redis.url, roundMs };
      teams.push(
        await started(
          'locks',
          Array.from({ length: RIVALS }, () => cell),
          options,
        ),
      );
    }
    const firsts = teams.map(([first]) => first);
    for (const concurrency of [1, 50]) {
      const cells = await inTurn({
        processes: firsts,
        contenders: CONTENDERS,
        rounds,
        reference: REFERENCE,
        scenario: { concurrency },
      });
      onScenario({
        name: `free at ${concurrency}`,
        title: `Acquire and release a free lock, ${concurrency} at a time`,
        reference: REFERENCE,
        cells: cells.map((cell) => ({ ...cell, perSecond: 1e9 / cell.median })),
      });
    }
    const gaps = CONTENDERS.map(() => []);
    const turns = quick ? 4 : 25;
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      for (const [index, team] of teams.entries()) {
        gaps[index].push(...(await handOffs(team, `contended-${index}-${round}`, turns)));
      }
    }
    for (const [name, q] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['max', 1],
    ]) {
      onScenario({
        name: `hand-off, ${name}`,
        title: `From a release to the next holder, ${RIVALS} processes, held 5 ms, ${name}`,
        unit: 'ms',
        reference: REFERENCE,
        cells: CONTENDERS.map((contender, index) => ({
          contender,
          median: quantile(gaps[index], q),
          min: Math.min(...gaps[index]),
          max: Math.max(...gaps[index]),
          ratio: quantile(gaps[0], q) / quantile(gaps[index], q),
          handOffs: gaps[index].length,
        })),
      });
    }
  } finally {
    for (const team of teams) await closed(team);
  }
}

/** ms between the end of one span and the begin of the next. Spans that overlap mean that the lock is none. */
async function handOffs(team, key, turns) {
  const spans = (await Promise.all(team.map((one) => one.ask('contend', { key, turns, holdMs: 5 })))).flat();
  spans.sort(([a], [b]) => a - b);
  const gaps = [];
  for (let at = 1; at < spans.length; at++) {
    const gap = spans[at][0] - spans[at - 1][1];
    // Clocks of processes agree to some µs only.
    if (gap < -0.5) throw new Error(`locks: two holders at once, by ${-gap} ms`);
    gaps.push(Math.max(0, gap));
  }
  return gaps;
}
