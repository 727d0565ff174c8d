import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { Seeded } from '../support/seeded.js';
import { Fleet } from './fleet.js';
import type { FleetSettings } from './fleet-settings.js';
import type { Report } from './instance.child.js';

/** A broker as a scenario sees it: it can be taken away and brought back. Absent with TCP, which has none. */
export interface Interruptible {
  away(): Promise<void>;
  back(): Promise<void>;
}

export interface Plan {
  readonly settings: FleetSettings;
  readonly broker: Interruptible | undefined;
  readonly events: number;
  readonly seed: number;
  /** Also kill an instance with -9 on the way. */
  readonly kill: boolean;
}

export interface Verdict {
  /** Events emitted, without the second copies. */
  readonly emitted: number;
  readonly duplicates: number;
  /** Of those, emitted from the moment the broker was taken away until every instance was connected again. */
  readonly duringOutage: number;
  /** Answers `'queued'`: the event waited in the emitter. */
  readonly queued: number;
  /** Events that arrived at no instance. */
  readonly unheard: number;
  /** Events that some instance alive from beginning to end did not apply itself; only means something without a second tier. */
  readonly missed: number;
  /** Old entries left in the memory of an instance when everything had settled. */
  readonly stale: number;
  /** Poisonous events, and the instances' count of those given up. */
  readonly poison: number;
  readonly failed: number;
  readonly retried: number;
  readonly loads: number;
  readonly seconds: number;
  readonly reports: readonly Report[];
}

const BATCH = 20;
/** Every so many events one whose mapper throws once, and one that throws always. */
const THROWING = 10;

/**
 * Changes values and emits events in bursts, shuffled and every fifth of them twice, while three instances read; takes the broker away in the
 * middle and brings it back, and kills an instance. Then waits until nothing moves and looks into the memory of each.
 */
export async function runScenario({ settings, broker, events, seed, kill }: Plan): Promise<Verdict> {
  const random = new Seeded(seed);
  const since = performance.now();
  const fleet = await Fleet.start(settings, events);
  try {
    const taken = async (): Promise<boolean> =>
      (await fleet.events.emit('value.changed', { id: -100 }, { id: 'first' })) === 'accepted';
    await eventually(taken, { within: 20_000, every: 100, what: 'the emitter is connected' });
    // A connection of the transport drops what is held, and the first may come late.
    const full = async (): Promise<boolean> => {
      await fleet.read();
      return (await fleet.held()).every((count) => count >= events * 0.95);
    };
    await eventually(full, { within: 20_000, every: 100, what: 'every instance holds the entries' });
    const tally = { emitted: 0, duplicates: 0, duringOutage: 0, queued: 0 };
    const sent: Promise<void>[] = [];
    const connected = await fleet.connections();
    let isOut = false;
    let returning: Promise<void> = Promise.resolve();

    const emit = (id: number, copies: number): void => {
      const trouble = id % THROWING === 7 ? 1 : 0;
      tally.emitted++;
      tally.duplicates += copies - 1;
      if (isOut) tally.duringOutage++;
      for (let copy = 0; copy < copies; copy++) {
        sent.push(
          fleet.events.emit('value.changed', { id, trouble }, { id: `e${id}` }).then((answer) => {
            if (answer === 'queued') tally.queued++;
          }),
        );
      }
    };

    const cycle = async (): Promise<void> => {
      await broker?.away();
      await delay(300);
      await broker?.back();
      const all = async (): Promise<boolean> =>
        (await fleet.connections()).every((count, index) => count > connected[index]);
      await eventually(all, { within: 60_000, every: 50, what: 'every instance is connected again' });
      isOut = false;
    };

    const batches = Math.ceil(events / BATCH);
    for (let batch = 0; batch < batches; batch++) {
      const ids = Array.from({ length: Math.min(BATCH, events - batch * BATCH) }, (_, index) => batch * BATCH + index);
      await fleet.commit(ids);
      for (const id of random.shuffle(ids)) emit(id, id % 5 === 0 ? 2 : 1);
      if (broker !== undefined && batch === Math.floor(batches * 0.3)) {
        isOut = true;
        returning = cycle();
      }
      if (kill && batch === Math.floor(batches * 0.7)) {
        await returning;
        await fleet.replaceOne();
      }
      await delay(10);
    }
    await returning;
    // A mapper that throws always: given up, put aside, and nobody stumbles over it again.
    const poison = 3;
    for (let index = 0; index < poison; index++) {
      sent.push(
        fleet.events.emit('value.changed', { id: -1 - index, trouble: 99 }, { id: `p${index}` }).then(() => undefined),
      );
    }
    await Promise.all(sent);
    await settled(fleet);
    const reports = await fleet.reports();
    const stale = await fleet.stale();
    const ids = Array.from({ length: events }, (_, id) => `e${id}`);
    const heard = fleet.heard();
    const lifelong = (kill ? reports.slice(0, -1) : reports).map(({ applied }) => new Set(applied));
    const missed = ids.filter((id) => lifelong.some((applied) => !applied.has(id)));
    return {
      ...tally,
      unheard: ids.filter((id) => !heard.has(id)).length,
      missed: missed.length,
      stale,
      poison,
      failed: reports.reduce((sum, { failed }) => sum + failed.length, 0),
      retried: reports.reduce((sum, { stats }) => sum + stats.retried, 0),
      loads: reports.reduce((sum, { loads }) => sum + loads, 0),
      seconds: (performance.now() - since) / 1_000,
      reports,
    };
  } finally {
    await fleet.stop();
  }
}

/** Nothing waits in the emitter, and for a second no instance has received or retried anything. */
async function settled(fleet: Fleet): Promise<void> {
  await eventually(() => fleet.events.stats().waiting === 0, {
    within: 60_000,
    what: 'the emitter has sent everything',
  });
  let last = '';
  let quietSince = performance.now();
  await eventually(
    async () => {
      const now = JSON.stringify((await fleet.reports()).map(({ stats }) => stats));
      if (now !== last) quietSince = performance.now();
      last = now;
      return performance.now() - quietSince > 1_000;
    },
    { within: 60_000, every: 100, what: 'no instance receives anything any more' },
  );
  await fleet.rest();
}
