/** The versions of a product that an editor has seen, of which one must still be the current one; `'any'`: whatever there is. */
export type SeenVersions = readonly number[] | 'any';

/**
 * Reads the versions out of `If-Match`: the entity tags of a product are made of its version, `"7~x8Kq..."` is the seventh. Whether they
 * hold has been checked before the handler runs; they are needed again where the row is written.
 */
export function seenVersions(ifMatch: string | undefined): SeenVersions {
  if (ifMatch === undefined || ifMatch.trim() === '*') return 'any';
  return [...ifMatch.matchAll(/"(\d{1,15})(?:~[^"]*)?"/g)].map(([, version]) => Number(version));
}
