import { fuzzPayload } from './fuzz-payload.js';

/**
 * 1,000,000 hostile payloads through the whole read path of a value: each is a miss or a value, none crashes, hangs or pollutes.
 *   node --conditions=@strata-cache/source --import ./test/support/register-swc.mjs test/support/fuzz-proof.ts
 */
const CASES = 1_000_000;
const report = fuzzPayload({ cases: CASES, seed: Number(process.env.STRATA_SEED ?? 1) });
for (const [name, value] of Object.entries(report)) {
  console.log(`PROOF ${name}=${value}`);
}
const polluted = Object.keys(Object.prototype).length;
console.log(`PROOF polluted=${polluted}  must be 0`);
if (report.cases < CASES || polluted > 0) {
  process.exitCode = 1;
}
