import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports are drawn from here and not from the kernel's ephemeral range (32768 and up on Linux): a server that is down
 * must find its port again on restart, and an outgoing connection could have been given an ephemeral one meanwhile (a
 * client retrying such a port can even connect to itself). A cluster node also needs port + 10000.
 */
const FIRST = 11_000;
const LAST = 21_000;

/**
 * A loopback port that was free a moment ago; `alsoAt` asks for that distance to be free too. Somebody may take it
 * before you bind, so the caller binds, and asks for another on EADDRINUSE.
 */
export async function freePort(alsoAt: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(FIRST, LAST);
    const free = await Promise.all([0, ...alsoAt].map(async (distance) => isFree(port + distance)));
    if (free.every(Boolean)) return port;
  }
  throw new Error(`No free loopback port found between ${FIRST} and ${LAST} in 200 draws.`);
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
