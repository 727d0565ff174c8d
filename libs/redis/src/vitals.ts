import type { TierVitals } from '@strata-cache/core';
import type { Link } from './link.js';

/** Commands whose p99 is looked at: one reads, the other runs the scripts. */
const OURS = ['mget', 'evalsha', 'zmscore'];

/** How each server is by its own account; one that does not answer, or does not let us ask, is left out. */
export async function sampleVitals(links: readonly Link[]): Promise<TierVitals[]> {
  const answers = await Promise.allSettled(
    links.map(async (link) => vitalsOf(link.name, String(await link.send('info', ['everything'])))),
  );
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

/** Reads the text of `INFO everything`. What a server does not tell is 0. */
export function vitalsOf(server: string, info: string): TierVitals {
  const fields = fieldsOf(info);
  const number = (name: string): number => Number(fields.get(name) ?? 0) || 0;
  const databases = [...fields].filter(([name]) => /^db\d+$/.test(name)).map(([, text]) => partsOf(text));
  const keys = sum(databases.map((database) => database.keys ?? 0));
  return {
    server,
    usedBytes: number('used_memory'),
    maxBytes: number('maxmemory'),
    fragmentation: number('mem_fragmentation_ratio'),
    evictedKeys: number('evicted_keys'),
    commands: number('total_commands_processed'),
    writes: partsOf(fields.get('cmdstat_set') ?? '').calls ?? 0,
    // NOSCRIPT is how a script is found to be unknown, and then sent: no error anybody must look at.
    errors: number('total_error_replies') - (partsOf(fields.get('errorstat_NOSCRIPT') ?? '').count ?? 0),
    cpuSeconds: number('used_cpu_sys') + number('used_cpu_user'),
    keys,
    keysWithoutTtl: keys - sum(databases.map((database) => database.expires ?? 0)),
    commandP99: slowest(fields),
  };
}

/** `name:value` per line. */
export function fieldsOf(info: string): ReadonlyMap<string, string> {
  const lines = info.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** `calls=3,usec=7` as numbers. */
function partsOf(text: string): Record<string, number | undefined> {
  return Object.fromEntries(text.split(',').map((part) => [part.split('=')[0], Number(part.split('=')[1])]));
}

function slowest(fields: ReadonlyMap<string, string>): number | undefined {
  const micros = OURS.map((command) => partsOf(fields.get(`latency_percentiles_usec_${command}`) ?? '').p99);
  const known = micros.filter((value): value is number => value !== undefined && Number.isFinite(value));
  return known.length === 0 ? undefined : Math.max(...known) / 1000;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
