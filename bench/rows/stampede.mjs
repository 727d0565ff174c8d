import { closed, started } from '../harness/interleave.mjs';
import { median, spread } from '../harness/numbers.mjs';

const SHARED = ['strata', 'layered-loader', 'async-cache-dedupe', 'cache-manager', 'cacheable', 'bentocache'];
const SITUATIONS = [
  {
    name: 'one process',
    title: '1,000 callers of one cold key in one process, the loader takes 50 ms',
    processes: 1,
    callers: 1_000,
  },
  { name: 'four processes', title: 'The same in four processes, 250 callers each', processes: 4, callers: 250 },
  {
    name: 'failing, one process',
    title: 'A failing loader, 20 callers in one process',
    processes: 1,
    callers: 20,
    fails: true,
  },
  {
    name: 'failing, four processes',
    title: 'A failing loader, 5 callers in each of four processes',
    processes: 4,
    callers: 5,
    fails: true,
  },
];

/** One cold key wanted by many at once: loads in all, time to the last answer, CPU of all processes. */
export async function measure({ redis, rounds, quick, options, onScenario }) {
  const warmUps = quick ? 1 : 5;
  const teams = [];
  try {
    for (const contender of SHARED) {
      const cell = { contender, redisUrl: redis.url, namespace: `st-${contender}` };
      teams.push(
        await started(
          'stampede',
          Array.from({ length: 4 }, () => cell),
          options,
        ),
      );
    }
    for (const { name, title, processes, callers, fails = false } of SITUATIONS) {
      const taken = SHARED.map(() => []);
      for (let round = -warmUps; round < rounds; round++) {
        for (const [index, team] of teams.entries()) {
          const outcome = await rush(team.slice(0, processes), {
            key: `${name}-${round}`.replace(/\W/g, '-'),
            callers,
            fails,
          });
          if (round >= 0) taken[index].push(outcome);
        }
      }
      onScenario({ name, title, unit: 'ms', cells: SHARED.map((contender, index) => cellOf(contender, taken[index])) });
    }
  } finally {
    for (const team of teams) await closed(team);
  }
}

async function rush(team, wish) {
  const at = Date.now() + 60;
  const parts = await Promise.all(team.map((one) => one.ask('rush', { ...wish, at })));
  const sum = (pick) => parts.reduce((total, part) => total + pick(part), 0);
  return {
    ms: Math.max(...parts.map(({ ms }) => ms)),
    cpu: sum(({ cpu }) => cpu),
    loads: sum(({ loads }) => loads),
    wrong: sum(({ wrong }) => wrong),
  };
}

function cellOf(contender, taken) {
  const wrong = taken.reduce((sum, one) => sum + one.wrong, 0);
  if (contender === 'strata' && wrong > 0) throw new Error(`stampede: ${wrong} wrong answers`);
  return {
    contender,
    ...spread(taken.map(({ ms }) => ms)),
    loads: median(taken.map(({ loads }) => loads)),
    mostLoads: Math.max(...taken.map(({ loads }) => loads)),
    cpuMs: median(taken.map(({ cpu }) => cpu)),
    wrong,
  };
}
