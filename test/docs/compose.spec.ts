import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../', import.meta.url));

function compose(...args: string[]): string {
  return execFileSync('docker-compose', ['-f', `${project}docker-compose.yml`, 'config', ...args], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('docker-compose.yml', () => {
  it('is valid for docker-compose', () => {
    expect(compose('-q')).toBe('');
  });

  it('starts every server, two catalogue instances and pricing', () => {
    expect(compose('--services').trim().split('\n').sort()).toEqual(
      ['catalog-1', 'catalog-2', 'mosquitto', 'nats', 'postgres', 'pricing', 'rabbitmq', 'redis'].sort(),
    );
  });

  it('publishes the catalogue on 3001 and 3002', () => {
    const text = compose();
    expect(text).toMatch(/3001/);
    expect(text).toMatch(/3002/);
  });

  it.each(['catalog', 'pricing'])('has a Dockerfile for %s that copies only what is in the repository', (app) => {
    const text = readFileSync(`${project}apps/${app}/Dockerfile`, 'utf8');
    const copied = [...text.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, paths]) => paths.split(' ').slice(0, -1));
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) expect([path, existsSync(project + path)]).toEqual([path, true]);
    expect(text).toContain(`CMD ["node", "apps/${app}/dist/main.js"]`);
    expect(text).toMatch(/^USER node$/m);
  });

  it('leaves no library out of the images', () => {
    const manifests = Object.keys(JSON.parse(readFileSync(`${project}package-lock.json`, 'utf8')).packages);
    const workspaces = manifests.filter((path) => /^(libs|apps)\/[^/]+$/.test(path));
    const text = readFileSync(`${project}apps/catalog/Dockerfile`, 'utf8');
    for (const path of workspaces) expect(text).toContain(`COPY ${path}/package.json ${path}/`);
  });
});
