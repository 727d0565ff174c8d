import ts from 'typescript';
import { lineOf, visitAll } from './source-files.mjs';

const HANDLERS = new Set(['then', 'catch', 'finally']);

/**
 * Law 5 (with oxlint's `no-floating-promises`): in a library, work that nobody awaits goes through the `background`
 * room, which tracks it. `void promise` or a bare `promise.catch(...)` satisfies a type checker and is lost at shutdown.
 *
 * Two forms are not detached, because somebody learns of either outcome: a chain inside `new Promise(...)`, which is how
 * the new promise gets settled, and a continuation `.then(onValue, onError)` whose `onError` does something.
 */
export function checkDetached(file) {
  if (!file.lib || file.isTest || /(^|\/)background(\/|\.ts$)/.test(file.inLib)) return [];
  const problems = [];
  visitAll(file, (node) => {
    if (!ts.isExpressionStatement(node)) return;
    const expression = ts.skipParentheses(node.expression);
    if (isVoid(expression) || (isChain(expression) && !tellsBothOutcomes(expression) && !settlesPromise(node))) {
      problems.push(`${file.path}:${lineOf(file, node)}: law 5: detached work goes through the background room`);
    }
  });
  return problems;
}

function isVoid(expression) {
  return ts.isVoidExpression(expression) && !ts.isNumericLiteral(expression.expression);
}

function isChain(expression) {
  return (
    ts.isCallExpression(expression) &&
    ts.isPropertyAccessExpression(expression.expression) &&
    HANDLERS.has(expression.expression.name.text)
  );
}

function tellsBothOutcomes(call) {
  const [, onError] = call.arguments;
  return call.expression.name.text === 'then' && onError !== undefined && !doesNothing(onError);
}

function doesNothing(handler) {
  if (!ts.isArrowFunction(handler) && !ts.isFunctionExpression(handler)) return false;
  const { body } = handler;
  if (ts.isBlock(body)) return body.statements.length === 0;
  return ts.isVoidExpression(body) || (ts.isIdentifier(body) && body.text === 'undefined');
}

function settlesPromise(node) {
  for (let one = node.parent; one; one = one.parent) {
    const isExecutor = ts.isFunctionLike(one) && ts.isNewExpression(one.parent);
    if (isExecutor && one.parent.expression.getText() === 'Promise') return true;
  }
  return false;
}
