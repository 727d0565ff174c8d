import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as tick, setTimeout as delay } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { eventually } from './eventually.js';
import { FaultProxy } from './fault-proxy.js';
import { onStopAll } from './process-keeper.js';
import { RedisServer, stopAll } from './redis-server.js';
import { Seeded } from './seeded.js';

/** What a client of the echo server saw: whole frames, and how its connection ended. */
interface Seen {
  readonly socket: Socket;
  readonly frames: number[];
  ended?: string;
}

const FRAME = 4;

async function echoServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
  });
  onStopAll(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function open(port: number): Seen {
  const seen: Seen = { socket: connect({ port, host: '127.0.0.1', noDelay: true }), frames: [] };
  let rest: Buffer = Buffer.alloc(0);
  seen.socket.on('error', (error: NodeJS.ErrnoException) => (seen.ended = error.code));
  seen.socket.on('close', () => (seen.ended ??= 'closed'));
  seen.socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= FRAME; rest = rest.subarray(FRAME)) seen.frames.push(rest.readUInt32BE(0));
  });
  onStopAll(async () => void seen.socket.destroy());
  return seen;
}

/** An ioredis client that a failing test does not leave behind. */
function redisClient(url: string, options: RedisOptions = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => undefined);
  onStopAll(async () => {
    // On a client that has ended, ioredis' disconnect() arms a 2 s timer that nothing clears.
    if (client.status !== 'end') client.disconnect();
  });
  return client;
}

