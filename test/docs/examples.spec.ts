import 'reflect-metadata';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { codeBlocks, documents, project, type CodeBlock } from './markdown.js';

/** Git, prettier and the linter leave `.data` alone, and the type check of the whole leaves out folders with a dot. One per run, for two may overlap. */
const folder = `${project}test/docs/.data/${process.pid}`;

interface Example extends CodeBlock {
  readonly name: string;
  readonly file: string;
}

/**
 * Every `ts` block of a document becomes a module in a folder of the document: named by its first line when that is a comment such as
 * `// product.cache.ts`, so that later blocks can import it. Blank lines in front make line numbers those of the document.
 */
const examples: readonly Example[] = documents().flatMap((document) =>
  codeBlocks(document)
    .filter(({ language }) => language === 'ts' || language === 'typescript')
    .map((block) => {
      const named = /^\/\/ ([\w.-]+\.ts)\n/.exec(block.code)?.[1];
      const file = `${folder}/${document.replace(/\W/g, '-')}/${named ?? `line-${block.line}.ts`}`;
      return { ...block, file, name: `${document}:${block.line}` };
    }),
);

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const { file, line, code } of examples) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${'\n'.repeat(line - 1)}${code}\n\nexport {};\n`);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function typeErrors(): readonly string[] {
  const config = ts.readConfigFile(`${project}tsconfig.json`, (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: [], files: [] }, ts.sys, project);
  const program = ts.createProgram(
    examples.map(({ file }) => file),
    { ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
  );
  return examples.flatMap(({ file, document }) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText, start = 0 }) => {
      const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
      return `${document}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

describe('TypeScript examples of the documents', () => {
  it('exist, under different names', () => {
    expect(examples.length).toBeGreaterThan(20);
    expect(new Set(examples.map(({ file }) => file)).size).toBe(examples.length);
  });

  it('compile with the settings of the project', () => {
    expect(typeErrors()).toEqual([]);
  }, 120_000);

  it.each(examples.filter(({ marks }) => marks.includes('run')))('$name runs', async ({ file }) => {
    await import(file);
  });
});
