import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { documents, project, proseOf, textOf } from './markdown.js';

/** As GitHub makes them from headings. */
function anchorsOf(document: string): readonly string[] {
  const headings = [
    ...textOf(document)
      .replace(/^```[^]*?^```$/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ];
  return headings.map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

function deadLinks(document: string): readonly string[] {
  const links = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [path, anchor] = link.split('#');
    const target = path === '' ? document : relative(project, resolve(project, dirname(document), path));
    if (!existsSync(project + target)) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

describe('documents', () => {
  it.each(documents())('%s links to files and headings that exist', (document) => {
    expect(deadLinks(document)).toEqual([]);
  });

  it.each(documents())('%s names no path of somebody’s machine', (document) => {
    expect(textOf(document)).not.toMatch(/(^|[\s"'`(])\/(home|work|tmp|Users|root)\//m);
  });

  it('every library and every guide is reachable from the README', () => {
    const readme = textOf('README.md');
    for (const document of documents().filter((name) => name.startsWith('docs/') || name.startsWith('libs/'))) {
      expect([document, readme.includes(`(${document})`)]).toEqual([document, true]);
    }
  });

  it('the README’s two commands exist', () => {
    const readme = textOf('README.md');
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    for (const [command, script] of [
      ['npm ci && npm start', 'start'],
      ['npm ci && npm test', 'test'],
    ]) {
      expect(readme).toContain(command);
      expect(scripts).toHaveProperty(script);
    }
  });
});
