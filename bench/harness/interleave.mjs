import { MeasuredProcess } from './measured-process.mjs';
import { median, spread } from './numbers.mjs';

/**
 * Measures contenders in turn: A B C A B C ... `rounds` times, so that what the machine does meanwhile happens to all of them.
 * Each answers `round()` with `{ ops, ns, cpu, ... }`, ns and CPU (µs) of the whole round. Returns one cell per contender with
 * median, least and most of ns per operation, µs CPU per operation, and the ratio to `reference`: the median over the rounds of
 * (time of the reference / own time), so above 1 is faster.
 */
export async function interleave({ work, cells, rounds, reference, options }) {
  const processes = cells.map((cell) => new MeasuredProcess(work, cell, options));
  try {
    for (const one of processes) await one.ask('ready');
    for (const one of processes) await one.ask('warm');
    const taken = cells.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of processes.entries()) taken[index].push(await one.ask('round'));
    }
    const checks = [];
    for (const one of processes) checks.push(await one.ask('check'));
    return withRatios(
      cells.map(({ contender }, index) => cellOf(contender, taken[index], checks[index])),
      reference,
    );
  } finally {
    await Promise.all(processes.map((one) => one.close()));
  }
}

function cellOf(contender, taken, check) {
  const perOp = taken.map(({ ns, ops }) => ns / ops);
  const extra = Object.keys(taken[0]).filter((name) => !['ops', 'ns', 'cpu'].includes(name));
  return {
    contender,
    ...spread(perOp),
    cpu: median(taken.map(({ cpu, ops }) => cpu / ops)),
    rounds: perOp,
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
  }));
}
