import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { RedisServer, type RedisServerOptions, stopAll } from './redis-server.js';

const started = async (options: RedisServerOptions = {}): Promise<RedisServer> => new RedisServer(options).start();

describe('RedisServer', () => {
  afterEach(async () => stopAll());

  it('starts empty and private, and answers commands with their wire types', async () => {
    const server = await started();
    expect(server.port).not.toBe(6379);
    expect(await server.cli('DBSIZE')).toBe(0);
    expect(
      await server.cliAll([
        ['SET', 'k', Buffer.from('v')],
        ['GET', 'k'],
        ['GET', 'none'],
        ['MGET', 'k', 'none'],
      ]),
    ).toEqual(['OK', 'v', null, ['v', null]]);
    await expect(server.cli('INCR', 'k')).rejects.toThrow(/not an integer/);
    expect(await server.cli('CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(Number((await server.info('server')).process_id)).toBe(server.pid);
  });

  it('starts many at once, each on a port of its own', async () => {
    const servers = await Promise.all(Array.from({ length: 8 }, async () => started()));
    expect(new Set(servers.map((server) => server.port)).size).toBe(8);
  });

  it('counts the commands that ran, and none of its own making but info', async () => {
    const server = await started();
    await server.resetCommandCalls();
    await server.cli('GET', 'k');
    await server.cli('GET', 'k');
    expect(await server.commandCalls()).toEqual({ get: 2, 'config|resetstat': 1 });
  });

  it('listens on a unix socket only, when asked to', async () => {
    const server = await started({ unixSocket: true });
    const client = new Redis(server.url);
    expect(await client.ping()).toBe('PONG');
    expect(await server.cli('CONFIG', 'GET', 'port')).toEqual(['port', '0']);
    client.disconnect();
  });

  it('answers nothing while frozen and goes on where it was when thawed', async () => {
    const server = await started();
    await server.freeze();
    let answered = false;
    const pong = server.cli('PING').then((reply) => {
      answered = true;
      return reply;
    });
    // A connection that the kernel accepted proves that the request is under way; the process cannot serve it.
    const probe = new Redis({ ...server.connection, commandTimeout: 100, maxRetriesPerRequest: 0 });
    probe.on('error', () => undefined);
    await expect(probe.ping()).rejects.toThrow();
    probe.disconnect();
    expect(answered).toBe(false);
    server.thaw();
    expect(await pong).toBe('PONG');
  });

  it('loses everything by kill -9 and comes back empty on the same port', async () => {
    const server = await started();
    const { port, pid } = server;
    await server.cli('SET', 'k', 'v');
    await server.kill9();
    expect(server.running).toBe(false);
    await expect(server.cli('PING')).rejects.toThrow(/ECONNREFUSED/);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await server.cli('GET', 'k')).toBeNull();
  });

  it('rolls back to an older RDB after kill -9', async () => {
    const server = await started();
    await server.cli('SET', 'k', 'old');
    await server.saveRdb();
    await server.cli('SET', 'k', 'new');
    await server.kill9();
    await server.restart();
    expect(await server.cli('GET', 'k')).toBe('old');
    await server.restart({ keepData: false });
    expect(await server.cli('GET', 'k')).toBeNull();
  });

  it('can be stopped while frozen', async () => {
    const server = await started();
    await server.freeze();
    await server.stop();
    expect(server.running).toBe(false);
  });

  it('takes settings, a password and ACL users', async () => {
    const server = await started({
      config: { maxmemory: '4mb', 'maxmemory-policy': 'volatile-lru', save: '900 1' },
      password: 'p@ss word'.replace(' ', ''),
      users: ['default off', 'app on >secret ~strata:* &strata:* +get +set'],
    });
    expect(await server.cli('CONFIG', 'GET', 'maxmemory*')).toContain('volatile-lru');
    expect(await server.cli('CONFIG', 'GET', 'save')).toEqual(['save', '900 1']);
    const app = new Redis({ ...server.connection, username: 'app', password: 'secret', enableReadyCheck: false });
    await app.set('strata:k', 'v');
    await expect(app.set('other', 'v')).rejects.toThrow(/NOPERM/);
    app.disconnect();
  });

  it('fails writes when memory is full', async () => {
    const server = await started({ config: { maxmemory: 1, 'maxmemory-policy': 'noeviction' } });
    await expect(server.cli('SET', 'k', 'v')).rejects.toThrow(/OOM/);
  });

  it('asks for the password, which its url carries', async () => {
    const server = await started({ password: 's3cr&t' });
    const client = new Redis(server.url);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
    expect(await server.cli('PING')).toBe('PONG');
  });

  it('follows as a replica', async () => {
    const master = await started();
    await master.cli('SET', 'k', 'v');
    const replica = await started({ replicaOf: master });
    await master.waitForReplicas();
    await eventually(async () => (await replica.cli('GET', 'k')) === 'v');
    await expect(replica.cli('SET', 'k', 'w')).rejects.toThrow(/READONLY/);
  });

  it.each([true, 'mutual'] as const)('speaks TLS (%s) with an authority of its own', async (tls) => {
    const server = await started({ tls });
    const client = new Redis({ ...server.connection });
    expect(await client.set('k', 'v')).toBe('OK');
    client.disconnect();
    expect(await server.cli('GET', 'k')).toBe('v');
    expect(server.url).toMatch(/^rediss:/);
    const stranger = new Redis(server.url, { retryStrategy: () => null });
    const refused = await new Promise<Error>((resolve) => stranger.once('error', resolve));
    expect(refused.message).toMatch(/certificate/);
    stranger.disconnect();
  });

  it('steps the wall clock of a running server back, and nothing else', async () => {
    const server = await started({ faketime: '+15m' });
    const seconds = async (): Promise<number> => Number(((await server.cli('TIME')) as string[])[0]);
    const ahead = async (): Promise<number> => Math.round((await seconds()) - Date.now() / 1_000);
    expect(Math.abs((await ahead()) - 900)).toBeLessThan(5);
    const before = await seconds();
    server.stepClock('+5m');
    expect((await seconds()) - before).toBeLessThan(-590);
    const inScript = (await server.cli('EVAL', "return redis.call('TIME')[1]", 0)) as string;
    expect(Number(inScript) - before).toBeLessThan(-590);
    server.stepClock('+0');
    expect(Math.abs(await ahead())).toBeLessThan(5);
    const fresh = await started();
    expect(() => fresh.stepClock('+0')).toThrow(/option `faketime`/);
  });

  it('says what to install when there is no redis-server', async () => {
    process.env.STRATA_REDIS_SERVER = 'no-such-redis-server';
    try {
      await expect(started()).rejects.toThrow(/install it .*STRATA_REDIS_SERVER/);
    } finally {
      delete process.env.STRATA_REDIS_SERVER;
    }
  });

  it('shows the log of a server that refuses its settings', async () => {
    await expect(started({ config: { 'no-such-setting': 1 } })).rejects.toThrow(/no-such-setting/);
  });
});

describe('stopAll', () => {
  afterAll(async () => stopAll());

  it('ends every server, frozen ones too, and removes their folders', async () => {
    const servers = await Promise.all([started(), started({ unixSocket: true })]);
    await servers[0].freeze();
    await stopAll();
    expect(servers.map((server) => server.running)).toEqual([false, false]);
    expect(servers.map((server) => existsSync(server.dir))).toEqual([false, false]);
  });
});
