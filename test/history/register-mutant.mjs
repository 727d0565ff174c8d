/**
 * Runs a process on mutated sources: `STRATA_MUTANT=name node ... --import ./test/support/register-swc.mjs --import
 * ./test/history/register-mutant.mjs some/file.ts`. Without the variable nothing is changed.
 */
import { register } from 'node:module';
import { MUTANTS } from './mutants.mjs';

const name = process.env.STRATA_MUTANT;
if (name !== undefined && name !== '') {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`STRATA_MUTANT: no mutant is named ${name}; see test/history/mutants.mjs`);
  const patches = mutant.patches.map(({ file, find, replace }) => ({
    file: new URL(`../../${file}`, import.meta.url).href,
    find,
    replace,
  }));
  register('./mutant-hooks.mjs', import.meta.url, { data: patches });
}
