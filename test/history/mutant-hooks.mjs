import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import { SWC_SETTINGS } from '../support/swc-settings.mjs';

let patches = [];

/** Handed over by register-mutant.mjs: `[{ file, find, replace }]`, the file as an URL. */
export function initialize(given) {
  patches = given;
}

/** Applies the patches to the text on its way into the process; the file itself is never touched. */
export async function load(url, context, next) {
  const [path] = url.split('?');
  const mine = patches.filter(({ file }) => file === path);
  if (mine.length === 0) return next(url, context);
  const filename = fileURLToPath(path);
  let text = readFileSync(filename, 'utf8');
  for (const { find, replace } of mine) text = applyOnce(text, find, replace, filename);
  const { code } = await transform(text, { ...SWC_SETTINGS, filename });
  return { format: 'module', source: code, shortCircuit: true };
}

/** A patch that matches nowhere, or twice, would prove nothing: the process ends. */
function applyOnce(text, find, replace, filename) {
  const matches = text.split(find).length - 1;
  if (matches !== 1)
    throw new Error(`mutant: expected its pattern once in ${filename}, found it ${matches} times: ${find}`);
  return text.split(find).join(replace);
}
