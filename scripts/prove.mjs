import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_PATH, setUp } from './setup.mjs';

/** Proofs written in TypeScript run on the sources. */
const SOURCES = ['--conditions=@strata-cache/source', '--import', './test/support/register-swc.mjs'];

/**
 * `npm run prove`: the proofs that take longer than `npm test` may. Each prints its figures as lines `PROOF name=value`
 * (a note may follow after two spaces) and exits non-zero when what it claims does not hold; one that prints no figure
 * proves nothing and is refused. Randomness comes from STRATA_SEED. A green run writes docs/proof.md; `npm run prove --
 * <name>...` runs some of them and replaces their sections only.
 */
const PROOFS = [
  {
    name: 'heap',
    title: 'The heap stays flat under 1,000,000 distinct keys',
    command: ['node', '--expose-gc', ...SOURCES, 'test/engine/heap-proof.ts'],
  },
  {
    name: 'fuzz',
    title: '1,000,000 hostile payloads are misses or values, never errors, never pollution',
    command: ['node', ...SOURCES, 'test/support/fuzz-proof.ts'],
  },
  {
    name: 'history',
    title: 'No promise is broken under faults: 300 s a mode, and every outage by itself (docs/faults.md)',
    command: ['node', ...SOURCES, 'test/history/prove-history.ts'],
  },
  {
    name: 'events',
    title:
      'Events reach every instance: five transports, outages, kill -9, throwing handlers, duplicates, reordering (docs/transports.md)',
    command: ['node', ...SOURCES, 'test/events/prove-events.ts'],
  },
  {
    name: 'outbox',
    title: 'Writers killed between commit and publish: nobody is stale for longer than the poll interval and one look',
    command: ['node', ...SOURCES, 'test/outbox/prove-outbox.ts'],
  },
  {
    name: 'conformance',
    title: 'The suite of the HTTP community: every required test, on Express and on Fastify (docs/http-conformance.md)',
    command: ['node', ...SOURCES, 'test/conformance/prove-conformance.ts'],
  },
  {
    name: 'mutants',
    title: 'The history checker finds every mutant',
    command: ['node', ...SOURCES, 'test/history/prove-mutants.ts'],
  },
  {
    name: 'observability',
    title: 'An outage of Redis as Prometheus sees it; draws the plots of docs/observability.md',
    command: ['node', ...SOURCES, 'test/otel/prove-observability.ts'],
  },
  {
    name: 'locks',
    title: 'Locks under kills, stops, black holes, killed connections and lost data',
    command: ['node', ...SOURCES, 'test/locks/prove-locks.ts'],
  },
  {
    name: 'fenced-store',
    title:
      'A row on SQLite and on PostgreSQL refuses whoever was stopped for longer than its lease lives (docs/locks.md)',
    command: ['node', ...SOURCES, 'test/integration/fenced-store-proof.ts'],
  },
];

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(project, 'docs/proof.md');
const seed = process.env.STRATA_SEED ?? String(Math.floor(Math.random() * 2 ** 31));
const env = { ...process.env, PATH: SERVER_PATH, STRATA_SEED: seed };

function prove(proof) {
  const since = Date.now();
  const [command, ...args] = proof.command;
  const program = command === 'node' ? process.execPath : command;
  const { status, error, stdout } = spawnSync(program, args, {
    cwd: project,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const figures = [...(stdout ?? '').matchAll(/^PROOF ([\w.-]+)=(\S+)(?: {2,}(.*))?$/gm)].map(
    ([, name, value, note]) => ({
      name,
      value,
      note: note ?? '',
    }),
  );
  const seconds = ((Date.now() - since) / 1000).toFixed(1);
  const refusal =
    status !== 0
      ? `${error?.message ?? `exit ${status}`}\n${stdout ?? ''}`
      : figures.length === 0
        ? 'printed no PROOF line'
        : '';
  console.log(`${refusal ? 'FAILED' : 'ok    '} ${proof.name} (${seconds} s)${refusal ? `: ${refusal}` : ''}`);
  for (const { name, value } of figures) console.log(`       ${name} = ${value}`);
  return { ...proof, figures, seconds, refusal };
}

function version(command, args) {
  const { stdout } = spawnSync(command, args, { env, encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0] ?? 'unknown';
}

function section({ title, command, seconds, figures }) {
  const rows = figures.map(({ name, value, note }) => `| ${name} | ${value} | ${note} |`);
  return [
    `## ${title}`,
    '',
    `\`${command.join(' ')}\`, ${seconds} s; ${stamp()}`,
    '',
    '| figure | value | |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** When, on what seed, code and machine: each section has its own, since a proof can be run again by itself. */
function stamp() {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: project, encoding: 'utf8' }).trim();
  const machine = [
    `Node ${process.version}`,
    `Redis ${version('redis-server', ['--version'])}`,
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GB`,
    `${process.platform} ${process.arch}`,
  ];
  return `${new Date().toISOString().slice(0, 10)}, seed ${seed}, after commit ${commit}. ${machine.join(', ')}.`;
}

/** The page as it was, with the sections that ran replaced; sections of proofs that no longer exist go. */
function document(results) {
  const before = existsSync(page)
    ? readFileSync(page, 'utf8')
        .split(/^(?=## )/m)
        .slice(1)
    : [];
  const sections = PROOFS.map(({ title }) => {
    const result = results.find((ran) => ran.title === title);
    return result ? section(result) : before.find((text) => text.startsWith(`## ${title}\n`))?.trim();
  });
  const present = sections.filter((text) => text !== undefined);
  return ['# Proof', '', 'Written by `npm run prove`; not edited by hand.', '', present.join('\n\n'), ''].join('\n');
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PROOFS.some((proof) => proof.name === name));
if (unknown.length > 0) {
  console.error(`no proof named ${unknown.join(', ')}; there are: ${PROOFS.map((proof) => proof.name).join(', ')}`);
  process.exit(1);
}
setUp();
execFileSync('npm', ['run', '-s', 'build'], { cwd: project, env, stdio: 'inherit' });
const results = PROOFS.filter((proof) => wanted.length === 0 || wanted.includes(proof.name)).map(prove);
const failed = results.filter((result) => result.refusal);
if (failed.length > 0) {
  console.error(
    `${failed.length} of ${results.length} proofs failed (STRATA_SEED=${seed}); docs/proof.md is unchanged`,
  );
  process.exitCode = 1;
} else {
  writeFileSync(page, document(results));
  console.log('docs/proof.md written');
}
