import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeHeadline } from './headline.mjs';
import { project } from './libraries.mjs';
import { readable } from './numbers.mjs';
import { bars, curves } from './plot.mjs';
import { stored, writeFormatted } from './store.mjs';
import { reached, TARGETS } from './targets.mjs';

const PAGE = join(project, 'docs/benchmarks.md');
const PLOTS = join(project, 'docs/benchmarks');

/** What each row is about, in the order of the page. `plots`: scenarios that get a picture. */
const SECTIONS = {
  l1: {
    title: 'Hits of the first tier',
    words:
      'Every contender hits in a process of its own; loader calls are counted, and a single one fails the run. The loop visits the event loop every 1,000 reads, so that a clock read once in a while does not stand still. The time of a round is the median of its bursts of 1,000, which leaves out what preempts them, collections too; CPU leaves out nothing. "strata, bus" is with a second tier: each hit then takes an exact reading, to prove that it is not too stale.',
    plots: ['hot', 'peek'],
  },
  l2: {
    title: 'Hits of the second tier',
    words:
      'Keys are read round and round; L1 holds a tenth of them, so each read misses L1, is answered by Redis, and fills L1, with coherence on. "strata, L1 off" reads with `tiers: [\'l2\']`. Raw clients do `GET` and `JSON.parse`, and promise nothing about staleness.',
    plots: ['100 B at 500', '1000 B at 50'],
  },
  stampede: {
    title: 'Many callers of one cold key',
    words:
      'Each process has loaded 150 other cold keys before, so its code is compiled. The time is until the last caller has the answer; loads and CPU are summed over all processes. "strata, errors told" is a cache with `sharedErrors`.',
    plots: ['four processes'],
  },
  http: {
    title: 'HTTP',
    words:
      'One server process per contender, one load generator with 50 connections on the same two cores. The ratio is that of CPU time of the server per request, which the generator does not disturb.',
    plots: ['stored, fastify'],
  },
  memory: {
    title: 'Memory',
    words:
      'Heap and array buffers after collection when only the cache holds keys and values, less what they take in two plain arrays.',
    plots: ['entry'],
  },
  eviction: {
    title: 'Hit ratios',
    words: 'Exact: no clock is involved. "optimum" is Belady, who knows the future.',
    plots: [],
  },
  fanout: {
    title: 'Invalidation across instances',
    words: 'Each instance is a process with its own L1.',
    plots: ['p50'],
  },
  locks: {
    title: 'Locks',
    words: 'On one Redis, each contender with its defaults where they are not named.',
    plots: [],
  },
  events: {
    title: 'Events',
    words:
      'From `emit` until the last of the instances has dropped the key, beside a bare publish and receive on the same broker.',
    plots: [],
  },
  scale: { title: 'What must not grow with size', words: '1.0 is the smallest size.', plots: [] },
};

/** Writes docs/benchmarks.md, its pictures and the table of the README from the results kept. */
export async function writePage() {
  const rows = stored();
  rmSync(PLOTS, { recursive: true, force: true });
  mkdirSync(PLOTS, { recursive: true });
  const parts = [HEAD, targetsTable(rows)];
  for (const [name, section] of Object.entries(SECTIONS)) {
    const result = rows.get(name);
    if (result !== undefined) parts.push(sectionOf(name, section, result));
  }
  await writeFormatted(PAGE, parts.join('\n\n'), 'markdown');
  await writeHeadline(rows);
}

const HEAD = `# Benchmarks

Written by \`npm run bench\`; do not edit. Every contender runs in a process of its own, and they take turns: A B C A B C,
seven rounds or more in one run. Figures are medians, then least and most; a ratio is the median over the rounds of
(time of the reference / own time), so above 1 is faster. **Only ratios within one run mean anything:** times belong to
the machine and the hour. On a busy machine (load above the number of cores) the ratio of CPU time is the better one. What each part costs, and what was tried, is in [performance](performance.md).

\`\`\`sh
npm run bench -- all --quick    # a few minutes, coarse
npm run bench -- l2             # one row in full, at most five minutes
npm run bench -- --check        # our ratios against bench/baseline.json; fails on a regression, not part of npm test
npm run bench -- --page         # this page again, from the results kept in bench/results
\`\`\`

The first run installs the peers from a lockfile of their own in \`bench/\`; it needs \`redis-server\` in the PATH. To
compare two states of the sources: \`--snapshot before\`, change, \`l2 --against before\`. A new baseline is written by
\`all --quick --keep-baseline\`; the tolerances stand in \`bench/harness/baseline.mjs\`.`;

