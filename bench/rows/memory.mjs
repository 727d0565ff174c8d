import { MeasuredProcess } from '../harness/measured-process.mjs';
import { spread } from '../harness/numbers.mjs';

const CONTENDERS = [
  { contender: 'await Map.get', label: 'Map' },
  { contender: 'strata', label: 'strata' },
  { contender: 'strata', label: 'strata, one tag each', tags: true },
  { contender: 'lru-cache', label: 'lru-cache with ttl' },
  { contender: 'layered-loader', label: 'layered-loader' },
  { contender: 'async-cache-dedupe', label: 'async-cache-dedupe' },
  { contender: 'cache-manager', label: 'cache-manager' },
  { contender: 'cacheable', label: 'cacheable' },
  { contender: 'bentocache', label: 'bentocache' },
];

/** Bytes per entry over key and value, for 1,000,000 small entries (quick: 100,000), each in a process of its own. */
export async function measure({ quick, options, onScenario, only }) {
  const entries = quick ? 100_000 : 1_000_000;
  const cells = [];
  for (const { contender, label, tags } of CONTENDERS.filter((one) => only === undefined || only.includes(one.label))) {
    const one = new MeasuredProcess(
      'memory',
      { contender, entries, tags },
      {
        ...options,
        execArgv: ['--expose-gc', '--max-old-space-size=4096'],
      },
    );
    try {
      const { over, alone } = await one.ask('fill');
      cells.push({ contender: label, ...spread([over]), withKeyAndValue: over + alone });
    } finally {
      await one.close();
    }
  }
  const base = cells[0].median;
  onScenario({
    name: 'entry',
    title: `Bytes per entry over key and value, ${entries.toLocaleString('en')} entries`,
    unit: 'B',
    reference: 'Map',
    cells: cells.map((cell) => ({ ...cell, ratio: base / cell.median })),
  });
}
