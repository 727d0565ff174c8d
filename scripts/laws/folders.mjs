const FORBIDDEN = new Set([
  'utils',
  'util',
  'helpers',
  'common',
  'shared',
  'types',
  'interfaces',
  'domain',
  'infrastructure',
]);

/** Law 4 (the other half, 300 code lines, is oxlint's `max-lines`): folders are nouns, and libraries are two levels deep. */
export function checkFolders(file) {
  const problems = [];
  const folders = file.path.split('/').slice(0, -1);
  const bad = folders.find((folder) => FORBIDDEN.has(folder));
  if (bad) {
    problems.push(`${file.path}: law 4: a folder named "${bad}/" holds anything; name it after what it holds`);
  }
  if (file.inLib && file.inLib.split('/').length > 2) {
    problems.push(`${file.path}: law 4: deeper than libs/<lib>/src/<room>/<file>; move it up or make it a room`);
  }
  return problems;
}
