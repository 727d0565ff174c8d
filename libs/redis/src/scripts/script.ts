import { createHash } from 'node:crypto';

/** A Lua script and the digest Redis keeps it under. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

/** Scripts are constants: data reaches them in KEYS and ARGV only. */
export function script(name: string, ...parts: readonly string[]): Script {
  const lua = parts.join('\n');
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}
