import type { CacheContractEntry, ContractClearing } from './contract-entry.js';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** The contract as a page of Markdown. */
export function contractPage(entries: readonly CacheContractEntry[]): string {
  return [
    '# Caches',
    '',
    'Written by `npm run contract` from the code; not edited by hand. What is done at run time through an injected cache',
    'cannot be seen: a class marked "injected" may also write to the cache and clear it.',
    '',
    ...overview(entries),
    '',
    '## What clears them, and who reads them',
    '',
    'Thick lines: at once, by key, tag or all; dotted lines: expired, and still usable as a stale value. Boxes with a double frame are events.',
    '',
    '```mermaid',
    'flowchart LR',
    ...diagram(entries),
    '```',
    '',
    ...entries.flatMap(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function overview(entries: readonly CacheContractEntry[]): readonly string[] {
  const rows = entries.map((entry) => [
    `[${cell(entry.name)}](#${anchor(entry.name)})`,
    cell(entry.owner),
    String(entry.version),
    code(entry.key),
    period(entry.ttl),
    entry.grace === 0 ? '-' : period(entry.grace),
    entry.tags.length === 0 ? (entry.tagsAreComplete ? '-' : 'computed') : entry.tags.map(code).join(', '),
    entry.expectedHitRatio === undefined ? '-' : `${Number((entry.expectedHitRatio * 100).toFixed(2))} %`,
  ]);
  return table(['cache', 'owner', 'version', 'key', 'fresh', 'then stale', 'tags', 'expected hits'], rows);
}

function section(entry: CacheContractEntry): readonly string[] {
  const { name, negativeTtl, consistency, readBy, clearedBy } = entry;
  const rows = clearedBy.map((one) => [
    one.kind === 'event' ? `event ${code(one.by)}` : code(one.by),
    one.effect === 'puts' ? 'stores the new value' : one.effect,
    one.target === 'all' ? 'every entry' : aimed(one),
    one.phase ?? '-',
  ]);
  const readers = readBy.map(({ by, how }) => (how === 'load' ? 'its own `load`' : `${code(by)} (${how})`));
  return [
    `### ${cell(name)}`,
    '',
    `Read by: ${readers.length === 0 ? 'nobody here' : readers.join(', ')}.`,
    ...(negativeTtl === undefined ? [] : ['', `"Not found" is remembered for ${period(negativeTtl)}.`]),
    ...(consistency === undefined ? [] : ['', `Consistency: ${consistency}.`]),
    '',
    ...(rows.length === 0
      ? [`Cleared by nothing that is declared: an entry lives for ${period(entry.ttl)}.`]
      : table(['cleared by', 'effect', 'what', 'when'], rows)),
    '',
  ];
}

function aimed({ target, what }: ContractClearing): string {
  const texts = what.map(code).join(', ');
  if (target === 'key') return texts === '' ? 'its key' : `key ${texts}`;
  return `tag ${texts}`;
}

function diagram(entries: readonly CacheContractEntry[]): readonly string[] {
  const nodes = new Map<string, string>();
  const lines: string[] = [];
  const node = (kind: string, name: string, shape: readonly [string, string]): string => {
    const known = nodes.get(`${kind} ${name}`);
    if (known !== undefined) return known;
    const id = `${kind}${nodes.size}`;
    nodes.set(`${kind} ${name}`, id);
    lines.push(`  ${id}${shape[0]}"${label(name)}"${shape[1]}`);
    return id;
  };
  for (const { name, version, readBy, clearedBy } of entries) {
    const cache = node('cache', `${name} v${version}`, ['[(', ')]']);
    for (const { kind, by, effect, target, what } of clearedBy) {
      const from = node(kind, by, kind === 'event' ? ['[[', ']]'] : ['[', ']']);
      const arrow = effect === 'expire' ? '-.->' : effect === 'puts' ? '-->' : '==>';
      const text =
        target === 'all' ? 'all' : what.length === 0 ? (effect === 'puts' ? 'puts' : 'key') : what.join(', ');
      lines.push(`  ${from} ${arrow}|"${label(text)}"| ${cache}`);
    }
    for (const { by, how } of readBy) {
      if (how === 'Cacheable' || how === 'injected') lines.push(`  ${cache} --> ${node('method', by, ['[', ']'])}`);
    }
  }
  return lines;
}

/** Aligned, as formatters leave it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((text, at) => Math.max(3, text.length, ...rows.map((row) => row[at].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, at) => text.padEnd(widths[at])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function period(ms: number): string {
  const [unit, length] = UNITS.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / length} ${unit}`;
}

/** Names and patterns come from code, but from any code: nothing of them ends a cell, a label or a line. */
function cell(text: string): string {
  return text.replace(/[\\|<>[\]*_`]/g, '\\$&').replace(/\s+/g, ' ');
}

function code(text: string): string {
  return `\`${text.replace(/`/g, "'").replace(/\|/g, '\\|').replace(/\s+/g, ' ')}\``;
}

function label(text: string): string {
  return text.replace(/[#"<>&`|]/g, (character) => `#${character.charCodeAt(0)};`).replace(/\s+/g, ' ');
}

/** As GitHub makes it from the heading. */
function anchor(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
}
