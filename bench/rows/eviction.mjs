import { join } from 'node:path';
import { project } from '../harness/libraries.mjs';
import { MeasuredProcess } from '../harness/measured-process.mjs';

/** The traces are those of the tests, which are TypeScript. */
const TYPESCRIPT = ['--import', join(project, 'test/support/register-swc.mjs')];

/** Hit ratios on nine traces over 100,000 keys, with room for 10 % and 1 % of them. Exact: no clock is involved. */
export async function measure({ quick, options, onScenario }) {
  const length = quick ? 200_000 : 1_500_000;
  for (const [share, capacity] of [
    ['10 %', 10_000],
    ['1 %', 1_000],
  ]) {
    const one = new MeasuredProcess(
      'eviction',
      { contender: share, length, capacity },
      { ...options, execArgv: TYPESCRIPT },
    );
    try {
      const names = await one.ask('ready');
      for (const [index, trace] of names.entries()) {
        const ratios = await one.ask('run', index);
        onScenario({
          name: `${trace}, ${share}`,
          title: `${trace}, room for ${share}`,
          unit: 'hit ratio',
          reference: 'lru',
          cells: Object.entries(ratios).map(([contender, ratio]) => ({
            contender,
            median: ratio,
            min: ratio,
            max: ratio,
            ratio: ratios.lru === 0 ? undefined : ratio / ratios.lru,
          })),
        });
      }
    } finally {
      await one.close();
    }
  }
}
