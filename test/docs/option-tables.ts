import { byteSize, CacheError, duration, type ByteSize, type Duration } from '@strata-cache/core';
import type { Table } from './markdown.js';

/** What stands in the first backticks of a cell: durations in ms, sizes in bytes. `-` is undefined. */
export function valueOf(cell: string): unknown {
  const text = /^`([^`]+)`$/.exec(cell)?.[1] ?? cell;
  if (text === '-' || text === 'required') return undefined;
  const string = /^'(.*)'$/.exec(text)?.[1];
  if (string === undefined) return JSON.parse(text.replaceAll('_', '')) as unknown;
  if (/^[\d.]+(ms|s|m|h|d)$/.test(string)) return duration(string as Duration);
  return /^[\d.]+[kmg]?b$/.test(string) ? byteSize(string as ByteSize) : string;
}

/** The defaults a table names, of options that have one. */
export function defaultsOf(table: Table): Record<string, unknown> {
  const defaults = [...table].map(([option, [cell]]) => [option, valueOf(cell)] as const);
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined));
}

export async function messageOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof CacheError) return error.message;
    throw error;
  }
  throw new Error('the unknown option was accepted');
}

/** Every reader of options lists what it knows when it is given something else. */
export async function knownOptions(run: () => unknown): Promise<readonly string[]> {
  const message = await messageOf(run);
  const list =
    /known options are (.*?)(?: \(|$)/i.exec(message) ?? /(?:known are|known options:) (.*?)\.?$/i.exec(message);
  if (list === null) throw new Error(message);
  return list[1].split(', ').sort();
}
