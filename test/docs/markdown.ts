import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block of code in a document. */
export interface CodeBlock {
  readonly document: string;
  /** Line of the first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  /** Words behind the language, such as `run`. */
  readonly marks: readonly string[];
  readonly code: string;
}

/** A table behind a `<!-- table: name -->` comment: its rows, by the text of the first cell without backticks. */
export type Table = ReadonlyMap<string, readonly string[]>;

/** Every document for users, relative to the project. Generated ones are left out. */
export function documents(): readonly string[] {
  const inDocs = readdirSync(`${project}docs`).filter(
    (name) => name.endsWith('.md') && !['proof.md', 'faults.md'].includes(name),
  );
  const readmes = ['libs', 'apps'].flatMap((folder) =>
    readdirSync(`${project}${folder}`).map((name) => `${folder}/${name}/README.md`),
  );
  return [
    'README.md',
    'CONTRIBUTING.md',
    ...inDocs.map((name) => `docs/${name}`),
    ...readmes.filter((name) => existsSync(project + name)),
  ];
}

export function textOf(document: string): string {
  return readFileSync(project + document, 'utf8');
}

export function codeBlocks(document: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = textOf(document).split('\n');
  for (let index = 0; index < lines.length; index++) {
    const [language, ...marks] = /^```(.+)$/.exec(lines[index])?.[1].split(/\s+/) ?? [];
    if (language !== undefined) {
      const end = lines.indexOf('```', index + 1);
      const code = lines.slice(index + 1, end).join('\n');
      blocks.push({ document, line: index + 2, language, marks, code });
      index = end;
    }
  }
  return blocks;
}

/** The text without code, where links and headings are looked for. */
export function proseOf(document: string): string {
  return textOf(document)
    .replace(/^```[^]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '');
}

export function tablesOf(document: string): ReadonlyMap<string, Table> {
  const tables = new Map<string, Table>();
  for (const [, name, rows] of textOf(document).matchAll(/<!-- table: (.+?) -->\n+((?:\|.*\n)+)/g)) {
    const cells = rows
      .trim()
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim()),
      );
    tables.set(name, new Map(cells.map(([option, ...rest]) => [option.replaceAll('`', ''), rest])));
  }
  return tables;
}
