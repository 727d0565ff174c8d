import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SERVER_PATH } from './setup.mjs';

/**
 * `npm run demo:fleet`: Redis, NATS, the pricing service and three instances of the catalogue on private loopback ports. A price is changed
 * at the pricing service, and each instance is asked until it serves the new one. Enter changes it again, Ctrl-C stops everything that
 * was started here. With `--once` it ends by itself after one change (`--changes=5`: after five).
 */
const INSTANCES = 3;
const PRODUCT = '42';
const READY_WITHIN = 60_000;
const SERVED_WITHIN = 15_000;

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const wanted = /^--changes=(\d+)$/;
const changes = words.includes('--once') ? 1 : Number(words.map((word) => wanted.exec(word)?.[1]).find(Boolean) ?? 0);
const unknown = words.filter((word) => word !== '--once' && !wanted.test(word));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(' ')}; there are --once and --changes=<number>`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'strata-fleet-'));
/** What was started, in order; each is ended by its pid. */
const started = [];
let stopping;

function start(name, command, args, env = {}) {
  const child = spawn(command, args, {
    cwd: project,
    env: { ...process.env, PATH: SERVER_PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C goes to every process of the terminal's group; these are ended in order instead.
    detached: true,
  });
  const one = { name, child, output: '', ended: false };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => (one.output = (one.output + chunk).slice(-4_000)));
  }
  child.on('error', ({ code, message }) => {
    one.output += code === 'ENOENT' ? `${command} is not on PATH: apt-get install redis-server nats-server` : message;
  });
  one.exit = new Promise((resolve) => {
    for (const event of ['exit', 'error']) {
      child.once(event, () => {
        one.ended = true;
        resolve();
        if (stopping === undefined) fail(new Error(`${name} ended:\n${one.output}`));
      });
    }
  });
  started.push(one);
  if (child.pid !== undefined) console.log(`  ${name}, pid ${child.pid}`);
  return one;
}

/** Ends everything, the last first: services before the servers they need. */
async function stop() {
  stopping ??= (async () => {
    for (const { child, exit, ended } of [...started].reverse()) {
      if (ended || child.pid === undefined) continue;
      child.kill('SIGTERM');
      const impatience = setTimeout(() => child.kill('SIGKILL'), 8_000);
      await exit;
      clearTimeout(impatience);
    }
    rmSync(folder, { recursive: true, force: true });
  })();
  return stopping;
}

function fail(error) {
  console.error(error.message);
  process.exitCode = 1;
  void stop().finally(() => process.exit());
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    console.log('\nstopping');
    void stop().finally(() => process.exit());
  });
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(what, within, condition) {
  const end = performance.now() + within;
  for (;;) {
    const found = await condition().catch(() => undefined);
    if (found !== undefined) return found;
    if (stopping) await new Promise(() => undefined);
    if (performance.now() > end) throw new Error(`${what} did not come true within ${within / 1_000} s`);
    await delay(1);
  }
}

async function json(url, init) {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function startFleet() {
  const [redis, nats, pricing, ...catalogue] = await Promise.all(Array.from({ length: INSTANCES + 3 }, freePort));
  console.log('starting');
  const storeNothing = ['--save', '', '--appendonly', 'no', '--dir', folder];
  const redisServer = start('Redis', 'redis-server', ['--port', redis, '--bind', '127.0.0.1', ...storeNothing]);
  const natsServer = start('NATS', 'nats-server', ['-a', '127.0.0.1', '-p', String(nats)]);
  const says = (one, text) => async () => one.output.includes(text) || undefined;
  await until('Redis', READY_WITHIN, says(redisServer, 'Ready to accept connections'));
  await until('NATS', READY_WITHIN, says(natsServer, 'Server is ready'));

  const urls = { REDIS_URL: `redis://127.0.0.1:${redis}`, NATS_URL: `nats://127.0.0.1:${nats}` };
  // No token is asked for in development; production is what the others run in, for the log.
  const own = { PORT: pricing, DATABASE_FILE: join(folder, 'pricing.db'), NODE_ENV: 'development' };
  start('pricing', process.execPath, ['apps/pricing/dist/main.js'], { ...urls, ...own });
  const shared = { DATABASE_FILE: join(folder, 'catalog.db'), SEED_PRODUCTS: '100' };
  for (const port of catalogue) {
    start(`catalogue on ${port}`, process.execPath, ['apps/catalog/dist/main.js'], { ...urls, ...shared, PORT: port });
  }
  const admin = `http://127.0.0.1:${pricing}/admin/prices/${PRODUCT}`;
  const shown = catalogue.map((port) => ({ port, url: `http://127.0.0.1:${port}/products/${PRODUCT}/price` }));
  const change = (priceCents) =>
    json(admin, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ priceCents }),
    });
  await until('pricing', READY_WITHIN, () => change(1_000));
  await Promise.all(shown.map(({ port, url }) => until(`catalogue on ${port}`, READY_WITHIN, () => json(url))));
  return { change, shown };
}

/** Changes the price and returns, for each instance, how long after the commit it was seen to serve the new one. */
async function measure({ change, shown }, priceCents) {
  // Each has the old price in its memory: one that asks anew would prove nothing.
  for (const { url } of [...shown, ...shown]) await json(url);
  const serving = shown.map(({ port, url }) =>
    until(`the new price on ${port}`, SERVED_WITHIN, async () => {
      const { priceCents: served, source } = await json(url);
      return served === priceCents && source === 'pricing' ? performance.now() : undefined;
    }),
  );
  const answered = change(priceCents).then(() => performance.now());
  const [committed, ...served] = await Promise.all([answered, ...serving]);
  return shown.map(({ port }, index) => ({ port, ms: Math.max(0, served[index] - committed) }));
}

async function changeOnce(fleet, priceCents) {
  const times = await measure(fleet, priceCents);
  console.log(`price of product ${PRODUCT} changed to ${priceCents} cents`);
  for (const [index, { port, ms }] of times.entries()) {
    console.log(`  instance ${index + 1} (port ${port}) served it ${ms.toFixed(1)} ms after the commit`);
  }
}

try {
  const fleet = await startFleet();
  let priceCents = 1_000;
  console.log('every instance has the old price in memory; changing it at the pricing service');
  for (let round = 0; round < Math.max(1, changes); round++) await changeOnce(fleet, ++priceCents);
  if (changes > 0) {
    await stop();
    console.log('everything that was started has ended');
  } else {
    console.log('Enter changes the price again, Ctrl-C stops everything');
    for await (const _line of createInterface({ input: process.stdin })) await changeOnce(fleet, ++priceCents);
    // The input has ended without Ctrl-C (a pipe, a service manager): it goes on until it is told to stop.
    await new Promise(() => setInterval(() => undefined, 60_000));
  }
} catch (error) {
  fail(error);
}
