import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { SampledEntry, ServerFacts, TierFacts } from '@strata-cache/core';
import type { Link } from './link.js';
import type { ShardKeys } from './shard.js';
import { fieldsOf } from './vitals.js';
import { formatOf, isEntry } from './wire.js';

/** Keys looked at per server, and how many SCAN may pass over: a look, not an audit. */
const SAMPLE = 200;
const SCAN_STEP = 1_000;
const MAX_STEPS = 50;
const SERIALIZER_BITS = 0x0f;

/** What is asked, with arguments that change nothing but a key of our own. Commands that scripts run need the right as well. */
function harmless(probe: string, channel: string): readonly (readonly [command: string, args: (string | number)[]])[] {
  return [
    ['time', []],
    ['mget', [probe]],
    ['zmscore', [probe, 'x']],
    ['eval', ['return 1', 0]],
    ['evalsha', ['0'.repeat(40), 0]],
    ['zadd', [probe, 1, 'x']],
    ['zscore', [probe, 'x']],
    ['zcard', [probe]],
    ['zrangebyscore', [probe, 0, 1]],
    ['zremrangebyscore', [probe, 0, 0]],
    ['zrem', [probe, 'x']],
    // Over whatever is left of the set: it goes by itself, also where DEL is denied.
    ['set', [probe, 'x', 'PX', 1000]],
    ['setrange', [probe, 0, 'y']],
    ['get', [probe]],
    ['getrange', [probe, 0, 1]],
    ['strlen', [probe]],
    ['exists', [probe]],
    ['pttl', [probe]],
    ['pexpire', [probe, 1000]],
    ['del', [probe]],
    ['publish', [channel, 'doctor']],
  ];
}

/** What one server says of its set-up. Every command is sent on a connection that exists, and none changes what is cached. */
async function askServer(link: Link, keys: ShardKeys, now: () => number): Promise<ServerFacts> {
  const denied: string[] = [];
  const ask = async (command: string, args: (string | number)[] = [], raw = false): Promise<unknown> => {
    try {
      return await link.send(command, args, raw);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOPERM')) denied.push(command);
      return undefined;
    }
  };
  const info = fieldsOf(String(await ask('info', ['memory'])));
  const askedAt = now();
  const time = (await ask('time')) as [string, string] | undefined;
  // The wake-up channel: a message that is no key wakes nobody.
  for (const [command, args] of harmless(keys.entry('@doctor'), keys.wakeChannel)) {
    await ask(command, args);
  }
  const scanDenied = denied.length;
  const entries = await sampleEntries(ask, keys);
  // SCAN is the doctor's own wish; the tier does without.
  const lacking = denied.filter((_, index) => index < scanDenied);
  const maxmemory = info.get('maxmemory');
  return {
    server: link.name,
    evictionPolicy: info.get('maxmemory_policy'),
    maxBytes: maxmemory === undefined ? undefined : Number(maxmemory),
    denied: [...new Set(lacking)],
    wallClock: time === undefined ? undefined : Number(time[0]) * 1000 + Number(time[1]) / 1000,
    askedAt,
    entries,
  };
}

type Ask = (command: string, args: (string | number)[], raw?: boolean) => Promise<unknown>;

async function sampleEntries(ask: Ask, keys: ShardKeys): Promise<SampledEntry[] | undefined> {
  const found = new Set<string>();
  // Of every shard on this server: the name up to the shard's number.
  const pattern = `${keys
    .entry('')
    .replace(/\.\d+\}:e:$/, '')
    .replace(/[[\]?*\\^]/g, '\\$&')}.*:e:*`;
  let cursor = '0';
  for (let step = 0; step < MAX_STEPS && found.size < SAMPLE; step++) {
    const reply = (await ask('scan', [cursor, 'MATCH', pattern, 'COUNT', SCAN_STEP])) as [string, string[]] | undefined;
    if (reply === undefined) return undefined;
    cursor = reply[0];
    for (const key of reply[1]) found.add(key);
    if (cursor === '0') break;
  }
  const entries = await Promise.all(
    [...found].slice(0, SAMPLE).map(async (key): Promise<SampledEntry | undefined> => {
      const name = /\}:e:([\w.-]+):v(\d+):/.exec(key);
      const [ttl, header] = [await ask('pttl', [key]), await ask('getrange', [key, 0, 4095], true)];
      // -2: it went while we looked.
      if (name === null || typeof ttl !== 'number' || ttl === -2) return undefined;
      const bytes = header as Buffer;
      const serializer = isEntry(bytes) ? formatOf(bytes) & SERIALIZER_BITS : undefined;
      return { cache: name[1], version: Number(name[2]), serializer, ttl: ttl === -1 ? undefined : ttl };
    }),
  );
  return entries.filter((entry) => entry !== undefined);
}

/** Asks every server that is attached. @param root where the application's own driver is looked for */
export async function gatherFacts(
  links: ReadonlyMap<Link, ShardKeys>,
  now: () => number,
  root = process.cwd(),
): Promise<TierFacts> {
  const answers = await Promise.allSettled([...links].map(([link, keys]) => askServer(link, keys, now)));
  const servers = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  return { servers, driverCopies: driverCopies(root) };
}

/** Where this library and the application find ioredis. Two copies are two classes: `instanceof` and patches of one miss the other. */
export function driverCopies(root: string): string[] {
  const places = [import.meta.url, join(root, 'package.json')].map((from) => {
    try {
      return createRequire(from).resolve('ioredis');
    } catch {
      return undefined; // The application does not use it itself.
    }
  });
  return [...new Set(places.filter((place) => place !== undefined))];
}