function frames(from: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * FRAME);
  for (let index = 0; index < count; index += 1) bytes.writeUInt32BE(from + index, index * FRAME);
  return bytes;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('FaultProxy', () => {
  afterEach(async () => stopAll());

  it('keeps the order of 10,000 frames in random chunks under jittered latency', async () => {
    const random = new Seeded(11);
    const proxy = await new FaultProxy(await echoServer(), { seed: 11 }).start();
    proxy.latency(4, 4);
    const seen = open(proxy.port);
    const all = frames(0, 10_000);
    for (let at = 0; at < all.length;) {
      const next = Math.min(all.length, at + random.int(1, 64));
      seen.socket.write(all.subarray(at, next));
      at = next;
      if (random.chance(0.3)) await tick();
    }
    await eventually(() => seen.frames.length === 10_000);
    expect(seen.frames).toEqual(upTo(10_000));
    expect(proxy.counters).toMatchObject({ connections: 1, upBytes: all.length, downBytes: all.length });
    // Without many chunks there would have been nothing to put in a wrong order.
    expect(proxy.counters.upChunks).toBeGreaterThan(100);
  });

  it.each(['up', 'down', 'both'] as const)('never delivers a byte behind a hole (black hole %s)', async (direction) => {
    const proxy = await new FaultProxy(await echoServer()).start();
    const [torn, idle] = [open(proxy.port), open(proxy.port)];
    torn.socket.write(frames(0, 10));
    idle.socket.write(frames(0, 1));
    await eventually(() => torn.frames.length === 10 && idle.frames.length === 1);
    proxy.blackhole(direction, true);
    const before = proxy.counters.upBytes;
    torn.socket.write(frames(10, 10));
    await eventually(() => proxy.counters.upBytes === before + 10 * FRAME);
    if (direction === 'down') await eventually(() => proxy.counters.downBytes === 21 * FRAME);
    const accepted = open(proxy.port);
    await once(accepted.socket, 'connect');
    expect(torn.ended).toBeUndefined();
    proxy.blackhole(direction, false);
    torn.socket.write(frames(20, 10));
    await eventually(() => torn.ended !== undefined);
    expect(torn.frames).toEqual(upTo(10));
    idle.socket.write(frames(1, 1));
    accepted.socket.write(frames(0, 1));
    await eventually(() => idle.frames.length === 2 && accepted.frames.length === 1);
  });

  it('loses what was still travelling when the hole opened', async () => {
    const proxy = await new FaultProxy(await echoServer()).start();
    const seen = open(proxy.port);
    proxy.latency(60_000);
    seen.socket.write(frames(0, 5));
    await eventually(() => proxy.counters.upBytes === 5 * FRAME);
    proxy.blackhole('up', true);
    proxy.latency(0);
    proxy.blackhole('up', false);
    await eventually(() => seen.ended !== undefined);
    expect(seen.frames).toEqual([]);
    expect(proxy.counters.downBytes).toBe(0);
  });

  it('delivers kept-back bytes late and in order', async () => {
    const proxy = await new FaultProxy(await echoServer()).start();
    const seen = open(proxy.port);
    proxy.hold('down', true);
    for (let from = 0; from < 50; from += 10) seen.socket.write(frames(from, 10));
    await eventually(() => proxy.counters.downBytes === 50 * FRAME);
    expect(seen.frames).toEqual([]);
    proxy.hold('down', false);
    await eventually(() => seen.frames.length === 50);
    expect(seen.frames).toEqual(upTo(50));
    expect(seen.ended).toBeUndefined();
  });

  it('shows every connection a gapless prefix under 300 random faults', async () => {
    const random = new Seeded(23);
    const proxy = await new FaultProxy(await echoServer(), { seed: 23 }).start();
    const history: Seen[] = [];
    let sent = 0;
    for (let step = 0; step < 300; step += 1) {
      const current = history.at(-1);
      if (!current || current.ended !== undefined || random.chance(0.02)) {
        history.push(open(proxy.port));
        sent = 0;
      }
      const count = random.int(1, 20);
      history.at(-1)?.socket.write(frames(sent, count));
      sent += count;
      const on = random.chance(0.4);
      const direction = random.pick(['up', 'down', 'both'] as const);
      random.pick([
        () => proxy.blackhole(direction, on),
        () => proxy.hold(direction, on),
        () => proxy.latency(random.int(0, 3), 2),
        () => (random.chance(0.1) ? proxy.reset() : undefined),
      ])();
      await delay(random.int(0, 3));
    }
    await proxy.heal();
    expect(history.length).toBeGreaterThan(5);
    for (const { frames: got } of history) expect(got).toEqual(upTo(got.length));
    expect(history.reduce((sum, { frames: got }) => sum + got.length, 0)).toBeGreaterThan(300);
    const after = open(proxy.port);
    after.socket.write(frames(0, 3));
    await eventually(() => after.frames.length === 3);
  });

  it('resets all connections', async () => {
    const proxy = await new FaultProxy(await echoServer()).start();
    const all = [open(proxy.port), open(proxy.port)];
    await eventually(() => proxy.open === 2);
    proxy.reset();
    await eventually(() => all.every(({ ended }) => ended === 'ECONNRESET'));
    expect(proxy.open).toBe(0);
  });

  it('refuses new connections on the same port, keeps the open ones, and listens again', async () => {
    const proxy = await new FaultProxy(await echoServer()).start();
    const early = open(proxy.port);
    await eventually(() => proxy.open === 1);
    await proxy.refuse(true);
    const late = open(proxy.port);
    await eventually(() => late.ended === 'ECONNREFUSED');
    early.socket.write(frames(0, 1));
    await eventually(() => early.frames.length === 1);
    await proxy.refuse(false);
    const again = open(proxy.port);
    again.socket.write(frames(0, 1));
    await eventually(() => again.frames.length === 1);
  });

  it('forgets connections that clients or the server closed', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const client = redisClient(proxy.url, { retryStrategy: () => null });
    await client.ping();
    await client.quit();
    await eventually(() => proxy.open === 0);
    const second = redisClient(proxy.url, { retryStrategy: () => null });
    await second.ping();
    await server.kill9();
    await eventually(() => proxy.open === 0 && second.status === 'end');
  });

  it('lets a request through and loses its reply', async () => {
    const server = await new RedisServer().start();
    const proxy = await new FaultProxy(server.port).start();
    const client = redisClient(proxy.url, { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 });
    await client.ping();
    const lost = proxy.dropNextReply('INCR');
    expect(await client.get('n')).toBeNull();
    await expect(client.incr('n')).rejects.toThrow();
    expect(await lost).toBe(true);
    expect(await server.cli('GET', 'n')).toBe('1');
    await eventually(async () => (await client.get('n')) === '1');
    const never = proxy.dropNextReply();
    await proxy.heal();
    expect(await never).toBe(false);
  });

  it('counts round trips and writes', async () => {
    const server = await new RedisServer({ unixSocket: true }).start();
    const proxy = await new FaultProxy(server.socketPath ?? '').start();
    const client = redisClient(proxy.url);
    await client.ping();
    proxy.resetCounters();
    await client.mget('a', 'b');
    expect(proxy.counters).toMatchObject({ connections: 0, roundTrips: 1, upChunks: 1, downChunks: 1 });
    await client.pipeline().get('a').get('b').exec();
    expect(proxy.counters.roundTrips).toBe(2);
    await client.get('a');
    await client.get('b');
    expect(proxy.counters.roundTrips).toBe(4);
  });

  it('works while its target is down, restarts or moves', async () => {
    const server = await new RedisServer().start();
    const other = await new RedisServer().start();
    await other.cli('SET', 'who', 'other');
    const proxy = await new FaultProxy(server.port).start();
    await server.kill9();
    const client = redisClient(proxy.url, {
      retryStrategy: () => 20,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    await eventually(() => proxy.counters.connections >= 3);
    expect(proxy.open).toBeLessThanOrEqual(1);
    await server.restart();
    await eventually(async () => (await client.ping()) === 'PONG');
    proxy.retarget(other.port);
    proxy.reset();
    await eventually(async () => (await client.get('who')) === 'other');
  });
});
