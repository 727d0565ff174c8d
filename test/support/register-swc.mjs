/**
 * Runs TypeScript sources without a build:
 *   node --conditions=@strata-cache/source --import ./test/support/register-swc.mjs some/file.ts
 * For child processes of tests and for benches; no types are checked.
 */
import { register } from 'node:module';

register('./swc-hooks.mjs', import.meta.url);
process.setSourceMapsEnabled(true);
