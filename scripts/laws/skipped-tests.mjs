import ts from 'typescript';
import { lineOf, visitAll } from './source-files.mjs';

const RUNNERS = new Set(['it', 'test', 'describe', 'fit', 'fdescribe', 'xit', 'xtest', 'xdescribe']);
const SHORTHANDS = new Set(['fit', 'fdescribe', 'xit', 'xtest', 'xdescribe']);
const MODIFIERS = new Set(['skip', 'only', 'todo', 'failing']);

/** No test is skipped, singled out or left for later: a test that cannot run is a failure, not a silence. */
export function checkSkippedTests(file) {
  if (!file.isTest) return [];
  const problems = [];
  visitAll(file, (node) => {
    const name = nameOfRunner(node);
    if (name) problems.push(`${file.path}:${lineOf(file, node)}: skipped test: "${name}" is not allowed`);
  });
  return problems;
}

function nameOfRunner(node) {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && SHORTHANDS.has(node.expression.text)) {
    return node.expression.text;
  }
  if (!ts.isPropertyAccessExpression(node) || !MODIFIERS.has(node.name.text)) return undefined;
  let root = node.expression;
  while (ts.isPropertyAccessExpression(root)) root = root.expression;
  return ts.isIdentifier(root) && RUNNERS.has(root.text) ? `${root.text}.${node.name.text}` : undefined;
}
