import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench } from './libraries.mjs';
import { writeFormatted } from './store.mjs';

const FILE = join(bench, 'baseline.json');
/**
 * How much of its ratio a contender of ours may lose, by row: what a busy machine does by itself must not fail. Stampedes are judged by
 * their number of loads, hit ratios and bytes are exact.
 */
const TOLERANCE = {
  l1: 0.3,
  l2: 0.35,
  stampede: 0.1,
  http: 0.35,
  memory: 0.05,
  eviction: 0.01,
  fanout: 0.5,
  locks: 0.5,
  events: 0.5,
  scale: 0.5,
};

/** Our ratios, by row and scenario; of CPU time where rounds are long. Never times: those belong to the machine. */
export function ratiosOf(row, scenarios) {
  const ratios = {};
  for (const { name, cells, curve } of scenarios) {
    for (const { contender, ...cell } of cells) {
      const ratio = row === 'l2' ? (cell.cpuRatio ?? cell.ratio) : row === 'stampede' ? 1 / cell.mostLoads : cell.ratio;
      if (ratio !== undefined && ratio !== null && (curve !== undefined || contender.startsWith('strata'))) {
        ratios[`${name}: ${contender}`] = Number(ratio.toPrecision(3));
      }
    }
  }
  return ratios;
}

/** What is worse than the committed baseline allows. */
export function regressions(row, scenarios) {
  const known = baseline()[row] ?? {};
  const now = ratiosOf(row, scenarios);
  return Object.entries(known)
    .filter(([name]) => name in now)
    .map(([name, before]) => ({ row, name, before, now: now[name], least: before * (1 - (TOLERANCE[row] ?? 0.3)) }))
    .filter((one) => one.now < one.least);
}

export async function keepBaseline(row, scenarios) {
  await writeFormatted(FILE, JSON.stringify({ ...baseline(), [row]: ratiosOf(row, scenarios) }), 'json');
}

function baseline() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}
