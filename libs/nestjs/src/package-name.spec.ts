import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageName } from './package-name.js';

describe('packageName', () => {
  it('is the name in the nearest package.json that has one', () => {
    const outer = mkdtempSync(join(tmpdir(), 'strata-'));
    const inner = join(outer, 'dist');
    const deeper = join(inner, 'src');
    mkdirSync(deeper, { recursive: true });
    writeFileSync(join(outer, 'package.json'), '{ "name": "outer" }');
    writeFileSync(join(inner, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(deeper, 'package.json'), 'no json');
    expect(packageName(deeper)).toBe('outer');
  });

  it('falls back to what npm says', () => {
    const before = process.env['npm_package_name'];
    process.env['npm_package_name'] = 'from-npm';
    expect(packageName('/')).toBe('from-npm');
    delete process.env['npm_package_name'];
    expect(packageName('/')).toBeUndefined();
    if (before !== undefined) process.env['npm_package_name'] = before;
  });
});
