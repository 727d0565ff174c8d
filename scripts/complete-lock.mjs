import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Adds to package-lock.json the optional packages of other platforms that `npm install` left out. A registry mirror that
 * holds only some platforms makes npm drop the rest from the lock file, silently, and `npm ci` then refuses that very
 * file. Run it after each `npm install` behind such a mirror; elsewhere it finds nothing to do.
 * Usage: node scripts/complete-lock.mjs [folder]
 */
const path = join(resolve(process.argv[2] ?? '.'), 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const packages = lock.packages;
const added = {};

for (const [parent, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isResolved(parent, name)) continue;
    if (!/^\d/.test(version))
      throw new Error(`${name}@${version} of ${parent} is a range: only exact versions can be added`);
    const { os, cpu, libc } = platformOf(name);
    const dev = entry.dev ? { dev: true } : {};
    added[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...dev,
      optional: true,
      os: [os],
      ...(libc && { libc: [libc] }),
    };
  }
}

/** Node looks for a package in the folder of its user and in every folder above. */
function isResolved(parent, name) {
  for (let base = parent; ;) {
    if (packages[`${base ? `${base}/` : ''}node_modules/${name}`]) return true;
    if (base === '') return false;
    base = base.includes('/node_modules/') ? base.slice(0, base.lastIndexOf('/node_modules/')) : '';
  }
}

/** The platform in a name such as `@swc/core-linux-arm64-musl`; the published manifest says the same. */
function platformOf(name) {
  const found =
    /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/.exec(
      name,
    );
  if (!found) throw new Error(`${name}: no platform in the name`);
  const [, os, cpu, abi] = found;
  const libc = os !== 'linux' || !abi || cpu === 'arm' ? undefined : abi === 'musl' ? 'musl' : 'glibc';
  return { os, cpu, libc };
}

const names = Object.keys(added);
if (names.length > 0) {
  lock.packages = Object.fromEntries(Object.entries({ ...packages, ...added }).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`package-lock.json: ${names.length} optional packages of other platforms added`);
