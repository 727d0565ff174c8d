/** The versions of a product that an editor has seen, of which one must still be the current one; `'any'`: whatever there is. */
export type SeenVersions = readonly number[] | 'any';

/** Of an integer column: PostgreSQL refuses to compare it with more. */
const LARGEST = 2 ** 31 - 1;

/**
 * Reads the versions out of `If-Match`: the entity tags of a product are made of its version, `"7~x8Kq..."` is the seventh. Whether they
 * hold has been checked before the handler runs; they are needed again where the row is written.
 */
export function seenVersions(ifMatch: string | undefined): SeenVersions {
  if (ifMatch === undefined || ifMatch.trim() === '*') return 'any';
  const versions = [...ifMatch.matchAll(/"(\d{1,10})(?:~[^"]*)?"/g)].map(([, version]) => Number(version));
  return versions.filter((version) => version <= LARGEST);
}
