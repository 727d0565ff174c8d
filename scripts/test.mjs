import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_PATH, setUp } from './setup.mjs';

/**
 * `npm test`: set-up, lint, types, build, jest. A failing stage does not hide the next ones; only a failed set-up stops
 * the run. The last line is `N passed, N failed`: jest's tests, plus one failure for each stage that failed.
 * Arguments are handed to jest: `npm test -- test/contract`.
 */
const BUDGET_SECONDS = 480;
const started = Date.now();
const env = { ...process.env, PATH: SERVER_PATH };
const scratch = mkdtempSync(join(tmpdir(), 'strata-test-'));
const report = join(scratch, 'jest.json');
const failures = [];

function stage(name, command, args) {
  const since = Date.now();
  console.log(`\n== ${name}`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env });
  const ok = status === 0;
  console.log(`== ${name}: ${ok ? 'ok' : `FAILED (${error?.message ?? `exit ${status}`})`}, ${seconds(since)} s`);
  return ok;
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(1);
}

/** Tests that ran green and tests that did not, a suite that could not be loaded and a skipped test included. */
function countTests() {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const result = JSON.parse(readFileSync(report, 'utf8'));
  const silent = result.numPendingTests + result.numTodoTests;
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + silent;
  return { passed: result.numPassedTests, failed: result.numPassedTests === 0 ? Math.max(failed, 1) : failed };
}

let tests = { passed: 0, failed: 0 };
try {
  console.log('== set-up');
  setUp();
  if (!stage('lint', process.execPath, ['scripts/lint.mjs'])) failures.push('lint');
  if (!stage('types', 'npm', ['run', '-s', 'typecheck'])) failures.push('types');
  if (!stage('build', 'npm', ['run', '-s', 'build'])) failures.push('build');
  const workers = Math.min(Math.max(availableParallelism(), 2), 4);
  const jest = ['--ci', `--maxWorkers=${workers}`, '--json', `--outputFile=${report}`, ...process.argv.slice(2)];
  // With --json jest prints the report to stdout as well, unless --outputFile is there; progress goes to stderr.
  const jestIsGreen = stage('jest', 'npm', ['run', '-s', 'jest', '--', ...jest]);
  tests = countTests();
  if (!jestIsGreen && tests.failed === 0) failures.push('jest');
} catch (error) {
  console.error(error.message);
  failures.push('set-up');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

if (failures.length > 0) console.error(`\nfailed stages: ${failures.join(', ')}`);
console.log(`\nnpm test took ${seconds(started)} s of its ${BUDGET_SECONDS} s`);
const failed = tests.failed + failures.length;
console.log(`${tests.passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
