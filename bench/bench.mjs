import { parseArgs } from 'node:util';
import { keepBaseline, regressions } from './harness/baseline.mjs';
import { buildLibraries, installPeers, keptLibraries } from './harness/libraries.mjs';
import { readable } from './harness/numbers.mjs';
import { startRedis } from './harness/servers.mjs';

const USAGE = `npm run bench -- <row>... [options]

Rows: l1 l2 stampede http memory eviction fanout locks events scale; all = every row.
Starts its own servers and installs the peers on the first run.

--quick            at most 40 s a row; results are kept apart from the full ones
--check            compare our ratios with bench/baseline.json, and fail beyond the tolerance (alone: quick, every row)
--keep-baseline    write what was measured into bench/baseline.json
--page             only write docs/benchmarks.md anew from the results kept
--only <name>      only these contenders, beside the reference (may be repeated; results are not kept)
--snapshot <name>  keep the libraries as built now under this name
--against <name>   measure such a snapshot as well, as "strata before" (l1, l2; results are not kept)
--help             this text`;
const ROWS = ['l1', 'l2', 'stampede', 'http', 'memory', 'eviction', 'fanout', 'locks', 'events', 'scale'];
const ROUNDS = 7;

const { values, positionals } = asked();
const unknown = positionals.filter((name) => name !== 'all' && !ROWS.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no row named ${unknown.join(', ')}; there are ${ROWS.join(', ')} and all`);
  process.exit(2);
}
const wanted = positionals.includes('all') || (values.check && positionals.length === 0) ? ROWS : positionals;
const quick = values.quick || (values.check && positionals.length === 0);

installPeers();
const libs = wanted.length > 0 ? buildLibraries() : undefined;
if (values.snapshot !== undefined) console.error(`bench: kept ${buildLibraries(values.snapshot)}`);
if (values.against !== undefined) process.env.STRATA_BENCH_BEFORE = keptLibraries(values.against);

const worse = [];
for (const row of wanted) {
  const since = performance.now();
  const scenarios = await measured(row);
  const seconds = (performance.now() - since) / 1_000;
  console.log(`\n${row}: ${seconds.toFixed(0)} s`);
  if (values.only === undefined && values.against === undefined) {
    const { keep } = await import('./harness/store.mjs');
    await keep(row, scenarios, quick, seconds);
  }
  if (values['keep-baseline']) await keepBaseline(row, scenarios);
  if (values.check) worse.push(...regressions(row, scenarios));
}
if (values.page || (wanted.length > 0 && values.only === undefined && values.against === undefined && !values.check)) {
  const { writePage } = await import('./harness/page.mjs');
  await writePage();
}
for (const { row, name, before, now, least } of worse) {
  console.error(`WORSE ${row} / ${name}: ratio ${now}, baseline ${before}, allowed from ${least.toPrecision(3)}`);
}
if (values.check) console.log(worse.length === 0 ? '\ncheck: no regression' : `\ncheck: ${worse.length} regressions`);
process.exitCode = worse.length > 0 ? 1 : 0;

function asked() {
  const options = /** @type {const} */ ({
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    'keep-baseline': { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    snapshot: { type: 'string' },
    against: { type: 'string' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  });
  try {
    const found = parseArgs({ allowPositionals: true, options });
    const { page, snapshot, check, help } = found.values;
    if (!help && (found.positionals.length > 0 || page || check || snapshot !== undefined)) return found;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    // An option there is not, or one without its value.
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function measured(row) {
  const { measure } = await import(`./rows/${row}.mjs`);
  const redis = await startRedis();
  const scenarios = [];
  const onScenario = (scenario) => {
    scenarios.push(scenario);
    show(scenario);
  };
  try {
    await measure({
      redis,
      rounds: ROUNDS,
      quick,
      options: { libs },
      before: values.against !== undefined,
      only: values.only,
      onScenario,
    });
    return scenarios;
  } finally {
    await redis.stop();
  }
}

function show({ title, reference, unit = 'ns', cells }) {
  console.log(`\n${title}${reference === undefined ? '' : `  (1.0 = ${reference})`}`);
  for (const { contender, median, min, max, cpu, ratio, loads } of cells) {
    const spreadText = min === max ? '' : `${readable(min)} .. ${readable(max)}`;
    const columns = [
      contender.padEnd(24),
      `${readable(median)} ${unit}`.padStart(14),
      spreadText.padStart(22),
      cpu === undefined ? '' : `cpu ${readable(cpu)} us`,
      ratio === undefined ? '' : readable(ratio),
      loads === undefined ? '' : `${loads} loads`,
    ];
    console.log(`  ${columns.join('  ')}`);
  }
}
