import type { Latency, OutageResult } from '../chaos/run-outage.js';
import { LOADER } from '../chaos/run-outage.js';
import type { RoundResult } from './round.js';

export interface ProofResults {
  /** Of each round. */
  readonly seconds: number;
  readonly seed: number;
  readonly rounds: readonly { readonly mode: string; readonly result: RoundResult }[];
  readonly outages: readonly OutageResult[];
}

const PROMISES: Readonly<Record<string, string>> = {
  coherent: 'no read older than an acknowledged invalidation',
  bounded: 'no read older by more than 600 ms (heartbeat 250 ms)',
  hold: 'reads linearizable with the source, writers crashing in between',
};

/** The published page. */
export function faultMatrix({ seconds, seed, rounds, outages }: ProofResults): string {
  return [
    '# What happens when things fail',
    '',
    'Written by `npm run prove`; not edited by hand. How to read it, and the limits: [consistency](consistency.md).',
    '',
    '## One fault at a time',
    '',
    `Eight callers at once ask one instance for keys that are not cached, while Redis fails in one way; the loader takes ${LOADER} ms.`,
    'Every call is answered by its own load. The latency is what is added to the loader: first until the breaker opens (one deadline of',
    '500 ms at most), then while it is open. "Invalidation": what `delete` resolved with; one that is not acknowledged is kept, and is sent',
    'before the second tier is read again. "Recovery": from the end of the fault until instances share entries again.',
    '',
    '| fault | calls answered | loads per call | added p50 / p99, breaker closed | added p50 / p99, breaker open | invalidation | recovery |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...outages.map(outageRow),
    '',
    '## All of them at random',
    '',
    `${seconds} s a mode, seed ${seed}: three instances, each behind a proxy of its own, with wall clocks 15 minutes apart, and one in a process of`,
    'its own; readers, writers of every kind, failing and slow loaders; faults drawn from the seed. A checker judges every read against the',
    'history of acknowledged invalidations.',
    '',
    '| mode | promise | reads | invalidations | faults | violations | largest lag | keys stuck afterwards |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rounds.map(roundRow),
    '',
    'Injected how often:',
    '',
    `| fault | ${rounds.map(({ mode }) => mode).join(' | ')} |`,
    `| --- | ${rounds.map(() => '---').join(' | ')} |`,
    ...injectedRows(rounds.map(({ result }) => result.faults)),
    '',
    "A hold is not claimed to survive the loss of Redis' data, so faults that lose data are left out of its round.",
    '',
  ].join('\n');
}

function outageRow({ name, calls, answered, loads, before, after, acknowledged, recovery }: OutageResult): string {
  const told = acknowledged ? 'acknowledged' : 'kept, `{ acknowledged: false }`';
  const cells = [
    name,
    `${answered} of ${calls}`,
    (loads / calls).toFixed(2),
    latency(before),
    latency(after),
    told,
    `${recovery.toFixed(0)} ms`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function latency({ calls, p50, p99 }: Latency): string {
  return calls === 0 ? '' : `${p50.toFixed(1)} / ${p99.toFixed(1)} ms`;
}

function roundRow({ mode, result }: { readonly mode: string; readonly result: RoundResult }): string {
  const { checker, counters, faults, settled } = result;
  const injected = [...faults.values()].reduce((sum, times) => sum + times, 0);
  const numbers = [checker.reads, counters.invalidations, injected, checker.violationCount];
  const shown = numbers.map((number) => number.toLocaleString('en-US'));
  return `| ${[mode, PROMISES[mode], ...shown, `${checker.maxLag.toFixed(0)} ms`, settled.stuck].join(' | ')} |`;
}

function injectedRows(rounds: readonly ReadonlyMap<string, number>[]): string[] {
  const names = [...new Set(rounds.flatMap((faults) => [...faults.keys()]))].sort();
  return names.map((name) => `| ${name} | ${rounds.map((faults) => faults.get(name) ?? '').join(' | ')} |`);
}
