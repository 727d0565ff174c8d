import { readFileSync, readdirSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.data']);
const LAW_FIXTURES = 'test/fixtures/laws';
const TEST_FILE = /\.(spec|int-spec|e2e-spec|contract|test-d)\.[cm]?ts$/;

/**
 * Every TypeScript and JavaScript file below `root` as `{ path, isTest, lib, inLib, ast }`, paths with forward slashes.
 * The fixtures that break the laws on purpose are left out, unless `root` is one of them.
 */
export function sourceFiles(root) {
  const found = [];
  const walk = (folder) => {
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      const full = join(folder, item.name);
      const path = relative(root, full).split(sep).join(posix.sep);
      if (item.isDirectory()) {
        if (!SKIPPED_FOLDERS.has(item.name) && path !== LAW_FIXTURES) walk(full);
      } else if (/\.[cm]?[jt]s$/.test(item.name) && !item.name.endsWith('.d.ts')) {
        found.push(describe(path, full));
      }
    }
  };
  walk(root);
  return found;
}

function describe(path, full) {
  const inLib = /^libs\/([^/]+)\/src\/(.+)$/.exec(path);
  let ast;
  return {
    path,
    isTest: TEST_FILE.test(path),
    lib: inLib?.[1],
    inLib: inLib?.[2],
    get ast() {
      return (ast ??= ts.createSourceFile(path, readFileSync(full, 'utf8'), ts.ScriptTarget.Latest, true));
    },
  };
}

/** The one-based line of a node, for messages. */
export function lineOf(file, node) {
  return file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line + 1;
}

/** Calls `visit` for every node of the file, outermost first. */
export function visitAll(file, visit) {
  const step = (node) => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(file.ast);
}
