import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const LIBRARIES = ['core', 'redis', 'nestjs', 'otel'];
const SOURCE_CONDITION = '@strata-cache/source';

/**
 * Packs every library as it is published into `destination` and returns `{ name, version, tarball, folder }` for each.
 * The libraries must be built. What the repository has and a user must not get is left out here: the private export
 * condition that points at the sources, development dependencies, tests, and output of files that no longer exist.
 */
export function packAll(destination) {
  const staging = mkdtempSync(join(tmpdir(), 'strata-pack-'));
  mkdirSync(destination, { recursive: true });
  try {
    const packed = LIBRARIES.map((library) => {
      const manifest = stage(library, join(staging, library));
      return { name: manifest.name, version: manifest.version, manifest };
    });
    const folders = LIBRARIES.map((library) => join(staging, library));
    const args = ['pack', '--json', '--loglevel=error', '--ignore-scripts', '--pack-destination', destination];
    const output = execFileSync('npm', [...args, ...folders], { cwd: staging, encoding: 'utf8' });
    const reports = Object.values(JSON.parse(output)); // an array up to npm 11, an object by name from npm 12 on
    return packed.map(({ name, version, manifest }) => {
      const report = reports.find((one) => one.name === name);
      if (!report) throw new Error(`npm pack said nothing about ${name}: ${output}`);
      const files = report.files.map((file) => file.path);
      return { name, version, manifest, files, tarball: join(destination, report.filename.replace(/^@|\//g, dash)) };
    });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function dash(part) {
  return part === '/' ? '-' : '';
}

function stage(library, folder) {
  const home = join(project, 'libs', library);
  const source = join(home, 'src');
  const dist = join(home, 'dist');
  if (!existsSync(join(dist, 'index.js'))) throw new Error(`libs/${library} is not built: run npm run build`);
  mkdirSync(folder, { recursive: true });
  cpSync(dist, join(folder, 'dist'), { recursive: true, filter: (path) => hasSource(path, dist, source) });
  // The maps point at ../src: with the sources beside them, stack traces and "go to definition" lead somewhere.
  cpSync(source, join(folder, 'src'), { recursive: true, filter: (path) => !isTest(path) });
  copyFileSync(join(project, 'LICENSE'), join(folder, 'LICENSE'));
  if (existsSync(join(home, 'README.md'))) copyFileSync(join(home, 'README.md'), join(folder, 'README.md'));
  const manifest = publishable(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function isTest(path) {
  return /\.(spec|test-d|contract)\.ts$/.test(path);
}

/** `tsc -b` never deletes: output whose source was renamed stays in dist, and must stay out of the package. */
function hasSource(path, dist, source) {
  const output = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(path);
  if (!output) return !path.endsWith('.tsbuildinfo');
  const origin = `${source}${output[1].slice(dist.length)}.ts`;
  return existsSync(origin) && !isTest(origin);
}

function publishable({ devDependencies: _devDependencies, ...manifest }) {
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([entry, target]) => [entry, withoutCondition(target)]),
  );
  return { ...manifest, exports, files: ['dist', 'src', 'README.md', 'LICENSE'] };
}

function withoutCondition(target) {
  if (typeof target === 'string') return target;
  return Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== SOURCE_CONDITION));
}

if (process.argv[1] === import.meta.filename) {
  for (const { tarball, files } of packAll(resolve(process.argv[2] ?? join(project, 'dist/packages')))) {
    console.log(`${tarball} (${files.length} files)`);
  }
}
