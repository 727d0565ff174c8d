import 'reflect-metadata';
import { afterAll, expect, it } from '@jest/globals';
import { contractPage } from '../../apps/catalog/src/contract.js';
import { textOf } from '../docs/markdown.js';
import { stopAll } from '../support/process-keeper.js';

afterAll(async () => stopAll());

it('docs/contract.md says what the code of the sample says: npm run contract writes it', async () => {
  expect(textOf('docs/contract.md')).toBe(await contractPage());
});
