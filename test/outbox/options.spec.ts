import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Outbox, OutboxRelay } from '@strata-cache/nestjs/microservices';
import { LINT_DEFAULTS, resolveLint } from '../../libs/nestjs/src/contract/contract-lint.js';
import { RELAY_DEFAULTS } from '../../libs/nestjs/src/microservices/outbox-options.js';
import { OUTBOX_DEFAULTS } from '../../libs/nestjs/src/microservices/outbox.js';
import { tablesOf } from '../docs/markdown.js';
import { defaultsOf, knownOptions } from '../docs/option-tables.js';

const tables = tablesOf('docs/options.md');
const unknown = { nonsense: 1 } as any;

describe('docs/options.md', () => {
  it.each<[string, () => unknown]>([
    ['Outbox', () => new Outbox(unknown)],
    ['OutboxRelay', () => new OutboxRelay(unknown)],
    ['lint', () => resolveLint(unknown)],
  ])('names exactly the options of %s', async (name, run) => {
    expect([...(tables.get(name)?.keys() ?? [])].sort()).toEqual(await knownOptions(run));
  });

  it('names their defaults', () => {
    const { ignore, ...lint } = LINT_DEFAULTS;
    expect(ignore).toEqual([]);
    expect(defaultsOf(tables.get('Outbox')!)).toEqual(OUTBOX_DEFAULTS);
    expect(defaultsOf(tables.get('OutboxRelay')!)).toEqual(RELAY_DEFAULTS);
    expect(defaultsOf(tables.get('lint')!)).toEqual(lint);
  });
});
