import 'reflect-metadata';
import { expect, it } from '@jest/globals';
import { lintContract } from '@strata-cache/nestjs';
import { readContract } from '../../apps/catalog/src/contract.js';
import { textOf } from '../docs/markdown.js';

it('docs/contract.md says what the code of the sample says (npm run contract writes it), and the lint finds nothing', async () => {
  const [page, findings] = await readContract((contract) => [contract.toMarkdown(), lintContract(contract)]);
  expect(textOf('docs/contract.md')).toBe(page);
  expect(findings).toEqual([]);
});
