import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The name of the application: of the nearest `package.json` with a name, upwards from the working directory, else what npm says it runs.
 * Undefined when there is neither.
 */
export function packageName(from: string = process.cwd()): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'));
    if (name !== undefined) return name;
    if (dirname(folder) === folder) return process.env['npm_package_name'] || undefined;
  }
}

function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined; // absent or no JSON: the next folder up may have one
  }
}
