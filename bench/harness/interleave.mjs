import { MeasuredProcess } from './measured-process.mjs';
import { median, spread } from './numbers.mjs';

/**
 * Measures contenders in turn: A B C A B C ... `rounds` times, so that what the machine does meanwhile happens to all of them.
 * Each answers `round()` with `{ ops, ns, cpu, ... }`, ns and CPU (µs) of the whole round. Returns one cell per contender with
 * median, least and most of ns per operation, µs CPU per operation, and the ratio to `reference`: the median over the rounds of
 * (time of the reference / own time), so above 1 is faster; `cpuRatio` is the same for CPU time.
 */
export async function interleave({ work, cells, rounds, reference, options }) {
  const processes = await started(work, cells, options);
  try {
    return await inTurn({ processes, contenders: cells.map(({ contender }) => contender), rounds, reference });
  } finally {
    await closed(processes);
  }
}

/** Processes for contenders, all ready. */
export async function started(work, cells, options) {
  const processes = cells.map((cell) => new MeasuredProcess(work, cell, options));
  try {
    await Promise.all(processes.map((one) => one.ask('ready')));
    return processes;
  } catch (error) {
    await closed(processes);
    throw error;
  }
}

export async function closed(processes) {
  await Promise.all(processes.map((one) => one.close()));
}

/** The rounds of {@link interleave} in processes that go on living; `scenario` is handed to their `warm`. */
export async function inTurn({ processes, contenders, rounds, reference, scenario }) {
  for (const one of processes) await one.ask('warm', scenario);
  const taken = processes.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of processes.entries()) taken[index].push(await one.ask('round'));
  }
  const checks = [];
  for (const one of processes) checks.push(await one.ask('check'));
  return withRatios(
    contenders.map((contender, index) => cellOf(contender, taken[index], checks[index])),
    reference,
  );
}

function cellOf(contender, taken, check) {
  const perOp = taken.map(({ ns, ops }) => ns / ops);
  const extra = Object.keys(taken[0]).filter((name) => !['ops', 'ns', 'cpu'].includes(name));
  return {
    contender,
    ...spread(perOp),
    cpu: median(taken.map(({ cpu, ops }) => cpu / ops)),
    rounds: perOp,
    cpuRounds: taken.map(({ cpu, ops }) => cpu / ops),
    ops: taken.reduce((sum, { ops }) => sum + ops, 0),
    ...Object.fromEntries(extra.map((name) => [name, median(taken.map((one) => one[name]))])),
    check,
  };
}

/** Adds `ratio` to each cell; `reference` is the name of a contender. */
export function withRatios(cells, reference) {
  const base = cells.find(({ contender }) => contender === reference);
  return cells.map((cell) => ({
    ...cell,
    ratio: base === undefined ? undefined : median(cell.rounds.map((own, round) => base.rounds[round] / own)),
    // Less disturbed by what else the machine does: the regression check goes by it.
    cpuRatio: base?.cpuRounds && median(cell.cpuRounds.map((own, round) => base.cpuRounds[round] / own)),
  }));
}
