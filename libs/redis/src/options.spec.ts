import { describe, expect, it } from '@jest/globals';
import { CacheConfigError } from '@strata-cache/core';
import { Redis } from 'ioredis';
import { resolveOptions, type RedisTierOptions } from './options.js';
import { ClientMaker, retryDelay, safeOptions } from './profiles.js';

const url = 'redis://localhost';

describe('redis() options', () => {
  it('have defaults', () => {
    expect(resolveOptions({ url })).toMatchObject({
      shards: 1,
      commandTimeout: 500,
      onServerChange: 'hard',
      maxTagStamps: 100_000,
    });
    expect(resolveOptions({ cluster: { nodes: ['h:1'] } }).shards).toBe(16);
    expect(resolveOptions({ url, commandTimeout: 250 }).commandTimeout).toBe(250);
    expect(resolveOptions({ url, commandTimeout: '2s' }).commandTimeout).toBe(2_000);
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /expected an options object/],
    ['no source', {}, /exactly one of url, client, sentinels, cluster, got none/],
    ['an url that is not set', { url: undefined }, /got none/],
    ['two sources', { url, cluster: { nodes: ['h:1'] } }, /got url and cluster/],
    ['an unknown option', { url, host: 'x' }, /unknown option "host"/],
    ['a http url', { url: 'http://secret@x' }, /url: expected redis:/],
    ['an url without a scheme', { url: '//:secret@x' }, /url: expected redis:/],
    ['a port that is none', { url: 'redis://:secret@x:99999' }, /url: expected .*:port\/db/],
    ['a password that is not encoded', { url: 'redis://:secret100%@x' }, /percent-encode/],
    ['a database that is no number', { url: 'rediss://:secret@x/main' }, /the database as numbers/],
    [
      'sentinels without name',
      { sentinels: [{ host: 'h', port: 1 }] },
      /sentinels: expected at least one address together/,
    ],
    ['no sentinels', { sentinels: [], name: 'm' }, /sentinels/],
    ['a name without sentinels', { url, name: 'm' }, /sentinels/],
    ['no nodes', { cluster: { nodes: [] } }, /cluster.nodes/],
    ['a database on a cluster', { cluster: { nodes: ['h:1'] }, db: 1 }, /db: a Redis Cluster/],
    ['a client that is none', { client: { get: () => 1 } }, /client: expected a Redis or Cluster of ioredis/],
    ['a key prefix', { url, options: { keyPrefix: 'x:' } }, /options.keyPrefix/],
    ['RESP2', { url, options: { protocol: 2 } }, /options.protocol/],
    ['a replica connection', { url, options: { readOnly: true } }, /options.readOnly/],
    ['a timeout in the wrong place', { url, options: { commandTimeout: 5 } }, /give it as `commandTimeout`/],
    ['a timeout of 0', { url, commandTimeout: 0 }, /commandTimeout: expected a duration above 0/],
    ['a timeout that may mean seconds', { url, commandTimeout: 5 }, /5 means 5 ms/],
    ['a policy', { url, onServerChange: 'x' }, /onServerChange: expected 'hard'/],
    ['a database', { url, db: 1.5 }, /db: expected a whole number from 0/],
    ['shards', { url, shards: 0 }, /shards: expected a whole number from 1 to 1024/],
    ['a text for a number', { url, shards: '4' }, /shards: expected a value of type number, got string/],
    ['tag stamps', { url, maxTagStamps: 1.5 }, /maxTagStamps/],
  ])('refuse %s', (_name, given, message) => {
    const resolve = (): unknown => resolveOptions(given as RedisTierOptions);
    expect(resolve).toThrow(CacheConfigError);
    expect(resolve).toThrow(message);
    expect(resolve).not.toThrow(/secret/);
  });
});

describe('connection profiles', () => {
  it('never queue, resend or retry a command, and never give up reconnecting', () => {
    expect(safeOptions('data', 'a b', 500)).toMatchObject({
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: 500,
      lazyConnect: true,
      connectionName: 'strata:a_b:data',
    });
    for (let attempt = 1; attempt < 1_000; attempt += 1) {
      const delay = retryDelay(attempt);
      expect(delay >= 25 && delay <= 1_000).toBe(true);
    }
  });

  it("override what is unsafe in a borrowed client's options, and keep where it leads", () => {
    const unsafe = {
      keyPrefix: 'theirs:',
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      maxRetriesPerRequest: null,
      retryStrategy: () => null,
      autoResubscribe: true,
      enableAutoPipelining: true,
      commandTimeout: 60_000,
      stringNumbers: true,
      protocol: 2,
      readOnly: true,
      reconnectOnError: (): 2 => 2, // would run the refused command again
    } as const;
    const where = { host: 'cache.internal', port: 7_000, db: 3, username: 'app', password: 'secret' };
    const borrowed = new Redis({ ...unsafe, ...where, lazyConnect: true });
    const maker = new ClientMaker(resolveOptions({ client: borrowed }), 'a b');
    for (const role of ['data', 'bus'] as const) {
      const made = maker.make(role);
      expect(made).not.toBe(borrowed);
      expect(made.options).toMatchObject(where);
      const { retryStrategy, reconnectOnError: _, ...safe } = safeOptions(role, 'a b', 500);
      expect(made.options).toMatchObject(safe);
      const hangUp = made.options.reconnectOnError!;
      expect(hangUp(new Error('OOM command not allowed'))).toBe(false);
      // Once for all refused writes of a batch.
      const refusal = new Error("READONLY You can't write against a read only replica.");
      expect([hangUp(refusal), hangUp(refusal), hangUp(refusal)]).toEqual([true, false, false]);
      expect(made.options.retryStrategy).toBe(retryStrategy);
      expect(made.status).toBe('wait');
    }
    expect(borrowed.options).toMatchObject({ keyPrefix: 'theirs:', commandTimeout: 60_000 });
    expect(borrowed.status).toBe('wait');
  });
});