function targetsTable(rows) {
  const lines = TARGETS.map((target) => {
    const value = target.value(rows);
    const mark = value === undefined ? 'not measured' : reached(target, value) ? 'reached' : '**missed**';
    return `| ${target.work} | ${readable(value)} | ${target.comparison === '>=' ? 'at least' : 'at most'} ${target.target} | ${mark} |`;
  });
  const known = TARGETS.filter((target) => target.value(rows) !== undefined);
  const done = known.filter((target) => reached(target, target.value(rows)));
  return [
    `## Targets\n\n${done.length} of ${known.length} measured targets reached. A missed one is explained in [performance](performance.md).\n`,
    '| work | measured | target | |',
    '| --- | ---: | ---: | --- |',
    ...lines,
  ].join('\n');
}

function sectionOf(name, { title, words, plots }, result) {
  const { scenarios, date, seconds, commit, node, cpu, quick, load } = result;
  const ran = `\`npm run bench -- ${name}${quick ? ' --quick' : ''}\`, ${date.replace('T', ' ')} UTC, ${seconds} s, commit ${commit}, Node ${node}, ${cpu}, load ${readable(load)}.`;
  const body = name === 'eviction' ? [hitRatios(scenarios)] : scenarios.map((one) => table(one));
  const pictures = [
    ...scenarios.filter((one) => plots.includes(one.name)).map((one) => picture(name, one)),
    ...curvePictures(name, scenarios),
  ];
  return [`## ${title}`, words, ran, ...pictures, ...body].join('\n\n');
}

function table({ title, unit = 'ns', reference, cells }) {
  const columns = [
    ['', ({ contender }) => contender],
    [`median, ${unit}`, ({ median }) => readable(median)],
    ['least', ({ min, max, median }) => (min === max ? '' : readable(Math.min(min, median)))],
    ['most', ({ min, max }) => (min === max ? '' : readable(max))],
    ['CPU, µs', ({ cpu }) => readable(cpu), ({ cpu }) => cpu !== undefined],
    ['CPU, ms', ({ cpuMs }) => readable(cpuMs), ({ cpuMs }) => cpuMs !== undefined],
    ['hits', ({ hits }) => readable(hits), ({ hits }) => hits !== undefined && hits < 1],
    [
      'loads',
      ({ loads, mostLoads }) => (loads === mostLoads ? String(loads) : `${loads} (at most ${mostLoads})`),
      ({ loads }) => loads !== undefined,
    ],
    ['wrong answers', ({ wrong }) => String(wrong), ({ wrong }) => wrong > 0],
    ['per second', ({ perSecond }) => readable(perSecond), ({ perSecond }) => perSecond !== undefined],
    ['CPU ratio', ({ cpuRatio }) => readable(cpuRatio), ({ cpuRatio }) => cpuRatio !== undefined && cpuRatio !== null],
    [`ratio to ${reference}`, ({ ratio }) => readable(ratio), ({ ratio }) => ratio !== undefined && ratio !== null],
  ].filter(([, , wanted]) => wanted === undefined || cells.some(wanted));
  return [
    `### ${title}\n`,
    `| ${columns.map(([head]) => head).join(' | ')} |`,
    `| ${columns.map((_, index) => (index === 0 ? '---' : '---:')).join(' | ')} |`,
    ...cells.map((cell) => `| ${columns.map(([, value]) => value(cell)).join(' | ')} |`),
  ].join('\n');
}

/** All traces in one table: LRU is what a policy must not fall behind. */
function hitRatios(scenarios) {
  const names = scenarios[0].cells.map(({ contender }) => contender);
  return [
    `| trace, room | ${names.join(' | ')} |`,
    `| --- | ${names.map(() => '---:').join(' | ')} |`,
    ...scenarios.map(({ name, cells }) => `| ${name} | ${cells.map(({ median }) => median.toFixed(3)).join(' | ')} |`),
  ].join('\n');
}

function picture(row, { name, title, unit = 'ns', cells }) {
  const file = `${row}-${name.replace(/\W+/g, '-')}.svg`;
  writeFileSync(join(PLOTS, file), bars(title, unit, cells));
  return `![${title}](benchmarks/${file})`;
}

function curvePictures(row, scenarios) {
  const groups = new Map();
  for (const scenario of scenarios.filter(({ curve }) => curve !== undefined)) {
    groups.set(scenario.curve, [...(groups.get(scenario.curve) ?? []), scenario]);
  }
  return [...groups].map(([curve, members]) => {
    const [title] = members[0].title.split(': ');
    const series = members.map(({ title: whole, cells }) => ({
      name: whole.split(': ')[1] ?? 'strata',
      points: cells.map(({ size, median }) => ({ x: size, y: median / cells[0].median })),
    }));
    const file = `${row}-${curve}-curve.svg`;
    writeFileSync(join(PLOTS, file), curves(`${title}, times the smallest`, series));
    return `![${title}](benchmarks/${file})`;
  });
}
