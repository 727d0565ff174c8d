import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stopAll } from '../support/process-keeper.js';
import { conformanceDocument } from './document.js';
import { NOT_APPLICABLE, REFUSED } from './left-out.js';
import { OPTIONAL_MISSES } from './misses.js';
import { ADAPTERS, runSuite, type Verdicts } from './run-suite.js';
import type { Verdict } from './suite.child.js';

let verdicts: Verdicts;

beforeAll(async () => {
  verdicts = await runSuite();
}, 240_000);
afterAll(stopAll);

function failed(all: readonly Verdict[], kind: Verdict['kind']): readonly string[] {
  return all.filter((verdict) => verdict.kind === kind && !verdict.passed).map(({ id }) => id);
}

describe.each(ADAPTERS)('http-tests/cache-tests on %s', (adapter) => {
  it('passes all 135 required tests', () => {
    const required = verdicts[adapter].filter(({ kind }) => kind === 'required');
    const failures = required.filter(({ passed }) => !passed);
    expect(failures.map(({ id, symbol, detail }) => `${symbol} ${id}: ${detail}`)).toEqual([]);
    expect(required).toHaveLength(135);
  });

  it('misses the optional tests that are explained, and no others', () => {
    expect(failed(verdicts[adapter], 'optimal')).toEqual(Object.keys(OPTIONAL_MISSES));
    expect(verdicts[adapter].filter(({ kind }) => kind === 'optimal')).toHaveLength(71);
  });

  it('runs every test that is not left out for a reason', () => {
    const leftOut = [...NOT_APPLICABLE, ...REFUSED].flatMap(({ ids }) => ids);
    const ran = verdicts[adapter].map(({ id }) => id);
    expect(new Set([...ran, ...leftOut]).size).toBe(370);
    expect(ran.length + leftOut.length).toBe(370);
  });
});

describe('docs/http-conformance.md', () => {
  it('says what this run says', () => {
    const file = fileURLToPath(new URL('../../docs/http-conformance.md', import.meta.url));
    expect(readFileSync(file, 'utf8')).toBe(conformanceDocument(verdicts));
  });
});
