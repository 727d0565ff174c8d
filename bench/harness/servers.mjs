import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const running = new Set();
process.on('exit', () => {
  for (const { child, dir } of running) {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  }
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** A private redis-server on a free loopback port that keeps nothing. `{ url, info(section), reset(), stop() }`. */
export async function startRedis() {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'strata-bench-'));
  const program = process.env.STRATA_REDIS_SERVER ?? 'redis-server';
  const settings = { port, bind: '127.0.0.1', dir, save: '', appendonly: 'no', maxclients: 4_000 };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const server = { child, dir };
  running.add(server);
  await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`bench: ${program} could not be started: ${error.message}`)));
    child.once('exit', (code) => reject(new Error(`bench: ${program} ended with ${code}`)));
    child.stdout.on('data', (chunk) => /ready to accept/i.test(String(chunk)) && resolve());
  });
  child.stdout.resume();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop() {
      running.delete(server);
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
