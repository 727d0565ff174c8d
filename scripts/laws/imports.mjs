import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, visitAll } from './source-files.mjs';

/**
 * Law 1: the arrows of the house. `everywhere` may be imported by any file of the library; `entries` names the folders
 * that are package entries of their own and what each may import besides, so that an optional peer is reached only
 * through its own entry. Specifiers are exact: a deep import into another package is a different, unlisted one.
 */
const ARROWS = {
  core: { everywhere: [], entries: { testing: [] } },
  redis: {
    everywhere: ['@strata-cache/core', 'ioredis'],
    entries: { testing: ['@strata-cache/core/testing'] },
  },
  nestjs: {
    everywhere: ['@strata-cache/core', '@nestjs/common', '@nestjs/core', 'rxjs', 'rxjs/operators', 'reflect-metadata'],
    entries: {
      microservices: ['@nestjs/microservices'],
      terminus: ['@nestjs/terminus'],
      schedule: ['@nestjs/schedule'],
      'event-emitter': ['@nestjs/event-emitter'],
      cqrs: ['@nestjs/cqrs'],
      testing: ['@nestjs/testing', '@strata-cache/core/testing'],
    },
  },
  otel: { everywhere: ['@strata-cache/core', '@opentelemetry/api'], entries: {} },
};

/** What the tests beside a library's sources may import on top: tools and hosts, never another satellite. */
const TEST_TOOLS = [
  '@jest/globals',
  'fast-check',
  'supertest',
  'reflect-metadata',
  'class-transformer',
  'class-validator',
  '@nestjs/testing',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  '@nestjs/microservices',
  '@strata-cache/core/testing',
  'http-cache-semantics',
  'structured-headers',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/context-async-hooks',
];

const BUILTINS = new Set(builtinModules.map((name) => `node:${name}`));

/** Every module specifier of a file, type-only, dynamic and `require` ones included. */
function* specifiers(file) {
  const found = [];
  const take = (node, literal) => {
    if (literal && ts.isStringLiteralLike(literal)) found.push({ line: lineOf(file, node), text: literal.text });
  };
  visitAll(file, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) take(node, node.moduleSpecifier);
    else if (ts.isImportTypeNode(node)) take(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : null);
    else if (ts.isExternalModuleReference(node)) take(node, node.expression);
    else if (ts.isCallExpression(node)) {
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
      if (isRequire || node.expression.kind === ts.SyntaxKind.ImportKeyword) take(node, node.arguments[0]);
    }
  });
  yield* found;
}

/** Law 1: a library imports only what its arrow allows. Applications, tests and scripts may import every library. */
export function checkArrows(file) {
  if (!file.lib) return [];
  const arrow = ARROWS[file.lib];
  if (!arrow) return [`${file.path}: law 1: library "${file.lib}" has no arrow; add one to scripts/laws/imports.mjs`];
  const home = entryOf(arrow, file.inLib);
  const allowed = [...arrow.everywhere, ...(arrow.entries[home] ?? []), ...(file.isTest ? TEST_TOOLS : [])];
  const problems = [];
  for (const { line, text } of specifiers(file)) {
    const report = (what) => problems.push(`${file.path}:${line}: law 1: ${what}`);
    if (!text.startsWith('.')) {
      if (BUILTINS.has(text) || allowed.includes(text)) continue;
      if (text === `@strata-cache/${file.lib}`) continue; // law 3 speaks about that one
      report(`"${text}" may not be imported ${home ? `from the entry ${home}/ of` : 'by'} libs/${file.lib}`);
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(file.inLib), text));
    const entry = entryOf(arrow, target);
    const isSupport = file.isTest && posix.join(posix.dirname(file.path), text).startsWith('test/');
    if (isSupport) continue;
    if (target.startsWith('..')) report(`"${text}" leaves libs/${file.lib}/src; import the other library by its name`);
    else if (entry && entry !== home && !file.isTest)
      report(`"${text}" pulls the entry ${entry}/ of libs/${file.lib}, with its optional peer, into another entry`);
  }
  return problems;
}

function entryOf(arrow, pathInLib) {
  const folder = pathInLib.split('/')[0];
  return Object.hasOwn(arrow.entries, folder) ? folder : undefined;
}

/** Law 3: a barrel is for the readers outside; inside its own package nobody imports it, tests included. */
export function checkBarrels(file) {
  const home = /^(libs|apps)\/([^/]+)\//.exec(file.path);
  if (!home) return [];
  const own = `@strata-cache/${file.lib}`;
  const problems = [];
  for (const { line, text } of specifiers(file)) {
    const isBarrel = /^\.{1,2}(\/(.*\/)?index(\.[cm]?[jt]s)?|\/|\/\.\.)?$/.test(text);
    const isOwnName = home[1] === 'libs' && (text === own || text.startsWith(`${own}/`));
    if (isBarrel || isOwnName) {
      problems.push(`${file.path}:${line}: law 3: "${text}" is the own index.ts; import the file that holds the name`);
    }
  }
  return problems;
}
