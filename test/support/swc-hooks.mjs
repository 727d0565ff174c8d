import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import { SWC_SETTINGS } from './swc-settings.mjs';

const OURS = /^file:(?!.*\/node_modules\/)/;
const TYPESCRIPT = /\.ts$/;

/** Sources name each other with `.js`, as TypeScript wants it: the `.ts` beside it is meant, unless there is a `.js`. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    const relative = /^\.{1,2}\/.*\.js$/.test(specifier) || /^file:.*\.js$/.test(specifier);
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !relative) throw error;
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
}

export async function load(url, context, next) {
  const [path] = url.split('?');
  if (!OURS.test(path) || !TYPESCRIPT.test(path)) return next(url, context);
  const filename = fileURLToPath(path);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...SWC_SETTINGS, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
