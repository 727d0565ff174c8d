import { interleave } from '../harness/interleave.mjs';

const CURVES = [
  {
    name: 'hit',
    title: 'A hit, by entries resident',
    sizes: [1_000, 10_000, 100_000, 1_000_000],
    contenders: ['strata', 'lru-cache', 'await Map.get'],
  },
  {
    name: 'tag',
    title: 'Invalidating a tag, by entries that carry it',
    sizes: [10, 1_000, 100_000, 1_000_000],
    contenders: ['strata'],
    tagged: true,
  },
];

/** Costs that must not grow with size. 1.0 is the smallest size of the same contender. */
export async function measure({ quick, rounds, options, onScenario }) {
  const roundMs = quick ? 30 : 150;
  for (const { name, title, sizes, contenders, tagged = false } of CURVES) {
    for (const contender of contenders) {
      const cells = sizes
        .filter((entries) => !quick || entries < 1_000_000)
        .map((entries) => ({ contender, entries, roundMs, tagged }));
      const measured = await interleave({ work: 'scale', cells, rounds, options });
      const [smallest] = measured;
      onScenario({
        name: `${name}, ${contender}`,
        title: `${title}: ${contender}`,
        curve: name,
        reference: `${sizes[0]} entries`,
        cells: measured.map((cell, index) => ({
          ...cell,
          contender: sizes[index].toLocaleString('en'),
          size: sizes[index],
          ratio: smallest.median / cell.median,
        })),
      });
    }
  }
}
