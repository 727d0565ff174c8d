import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { byteSize, CacheError, duration, type ByteSize, type Duration } from '@strata-cache/core';
import {
  EVENT_DEFAULTS,
  resolveEventsOptions,
  RETRY_DEFAULTS,
} from '../../libs/nestjs/src/microservices/cache-events-options.js';
import { tablesOf } from '../docs/markdown.js';

const tables = tablesOf('docs/options.md');

function valueOf(cell: string): unknown {
  const text = cell.replaceAll('`', '');
  if (text === '-') return undefined;
  const string = /^'(.*)'$/.exec(text)?.[1];
  if (string === undefined) return JSON.parse(text.replaceAll('_', '')) as unknown;
  if (/^[\d.]+(ms|s|m|h|d)$/.test(string)) return duration(string as Duration);
  return /^[\d.]+[kmg]?b$/.test(string) ? byteSize(string as ByteSize) : string;
}

function knownOptions(options: object): readonly string[] {
  try {
    resolveEventsOptions(options);
  } catch (error) {
    const list = error instanceof CacheError ? /known options are (.*)$/.exec(error.message) : null;
    if (list) return list[1].split(', ').sort();
    throw error;
  }
  throw new Error('the unknown option was accepted');
}

describe('docs/options.md', () => {
  it.each([
    ['CacheEventsModule', { nonsense: 1 }, EVENT_DEFAULTS],
    ['CacheEventsModule.retry', { retry: { nonsense: 1 } }, RETRY_DEFAULTS],
  ])('names the options and defaults of %s', (name, unknown, expected) => {
    const table = tables.get(name)!;
    expect([...table.keys()].sort()).toEqual(knownOptions(unknown));
    const defaults = [...table].map(([option, [cell]]) => [option, valueOf(cell)] as const);
    expect(Object.fromEntries(defaults.filter(([, value]) => value !== undefined))).toEqual(expected);
  });
});

describe('CacheEventsModule refuses', () => {
  it.each([
    [{ source: '' }, /source: expected the name/],
    [{ plain: 'x' }, /plain.*function/],
    [{ around: 1 }, /around.*function/],
    [{ onApplied: {} }, /onApplied.*function/],
    [{ onFailure: [] }, /onFailure.*function/],
    [{ retry: { attempts: 0 } }, /retry.*attempts.*1 to 1000/],
    [{ retry: { delay: '1 s' } }, /retry.*delay/],
    [{ maxEventBytes: 0 }, /maxEventBytes/],
    [{ maxQueued: 1.5 }, /maxQueued/],
    [{ overflow: 'newest' }, /overflow.*'drop-oldest' or 'reject'/],
    [{ emitTimeout: 0 }, /emitTimeout/],
    [{ onReconnect: true }, /onReconnect.*'auto' or 'clear' or 'keep'/],
    [{ acknowledge: 'no' }, /acknowledge.*true or false/],
  ])('%j', (options, message) => {
    expect(() => resolveEventsOptions(options as never)).toThrow(message);
  });
});
