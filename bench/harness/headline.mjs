import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './libraries.mjs';
import { readable } from './numbers.mjs';
import { writeFormatted } from './store.mjs';

const README = join(project, 'README.md');
const [BEGIN, END] = ['<!-- bench: written by npm run bench -->', '<!-- bench: end -->'];
const COLUMNS = [
  'strata',
  'lru-cache',
  'layered-loader',
  'async-cache-dedupe',
  'cache-manager',
  'cacheable',
  'bentocache',
];

/** The table of the README: one line per promise of speed. More is better in lines of ratios, less in the others. */
const LINES = [
  ['L1 hit, to `await map.get(k)`', 'l1', 'hot', ({ ratio }) => ratio],
  ['L2 hit, 1 KB, 50 readers, to `GET` + `JSON.parse` of ioredis', 'l2', '1000 B at 50', ({ ratio }) => ratio],
  [
    'loads of one cold key, 1,000 callers in four processes',
    'stampede',
    'four processes',
    ({ mostLoads }) => mostLoads,
  ],
  ['CPU of that, ms', 'stampede', 'four processes', ({ cpuMs }) => cpuMs],
];

/** Rewrites the block of the README between its marks; without marks it is left alone. */
export async function writeHeadline(rows) {
  const text = readFileSync(README, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  const lines = LINES.map(([words, row, scenario, value]) => lineOf(rows, words, row, scenario, value)).filter(Boolean);
  if (from < 0 || to < from || lines.length === 0) return;
  const table = [
    `| | ${COLUMNS.map((name) => (name === 'strata' ? '**Strata**' : name)).join(' | ')} |`,
    `| --- | ${COLUMNS.map(() => '---:').join(' | ')} |`,
    ...lines,
  ].join('\n');
  await writeFormatted(README, `${text.slice(0, from)}${BEGIN}\n\n${table}\n\n${text.slice(to)}`, 'markdown');
}

function lineOf(rows, words, row, scenario, value) {
  const cells = rows.get(row)?.scenarios.find(({ name }) => name === scenario)?.cells;
  if (cells === undefined) return undefined;
  const figures = COLUMNS.map((name) => {
    const cell = cells.find(({ contender }) => contender === name);
    return cell === undefined ? '' : readable(value(cell));
  });
  return `| ${words} | ${figures.join(' | ')} |`;
}
