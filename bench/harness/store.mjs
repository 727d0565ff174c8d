import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { bench, commitOf, project } from './libraries.mjs';

const FOLDER = join(bench, 'results');

/** Keeps the results of one row; a quick run never replaces a full one of the page. */
export async function keep(row, scenarios, quick, seconds) {
  mkdirSync(FOLDER, { recursive: true });
  const result = {
    row,
    quick,
    date: new Date().toISOString().slice(0, 16),
    seconds: Math.round(seconds),
    commit: commitOf(),
    node: process.versions.node,
    load: loadavg()[1],
    cpu: `${availableParallelism()} x ${cpus()[0]?.model.trim()}`,
    scenarios: scenarios.map(rounded),
  };
  await writeFormatted(join(FOLDER, `${row}${quick ? '.quick' : ''}.json`), JSON.stringify(result), 'json');
  return result;
}

/** The results of every row, the full ones where there are some. */
export function stored() {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  const rows = new Map();
  for (const file of files.sort((a, b) => Number(b.includes('.quick')) - Number(a.includes('.quick')))) {
    const result = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
    rows.set(result.row, result);
  }
  return rows;
}

/** Four significant digits: more would only make every run a large diff. */
function rounded(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([name]) => name !== 'rounds' && name !== 'cpuRounds');
    return Object.fromEntries(entries.map(([name, one]) => [name, rounded(one)]));
  }
  return value;
}

export async function writeFormatted(file, text, parser) {
  const options = { ...JSON.parse(readFileSync(join(project, '.prettierrc.json'), 'utf8')), parser };
  writeFileSync(file, await format(text, options));
}
