import { stopAll } from '../support/redis-server.js';
import { SCENARIOS } from './scenarios.js';

/** Runs the named scenarios, or all; prints `VIOLATION stale: ...` and exits with 1 when an assertion fails. */
const wanted = process.argv.slice(2);
const names = wanted.length === 0 ? Object.keys(SCENARIOS) : wanted;
for (const name of names) {
  const scenario = SCENARIOS[name];
  if (scenario === undefined)
    throw new Error(`no scenario is named '${name}'; there are: ${Object.keys(SCENARIOS).join('; ')}`);
  try {
    await scenario();
    console.log(`ok ${name}`);
  } catch (error) {
    const failed = error instanceof Error && error.name === 'AssertionError';
    console.log(
      `${failed ? 'VIOLATION stale' : 'ERROR'}: ${name}: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
  }
}
await stopAll();
// Engines of a failed scenario are still open.
process.exit();
