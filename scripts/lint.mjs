import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run lint`: oxlint (cycles, file length, floating promises), the laws oxlint has no rule for, and prettier.
 * Usage: node scripts/lint.mjs [root]; every step runs even when an earlier one failed.
 */
const project = dirname(dirname(fileURLToPath(import.meta.url)));
const root = resolve(process.argv[2] ?? project);
const require = createRequire(import.meta.url);

function binary(name, pathInPackage) {
  return join(dirname(require.resolve(`${name}/package.json`)), pathInPackage);
}

const oxlint = ['--type-aware', '--deny-warnings', '-c', join(project, '.oxlintrc.json')];
const prettier = ['--check', '--log-level', 'warn', '--config', join(project, '.prettierrc.json')];
if (root === project) {
  // Those files break the laws on purpose; test/laws runs this very script on each of them.
  oxlint.push('--ignore-pattern', 'test/fixtures/laws/**');
  prettier.push('--cache', '--cache-location', 'node_modules/.cache/prettier/lint');
}

const steps = [
  { name: 'oxlint', args: [binary('oxlint', 'bin/oxlint'), ...oxlint, '.'] },
  { name: 'laws', args: [join(project, 'scripts/lint-laws.mjs'), root] },
  { name: 'prettier', args: [binary('prettier', 'bin/prettier.cjs'), ...prettier, '.'] },
];

const failed = steps.filter((step) => {
  const { status } = spawnSync(process.execPath, step.args, { cwd: root, stdio: 'inherit' });
  return status !== 0;
});
if (failed.length > 0) console.error(`lint failed: ${failed.map((step) => step.name).join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
