import { RedisServer, stopAll } from '../support/redis-server.js';
import { Seeded } from '../support/seeded.js';
import { blackHoles } from './black-holes.js';
import { crashes, locker } from './crashes.js';
import { handoffs } from './handoffs.js';
import { lostReplies } from './lost-replies.js';
import { queues } from './queues.js';
import { stops } from './stops.js';
import { tokens } from './tokens.js';

/** The long figures of locks; each is a line `PROOF`, and a claim that does not hold a line `VIOLATION`. */
const random = new Seeded(Number(process.env.STRATA_SEED ?? Math.floor(Math.random() * 2 ** 31)));
const [only] = process.argv.slice(2);
let green = true;

function prove(name: string, value: number, note = ''): void {
  console.log(`PROOF ${name}=${Number.isInteger(value) ? value : value.toFixed(1)}${note === '' ? '' : `  ${note}`}`);
}

function claim(fine: boolean, what: string): void {
  if (!fine) {
    console.log(`VIOLATION ${what}`);
    green = false;
  }
}

const PARTS: Record<string, (server: RedisServer) => Promise<void>> = {
  crashes: async (server) => {
    const { rounds, longest, fallen } = await crashes(server, 50, 1_000, random.fork());
    prove('crashes.rounds', rounds, 'kill -9 of the holder, ttl 1 s');
    prove('crashes.longestMs', longest, 'from the kill to the next holder; at most ttl + 100 ms');
    claim(longest <= 1_100 && fallen === 0, `crashes: ${longest} ms, ${fallen} tokens fell`);
  },
  stops: async (server) => {
    const result = await stops(server, 50, 300);
    prove('stops.rounds', result.rounds, 'SIGSTOP of the holder beyond its ttl');
    prove('stops.knewAtOnce', result.knew, 'assertHeld threw in the first statement after SIGCONT');
    prove('stops.computed', result.computed, 'of these with no timer having run before');
    prove('stops.oldWritesRefused', result.refusedOld);
    const fine = result.knew === 50 && result.computed === 50 && result.refusedOld === 50 && result.acceptedNew === 50;
    claim(fine && result.acceptedOld === 0, `stops: ${JSON.stringify(result)}`);
  },
  blackHoles: async (server) => {
    const result = await blackHoles(server, { lanes: 20, rounds: 5, ttl: 3_000 }, random.fork());
    const { rounds, toldFirst, starved, margin } = result;
    prove('blackHoles.rounds', rounds, 'packets of the holder are lost both ways from a random instant on, ttl 3 s');
    prove('blackHoles.toldFirst', toldFirst, 'signal aborted before anybody else was granted');
    prove('blackHoles.starved', starved, 'further rounds: the holder was not run for longer than its margin, repeated');
    prove('blackHoles.leastMarginMs', margin);
    claim(toldFirst === rounds && margin > 0 && starved <= 10, `blackHoles: ${JSON.stringify(result)}`);
  },
  queues: async (server) => {
    const { waiters, inOrder, longest } = await queues(server, { waiters: 100, processes: 4, hold: 20 });
    prove('queues.waiters', waiters, 'in 4 processes, 20 ms each');
    prove('queues.longestWaitMs', longest, 'at most 2 x 100 x 20 ms');
    claim(inOrder && longest <= 4_000, `queues: in order ${inOrder}, ${longest} ms`);
  },
  handoffs: async (server) => {
    const calm = await handoffs(server, { processes: 4, contenders: 3, rounds: 250, killEvery: 0 }, random.fork());
    prove('handoffs.undisturbed', calm.handoffs);
    prove('handoffs.undisturbedMedianMs', calm.median);
    prove('handoffs.undisturbedLongestMs', calm.longest);
    const options = { processes: 4, contenders: 5, rounds: 1_000, killEvery: 100 };
    const result = await handoffs(server, options, random.fork());
    prove('handoffs.count', result.handoffs, '20 contenders in 4 processes');
    prove('handoffs.connectionsKilled', result.kills, 'one every 100 ms');
    prove('handoffs.medianMs', result.median);
    prove('handoffs.p99Ms', result.p99);
    prove('handoffs.longestMs', result.longest, 'a lost wake-up would cost a whole poll and more');
    const fine = result.violations + result.fallen + calm.violations + calm.fallen === 0 && result.handoffs >= 20_000;
    claim(fine && result.longest < 2_000 && result.kills > 50, `handoffs: ${JSON.stringify([calm, result])}`);
  },
  tokens: async (server) => {
    const { rounds, grants, fallen } = await tokens(server, 24);
    prove('tokens.losses', rounds, 'restart empty, restart from an older RDB, FLUSHALL, fence deleted');
    prove('tokens.grants', grants);
    prove('tokens.fallen', fallen);
    claim(fallen === 0, `tokens: ${fallen} fell`);
  },
  replies: async (server) => {
    const { rounds, lost, granted, released } = await lostReplies(server, 50);
    prove('replies.lost', lost, 'answers to acquire and release');
    prove('replies.granted', granted, 'to the very caller, with a ttl of 1 h');
    prove('replies.released', released);
    claim(lost === 2 * rounds && granted === rounds && released === rounds, `replies: ${lost} ${granted} ${released}`);
  },
  cycles: async (server) => {
    const child = await locker(['--expose-gc']);
    // As many before as are measured: until then what grows is compiled code.
    const before = await child.call('cycles', { url: server.url, count: 10_000 });
    const after = await child.call('cycles', { url: server.url, count: 10_000 });
    const growth = (after.heap - before.heap) / 1024;
    prove('cycles.count', after.granted);
    prove('cycles.heapGrowthKb', growth, 'over 10,000 cycles, after a full collection');
    prove('cycles.held', after.held);
    prove('cycles.timers', after.timers);
    const flat = after.held === 0 && after.waiting === 0 && after.timers <= before.timers && growth < 128;
    claim(flat, `cycles: ${JSON.stringify([before, after])}`);
    await child.kill9();
  },
};

try {
  for (const [name, run] of Object.entries(PARTS)) {
    if (only === undefined || only === name) {
      const server = await new RedisServer().start();
      const since = Date.now();
      await run(server);
      console.error(`${name}: ${((Date.now() - since) / 1000).toFixed(1)} s`);
      await server.kill9();
    }
  }
} finally {
  await stopAll();
}
process.exitCode = green ? 0 : 1;
