import { closed, started } from '../harness/interleave.mjs';
import { median, spread } from '../harness/numbers.mjs';

const SHARED = ['strata', 'layered-loader', 'async-cache-dedupe', 'cache-manager', 'cacheable', 'bentocache'];
/** Only where other processes wait for a loader that fails: otherwise the same as strata. */
const TOLD = 'strata, errors told';
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

/** One cold key wanted by many at once, in processes that have served for a while: loads in all, time to the last answer, CPU of all. */
export async function measure({ redis, rounds, quick, options, onScenario }) {
  const warmUps = quick ? 1 : 5;
  const teams = [];
  try {
    for (const contender of [...SHARED, TOLD]) {
      const cell = { contender, redisUrl: redis.url, namespace: `st-${contender.replace(/\W+/g, '-')}` };
      const cells = Array.from({ length: 4 }, () => cell);
      const processes = await started('stampede', cells, options);
      await Promise.all(processes.map((one) => one.ask('warm')));
      teams.push({ contender, processes });
    }
    for (const { name, title, processes, callers, fails = false } of SITUATIONS) {
      const measured = teams.filter(({ contender }) => (fails && processes > 1) || contender !== TOLD);
      const taken = measured.map(() => []);
      for (let round = -warmUps; round < rounds; round++) {
        for (const [index, team] of measured.entries()) {
          const outcome = await rush(team.processes.slice(0, processes), {
            key: `${name}-${round}`.replace(/\W/g, '-'),
            callers,
            fails,
          });
          if (round >= 0) taken[index].push(outcome);
        }
      }
      const cells = measured.map(({ contender }, index) => cellOf(contender, taken[index]));
      onScenario({ name, title, unit: 'ms', cells });
    }
  } finally {
    for (const { processes } of teams) await closed(processes);
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
  if (contender.startsWith('strata') && wrong > 0) throw new Error(`stampede: ${wrong} wrong answers`);
  return {
    contender,
    ...spread(taken.map(({ ms }) => ms)),
    loads: median(taken.map(({ loads }) => loads)),
    mostLoads: Math.max(...taken.map(({ loads }) => loads)),
    cpuMs: median(taken.map(({ cpu }) => cpu)),
    wrong,
  };
}
