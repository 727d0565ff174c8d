import { parseArgs } from 'node:util';
import { stopAll } from '../support/redis-server.js';
import type { Mode } from './checker.js';
import { report } from './report.js';
import { runRound } from './round.js';
import { proofOptions } from './settings.js';

/**
 * One proof run: `node --conditions=@strata-cache/source --import ./test/support/register-swc.mjs test/history/run.ts
 * --seconds 60 --mode bounded --seed 7`. Exit code 1 on a violation, or when less happened than a proof needs.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    mode: { type: 'string', default: 'coherent' },
    seed: { type: 'string', default: process.env.STRATA_SEED ?? String(Math.floor(Math.random() * 2 ** 31)) },
    instances: { type: 'string', default: '3' },
    children: { type: 'string', default: '1' },
    shards: { type: 'string', default: '1' },
    /** Only this fault; may be given several times. `--only none`: no fault. */
    only: { type: 'string', multiple: true },
    /** Figures are printed, but too few of them are no failure. */
    lenient: { type: 'boolean', default: false },
    'stop-early': { type: 'boolean', default: false },
  },
});
const mode = values.mode as Mode;
if (!['coherent', 'bounded', 'hold'].includes(mode))
  throw new Error(`--mode: expected coherent, bounded or hold, got ${mode}`);

const options = {
  ...proofOptions({ mode, seconds: Number(values.seconds), seed: Number(values.seed) }),
  instances: Number(values.instances),
  children: Number(values.children),
  shards: Number(values.shards),
  only: values.only,
  stopEarly: values['stop-early'],
};
try {
  const result = await runRound(options);
  process.exitCode = report(options, result, values.lenient) ? 0 : 1;
} finally {
  await stopAll();
}
