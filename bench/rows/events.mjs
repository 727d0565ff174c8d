import { join } from 'node:path';
import { closed, started } from '../harness/interleave.mjs';
import { project } from '../harness/libraries.mjs';
import { MeasuredProcess } from '../harness/measured-process.mjs';
import { quantile } from '../harness/numbers.mjs';

/** Brokers are started by the support of the tests, which is TypeScript. */
const TYPESCRIPT = ['--import', join(project, 'test/support/register-swc.mjs')];
const TRANSPORTS = ['redis', 'nats', 'mqtt', 'rabbitmq'];
const INSTANCES = 4;

/** From `emit` until the last instance has dropped the key, for each transport, beside a bare publish and receive in the same run. */
export async function measure({ redis, quick, options, onScenario }) {
  for (const transport of TRANSPORTS) {
    const broker =
      transport === 'redis'
        ? undefined
        : new MeasuredProcess('broker', { contender: transport }, { ...options, execArgv: TYPESCRIPT });
    try {
      const { port } = broker === undefined ? redis : await broker.ask('ready');
      onScenario(await propagation(transport, port, quick ? 60 : 300, options));
    } finally {
      await broker?.ask('stop').catch(() => undefined);
      await broker?.close();
    }
  }
}

async function propagation(transport, port, messages, options) {
  const names = ['raw broker', 'strata'];
  const teams = [];
  try {
    for (const contender of names) {
      const cells = Array.from({ length: INSTANCES }, (_, index) => ({
        contender,
        transport,
        port,
        instance: `i${index}`,
      }));
      teams.push(
        await started('events', [{ contender, transport, port, instance: 'emitter', emits: true }, ...cells], options),
      );
    }
    // Listeners announce themselves a little before they are subscribed.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const taken = names.map(() => []);
    for (let round = -20; round < messages; round++) {
      for (const [index, team] of teams.entries()) {
        const ms = await propagate(team, `key-${round + 20}`);
        if (round >= 0) taken[index].push(ms);
      }
    }
    return {
      name: transport,
      title: `From emit until the last of ${INSTANCES} L1s has dropped the key, ${transport}`,
      unit: 'ms',
      reference: 'raw broker',
      cells: names.map((contender, index) => ({
        contender,
        median: quantile(taken[index], 0.5),
        min: Math.min(...taken[index]),
        max: Math.max(...taken[index]),
        ratio: quantile(taken[0], 0.5) / quantile(taken[index], 0.5),
      })),
    };
  } finally {
    for (const team of teams) await closed(team);
  }
}

async function propagate([emitter, ...instances], key) {
  for (const one of instances) await one.ask('hold', key);
  const gone = Promise.all(instances.map((one) => one.ask('gone', key)));
  await new Promise((resolve) => setTimeout(resolve, 3));
  const sentAt = await emitter.ask('send', key);
  return Math.max(...(await gone)) - sentAt;
}
