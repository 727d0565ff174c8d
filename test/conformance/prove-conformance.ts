import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stopAll } from '../support/process-keeper.js';
import { conformanceDocument } from './document.js';
import { ADAPTERS, runSuite } from './run-suite.js';

/** Runs the suite, prints its figures and writes docs/http-conformance.md; fails when a required test does. */
let green = true;
try {
  const verdicts = await runSuite();
  for (const adapter of ADAPTERS) {
    for (const kind of ['required', 'optimal'] as const) {
      const ofKind = verdicts[adapter].filter((verdict) => verdict.kind === kind);
      const passed = ofKind.filter((verdict) => verdict.passed);
      console.log(`PROOF ${adapter}.${kind}=${passed.length}  of ${ofKind.length}`);
      green &&= kind !== 'required' || (passed.length === ofKind.length && passed.length === 135);
      for (const { id, symbol, detail } of ofKind.filter((verdict) => !verdict.passed)) {
        console.log(`${symbol} ${adapter} ${id}: ${detail}`);
      }
    }
  }
  const file = fileURLToPath(new URL('../../docs/http-conformance.md', import.meta.url));
  writeFileSync(file, conformanceDocument(verdicts));
} finally {
  await stopAll();
}
process.exitCode = green ? 0 : 1;
