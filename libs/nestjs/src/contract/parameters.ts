/**
 * The names of a function's parameters, as it was written: `['product', 'id']`. One that is taken apart (`{ id }`) has the name `''`, so that
 * its members stand for themselves.
 */
export function parameterNames(callback: (...args: never[]) => unknown): readonly string[] {
  const source = Function.prototype.toString.call(callback);
  const single = /^(?:async\s+)?([\w$]+)\s*=>/.exec(source)?.[1];
  if (single !== undefined) return [single];
  return topLevel(parameterList(source)).map((parameter) => /^\s*(?:\.{3}\s*)?([\w$]+)/.exec(parameter)?.[1] ?? '');
}

/** What stands between the first parenthesis and the one that closes it. */
function parameterList(source: string): string {
  const start = source.indexOf('(');
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    depth += depthOf(source[at]);
    if (depth === 0) return source.slice(start + 1, at);
  }
  return '';
}

/** The parts between commas that stand in no bracket. */
function topLevel(list: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of list) {
    depth += depthOf(character);
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.filter((part) => part.trim() !== '');
}

function depthOf(character: string | undefined): number {
  if (character === '(' || character === '[' || character === '{') return 1;
  return character === ')' || character === ']' || character === '}' ? -1 : 0;
}

/** Whether a function chooses by values: what it returns for one is then not what it returns for all. */
export function chooses(callback: (...args: never[]) => unknown): boolean {
  const source = Function.prototype.toString.call(callback);
  return /\?(?!\.)|&&|\|\||\b(if|switch|for|while|try)\b/.test(source.replace(/'[^'\n]*'|"[^"\n]*"/g, "''"));
}
