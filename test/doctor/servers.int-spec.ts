import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import { createStrata, defineCache, messagePackSerializer, type Finding } from '@strata-cache/nestjs';
import { aclLine, redis } from '@strata-cache/redis';
import { Packr } from 'msgpackr';
import { driverCopies } from '../../libs/redis/src/facts.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { ownDir, stopAll } from '../support/process-keeper.js';
import { Case, patients, type CaseOptions } from './ward.js';

const open: Case[] = [];
async function patient(options?: CaseOptions): Promise<Case> {
  const opened = await Case.open(options);
  open.push(opened);
  return opened;
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(async () => stopAll());

/** Exactly one finding, with something to do about it. */
async function only(opened: Case): Promise<Finding> {
  const found = await opened.findings();
  expect(found.map(({ rule }) => rule)).toHaveLength(1);
  expect(found[0].remedy.length).toBeGreaterThan(30);
  return found[0];
}

describe('the doctor on a real server finds', () => {
  it('nothing in a healthy set-up, and says so in one line', async () => {
    const { doctor, strata } = await patient();
    await strata.cache(patients).set('1', 'one');
    const { findings, report, table } = await doctor.examine();
    expect(findings).toEqual([]);
    expect(report).toEqual([
      'doctor: 1 caches, 1 server: healthy (owner 1/1, clearer 1/1, ttl 1/1, negative 1/1, HTTP headers no, metrics no)',
    ]);
    expect(table).toEqual([
      'patient  [x] owner  [x] clearer  [x] ttl  [x] negative  not asked yet, load 0.0 ms, saved 0.0 s',
    ]);
  });

  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-random', 'volatile-ttl', 'noeviction'])(
    'maxmemory-policy %s',
    async (policy) => {
      const found = await only(await patient({ server: { config: { 'maxmemory-policy': policy } } }));
      expect(found).toMatchObject({ rule: 'eviction-policy', about: 'Redis' });
      expect(found.message).toContain(policy);
    },
  );

  it('no maxmemory', async () => {
    expect(await only(await patient({ server: { config: { maxmemory: 0 } } }))).toMatchObject({ rule: 'no-maxmemory' });
  });

  it('a user who lacks rights', async () => {
    const line = aclLine('ward', 'test:ward').replace('user ward', 'ward').replace(' -@all', ' >secret -@all');
    const users = [line.replace(' +getrange', '').replace(' +zrem ', ' ')];
    const found = await only(await patient({ server: { users }, redis: { username: 'ward', password: 'secret' } }));
    expect(found).toMatchObject({ rule: 'acl', message: 'the user may not run zrem, getrange' });
  });

  it('nothing wrong with a user who has exactly the documented rights', async () => {
    const users = [aclLine('ward', 'test:ward').replace('user ward', 'ward').replace(' -@all', ' >secret -@all')];
    const opened = await patient({ server: { users }, redis: { username: 'ward', password: 'secret' } });
    expect(await opened.rules()).toEqual([]);
  });

  it('a user who may not subscribe: the bus is silent', async () => {
    const line = aclLine('ward', 'test:ward').replace('user ward', 'ward').replace(' -@all', ' >secret -@all');
    const opened = await patient({
      server: { users: [line.replace(' +subscribe', '')] },
      redis: { username: 'ward', password: 'secret' },
      module: { maxStaleness: '1s', heartbeat: 250 },
      unattached: true,
    });
    const { strata } = opened;
    await eventually(async () => (await strata.cache(patients).set('1', 'x')).acknowledged, { what: 'the connection' });
    await eventually(() => strata.stats().heartbeatAge > 1_000, { what: 'a bus older than its bound' });
    expect(await opened.rules()).toEqual(['bus-blocked: bus']);
  });

  it('a bus slower than two heartbeats of its bound', async () => {
    const server = await new RedisServer({ config: { maxmemory: '64mb', 'maxmemory-policy': 'volatile-lru' } }).start();
    const proxy = await new FaultProxy(server.port).start();
    const opened = await patient({
      redis: { url: proxy.url, commandTimeout: '2s' },
      module: { maxStaleness: 600, heartbeat: 300 },
    });
    proxy.latency(20);
    await eventually(() => opened.strata.stats().busLag > 15, { what: 'a late heartbeat' });
    const found = (await opened.findings()).find(({ rule }) => rule === 'bus-bound');
    expect(found?.message).toMatch(/maxStaleness \(600 ms\) is below two heartbeats as they come: each takes 3\d\d ms/);
  });

  it('a bound below two heartbeats at boot: the boot fails', async () => {
    await expect(Case.open({ module: { maxStaleness: '1s', heartbeat: '1s' } })).rejects.toThrow(
      /maxStaleness \(1000 ms\) must be at least two heartbeats/,
    );
  });

  it('a clock that steps', async () => {
    const opened = await patient({ server: { faketime: '+0' } });
    expect(await opened.rules()).toEqual([]);
    opened.server.stepClock('+10m');
    expect((await only(opened)).message).toMatch(/stepped by (599|600)\d{3} ms/);
    expect(await opened.rules()).toEqual([]);
  });

  it('another application under the same prefix', async () => {
    const opened = await patient();
    const stranger = createStrata({ namespace: 'test:ward', l2: redis({ url: opened.server.url }) });
    const bills = stranger.cache(defineCache<[], string>({ name: 'bill', version: 1, owner: 'Billing', ttl: '1m' }));
    await eventually(async () => (await bills.set([], 'x')).acknowledged, { what: 'the other application' });
    await stranger.close();
    const found = await only(opened);
    expect(found).toMatchObject({ rule: 'shared-prefix', about: 'Redis' });
    expect(found.message).toContain('entries of bill,');
  });

  it('entries written by another serializer', async () => {
    const opened = await patient();
    const { definition } = opened.strata.cache(patients);
    const other = createStrata({ namespace: 'test:ward', l2: redis({ url: opened.server.url }) });
    const packed = other.cache(
      defineCache<[id: string], string>({ ...definition, serializer: messagePackSerializer(new Packr()) }),
    );
    await eventually(async () => (await packed.set('1', 'x')).acknowledged, { what: 'the other build' });
    await other.close();
    expect(await only(opened)).toMatchObject({ rule: 'serializer', about: 'patient' });
  });

  it('entries without a ttl', async () => {
    const opened = await patient();
    await opened.strata.cache(patients).setMany([
      ['1', 'x'],
      ['2', 'y'],
    ]);
    await opened.server.cli('PERSIST', 'strata:{test:ward.0}:e:patient:v2:1');
    expect(await only(opened)).toMatchObject({ rule: 'no-ttl', about: 'patient' });
  });

  it('a server that is away', async () => {
    const opened = await patient();
    await opened.server.kill9();
    await eventually(async () => (await opened.rules()).join() === 'unreachable: second tier', { what: 'the finding' });
  });

  it('two copies of the driver', () => {
    const root = ownDir('two-drivers');
    const copy = join(root, 'node_modules/ioredis');
    mkdirSync(copy, { recursive: true });
    writeFileSync(join(root, 'package.json'), '{}');
    writeFileSync(join(copy, 'package.json'), '{"name":"ioredis","main":"index.js"}');
    writeFileSync(join(copy, 'index.js'), '');
    expect(driverCopies(root)).toEqual([expect.stringContaining('/node_modules/ioredis/'), join(copy, 'index.js')]);
    expect(driverCopies(process.cwd())).toHaveLength(1);
  });

  it('two copies of the driver, in an application', async () => {
    const root = ownDir('two-drivers');
    mkdirSync(join(root, 'node_modules/ioredis'), { recursive: true });
    writeFileSync(join(root, 'node_modules/ioredis/index.js'), '');
    const opened = await patient();
    const cwd = jest.spyOn(process, 'cwd').mockReturnValue(root);
    const found = await only(opened).finally(() => cwd.mockRestore());
    expect(found).toMatchObject({ rule: 'driver-copies', about: 'ioredis' });
  });
});
