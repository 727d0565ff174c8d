import { join } from 'node:path';
import { project } from '../harness/libraries.mjs';
import { MeasuredProcess } from '../harness/measured-process.mjs';

/** The traces are those of the tests, which are TypeScript. */
const TYPESCRIPT = ['--import', join(project, 'test/support/register-swc.mjs')];

/** Hit ratios on nine traces over 100,000 keys, with room for 10 % and 1 % of them. Exact: no clock is involved, so both run at once. */
export async function measure({ quick, options, onScenario }) {
  const length = quick ? 200_000 : 1_500_000;
  const shares = [
    ['10 %', 10_000],
    ['1 %', 1_000],
  ];
  const taken = await Promise.all(shares.map(([share, capacity]) => ratios(share, capacity, length, options)));
  for (const scenario of taken.flat()) onScenario(scenario);
}

async function ratios(share, capacity, length, options) {
  const one = new MeasuredProcess(
    'eviction',
    { contender: share, length, capacity },
    { ...options, execArgv: TYPESCRIPT },
  );
  try {
    const scenarios = [];
    for (const [index, trace] of (await one.ask('ready')).entries()) {
      const found = await one.ask('run', index);
      scenarios.push({
        name: `${trace}, ${share}`,
        title: `${trace}, room for ${share}`,
        unit: 'hit ratio',
        reference: 'lru',
        cells: Object.entries(found).map(([contender, ratio]) => ({
          contender,
          median: ratio,
          min: ratio,
          max: ratio,
          ratio: found.lru === 0 ? undefined : ratio / found.lru,
        })),
      });
    }
    return scenarios;
  } finally {
    await one.close();
  }
}
