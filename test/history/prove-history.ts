import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { OUTAGES } from '../chaos/outages.js';
import { type OutageResult, runOutage } from '../chaos/run-outage.js';
import { stopAll } from '../support/redis-server.js';
import { faultMatrix } from './fault-matrix.js';
import { report } from './report.js';
import { type RoundResult, runRound } from './round.js';
import { proofOptions } from './settings.js';

/**
 * The whole proof: a round of each mode, and every outage by itself; writes docs/faults.md when all of it is green.
 * `--seconds` a mode (300).
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: process.env.STRATA_SEED ?? String(Math.floor(Math.random() * 2 ** 31)) },
    /** Leaves docs/faults.md alone. */
    dry: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const rounds: { readonly mode: string; readonly result: RoundResult }[] = [];
const outages: OutageResult[] = [];
let green = true;
try {
  for (const mode of ['coherent', 'bounded', 'hold'] as const) {
    const options = proofOptions({ mode, seconds, seed });
    const result = await runRound(options);
    green = report(options, result, false) && green;
    rounds.push({ mode, result });
  }
  for (const outage of OUTAGES) {
    const result = await runOutage(outage);
    const { name, calls, answered, loads, stale, recovery } = result;
    const fine = answered === calls && loads === calls && stale === 0 && recovery < 2_000;
    if (!fine) console.log(`VIOLATION outage: ${name}: ${JSON.stringify(result)}`);
    green &&= fine;
    outages.push(result);
  }
  console.log(`PROOF outages.kinds=${outages.length}`);
  console.log(`PROOF outages.calls=${outages.reduce((sum, { calls }) => sum + calls, 0)}`);
  console.log(`PROOF outages.longestRecoveryMs=${Math.max(...outages.map(({ recovery }) => recovery)).toFixed(0)}`);
} finally {
  await stopAll();
}
if (green && !values.dry) {
  mkdirSync(fileURLToPath(new URL('../../docs/', import.meta.url)), { recursive: true });
  writeFileSync(
    fileURLToPath(new URL('../../docs/faults.md', import.meta.url)),
    faultMatrix({ seconds, seed, rounds, outages }),
  );
}
process.exitCode = green ? 0 : 1;
