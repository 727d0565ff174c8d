import { setTimeout as delay } from 'node:timers/promises';
import type { ForkOptions } from '../support/child.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { Seeded } from '../support/seeded.js';
import { Checker, type Mode } from './checker.js';
import { Children } from './children.js';
import { connectionFaults, healAll, lossFaults, serverFaults, stallFault } from './faults.js';
import { NAMESPACE } from './instance.js';
import { countersOf, type EngineSetting, type Member, memberOf } from './member.js';
import { type Family, registersOf } from './registers.js';
import { settle, type Settled, within } from './quiescence.js';
import { type Fault, FaultLaneSchedule } from './schedule.js';

export interface RoundOptions extends EngineSetting {
  readonly seconds: number;
  readonly seed: number;
  /** Instances in this process, each behind a proxy of its own. */
  readonly instances: number;
  /** Instances in processes of their own. */
  readonly children: number;
  /** Names of the faults to inject; undefined: all of them. None: the load alone. */
  readonly only: readonly string[] | undefined;
  /** Ends at the first violation: what a mutant has to be found by. */
  readonly stopEarly: boolean;
  readonly fork: ForkOptions;
}

export interface RoundResult {
  readonly checker: Checker;
  readonly faults: ReadonlyMap<string, number>;
  readonly counters: Readonly<Record<string, number>>;
  readonly settled: Settled;
}

/** Families of each mode; the hold is for coherent readers, and is not claimed to survive a loss of Redis' data. */
const FAMILIES: Readonly<Record<Mode, readonly Family[]>> = {
  coherent: ['plain', 'grace', 'soft', 'set', 'put'],
  bounded: ['plain', 'grace', 'soft', 'set', 'put'],
  hold: ['hold'],
};
/** Callers and writers of one instance. Held keys are read from the source, which takes longer. */
const READERS: Readonly<Record<Mode, number>> = { coherent: 16, bounded: 16, hold: 32 };
const WRITERS = 2;

/** No fault lasts longer, ms. */
const FAULT_LIMIT = 15_000;

/** Load, faults, quiescence, and the figures. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  const { mode, seconds, seed, maxStaleness, heartbeat } = options;
  const random = new Seeded(seed);
  const checker = new Checker(mode, maxStaleness);
  const registers = registersOf(FAMILIES[mode]);
  const server = await new RedisServer().start();
  const members: Member[] = [];
  for (let index = 0; index < options.instances; index += 1) {
    const proxy = await new FaultProxy(server.port, { seed: random.int(0, 2 ** 31) }).start();
    members.push(memberOf(index + 1, proxy, options, checker, registers, random));
  }
  const setting = {
    url: server.url,
    mode,
    maxStaleness,
    heartbeat,
    random: random.fork(),
    registers,
    checker,
    fork: options.fork,
  };
  const children = new Children(setting);
  const withChildren = mode === 'hold' ? 0 : options.children;
  await children.start(withChildren);

  const lanes = lanesOf(options, server, members, withChildren > 0 ? children : undefined, random);
  const load = members.flatMap(({ readers, writers }) => [readers.run(READERS[mode]), writers.run(WRITERS)]);
  const misfortunes = lanes.map(async (lane) => lane.run());
  for (let left = seconds * 10; left > 0 && !(options.stopEarly && checker.violationCount > 0); left -= 1)
    await delay(100);
  for (const lane of lanes) lane.stop();
  await within(
    Promise.all(misfortunes),
    FAULT_LIMIT,
    () => `faults end: ${lanes.map(({ underWay }) => underWay).join(', ')}`,
  );
  await healAll(
    server,
    members.map(({ proxy }) => proxy),
  );
  await children.stop();
  const settled = await settle(members, registers, load, checker);
  const counters = countersOf(members, children);
  await Promise.all(members.map(async ({ instance }) => instance.strata.close()));
  await Promise.all(members.map(async ({ proxy }) => proxy.close()));
  await server.stop();
  const counts = lanes.flatMap((lane) => [...lane.counts.values()]);
  const faults = new Map<string, number>();
  for (const { name, times } of counts) faults.set(name, (faults.get(name) ?? 0) + times);
  return { checker, faults, counters, settled };
}

function lanesOf(
  { mode, only }: RoundOptions,
  server: RedisServer,
  members: readonly Member[],
  children: Children | undefined,
  random: Seeded,
): FaultLaneSchedule[] {
  const lanes: FaultLaneSchedule[] = [];
  const lane = (faults: readonly Fault[], own: Seeded, pause: { min: number; max: number }): void => {
    const wanted = faults.filter(({ name }) => only === undefined || only.includes(name));
    if (wanted.length > 0) lanes.push(new FaultLaneSchedule(wanted, own, pause));
  };
  const ofServer = random.fork();
  const loss = mode === 'hold' ? [] : lossFaults(server, ofServer, NAMESPACE);
  lane([...serverFaults(server, ofServer), ...loss], ofServer, { min: 200, max: 1_200 });
  for (const { proxy } of members) {
    const own = random.fork();
    lane(connectionFaults(proxy, own), own, { min: 300, max: 2_000 });
  }
  const ofProcess = random.fork();
  lane([stallFault(ofProcess)], ofProcess, { min: 5_000, max: 12_000 });
  if (children !== undefined) lane(children.faults(), random.fork(), { min: 1_000, max: 3_000 });
  return lanes;
}
