import { closed, started, withRatios } from '../harness/interleave.mjs';
import { median, spread } from '../harness/numbers.mjs';

const CONNECTIONS = 50;
const BYTES = 10_000;
const SITUATIONS = [
  {
    name: 'stored',
    title: 'A stored response of 10 KB',
    contenders: ['CacheInterceptor', 'strata, early', 'strata, interceptor', 'no cache', 'raw node:http'],
    reference: 'CacheInterceptor',
    status: '200',
  },
  {
    name: '304',
    title: 'A 304 for a response of 10 KB',
    contenders: ['empty handler', 'strata, version', 'strata, version, interceptor', 'strata, early', 'no cache'],
    reference: 'empty handler',
    status: '304',
    conditional: true,
  },
];

/** Server CPU per request of stored responses and of 304s, on Express and on Fastify. */
export async function measure({ rounds, quick, options, onScenario }) {
  const ms = quick ? 120 : 1_200;
  const [load] = await started('load', [{ contender: 'load generator' }], options);
  try {
    for (const platform of ['express', 'fastify']) {
      for (const { name, title, contenders, reference, status, conditional } of SITUATIONS) {
        const cells = contenders.map((contender) => ({ contender, platform, bytes: BYTES }));
        const servers = await started('http', cells, options);
        try {
          const targets = [];
          for (const server of servers) targets.push(await target(server, load, conditional === true));
          for (const one of targets) await burst(one, load, quick ? 400 : 2_000);
          const taken = servers.map(() => []);
          for (let round = 0; round < rounds; round++) {
            for (const [index, one] of targets.entries()) taken[index].push(await burst(one, load, ms));
          }
          const results = contenders.map((contender, index) => cellOf(contender, taken[index], status));
          onScenario({
            name: `${name}, ${platform}`,
            title: `${title}, ${platform === 'express' ? 'Express' : 'Fastify'}`,
            unit: 'us CPU',
            reference,
            cells: withRatios(results, reference),
          });
        } finally {
          await closed(servers);
        }
      }
    }
  } finally {
    await closed([load]);
  }
}

/** For 304s: asks once, and then with the entity tag that came. */
async function target(server, load, conditional) {
  const { port } = await server.ask('ready');
  const { head } = await load.ask('run', { port, headers: {}, connections: 1, ms: 1 });
  const tag = /\r\netag: *(.+)/i.exec(head)?.[1].trim();
  const headers = conditional && tag !== undefined ? { 'If-None-Match': tag } : {};
  return { server, port, headers };
}

async function burst({ server, port, headers }, load, ms) {
  const before = await server.ask('cpu');
  const handledBefore = await server.ask('handled');
  const { statuses, seconds } = await load.ask('run', { port, headers, connections: CONNECTIONS, ms });
  const after = await server.ask('cpu');
  const requests = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return {
    cpu: (after.user + after.system - before.user - before.system) / requests,
    perSecond: requests / seconds,
    handled: (await server.ask('handled')) - handledBefore,
    requests,
    statuses,
  };
}

/** What must not have happened: a handler that ran, or another status. A server without any ETag answers 200 to all. */
function cellOf(contender, taken, status) {
  const stored = contender === 'CacheInterceptor' || contender.startsWith('strata');
  const handled = taken.reduce((sum, one) => sum + one.handled, 0);
  if (stored && handled > 0) throw new Error(`http: ${contender} ran its handler ${handled} times`);
  const wrong = taken.flatMap(({ statuses }) => Object.keys(statuses)).filter((one) => one !== status);
  if (contender.startsWith('strata') && wrong.length > 0) throw new Error(`http: ${contender} answered ${wrong[0]}`);
  const rounds = taken.map(({ cpu }) => cpu);
  return {
    contender,
    ...spread(rounds),
    rounds,
    perSecond: median(taken.map(({ perSecond }) => perSecond)),
    status: Object.keys(taken[0].statuses).join(' and '),
  };
}
