import { NOT_APPLICABLE, REFUSED, type LeftOut } from './left-out.js';
import { OPTIONAL_MISSES } from './misses.js';
import type { Verdict } from './suite.child.js';
import { ADAPTERS, type Verdicts } from './run-suite.js';

const TITLES = { express: 'Express', fastify: 'Fastify' } as const;
const KINDS = [
  ['required', 'required by the RFCs'],
  ['optimal', 'optional: allowed, and better for clients'],
  ['check', 'informational: neither is wrong'],
] as const;

/** Docs page of a run. It holds nothing that differs from run to run, so that a test can compare it with its own. */
export function conformanceDocument(verdicts: Verdicts): string {
  const all = verdicts.express;
  const rows = KINDS.map(([kind, meaning]) => {
    const cells = ADAPTERS.map((adapter) => {
      const ofKind = verdicts[adapter].filter((verdict) => verdict.kind === kind);
      return `${ofKind.filter(({ passed }) => passed).length} of ${ofKind.length}`;
    });
    return `| ${meaning} | ${cells.join(' | ')} |`;
  });
  const groups = [...new Set(all.map(({ group }) => group))].map((group) => {
    const cells = KINDS.slice(0, 2).map(([kind]) => {
      const ofKind = all.filter((verdict) => verdict.group === group && verdict.kind === kind);
      return ofKind.length === 0
        ? ''
        : ADAPTERS.map((adapter) => `${passedOf(verdicts[adapter], ofKind)}`).join(' / ') + ` of ${ofKind.length}`;
    });
    return `| ${group} | ${cells.join(' | ')} |`;
  });
  const total = NOT_APPLICABLE.reduce((sum, { ids }) => sum + ids.length, 0);
  return `# HTTP conformance

Written by \`npm run prove -- conformance\`; not edited by hand. Every \`npm test\` runs the suite and compares this page with
its own verdicts.

The [suite](https://cache-tests.fyi) of the HTTP community (http-tests/cache-tests, commit \`b55b8bd\`, BSD-3-Clause, see
\`test/conformance/vendor\`) tests HTTP caches against RFC 9110, 9111 and 5861. Here it tests the store of \`@HttpCache\`, in front of a Nest handler that asks
the suite's origin server and passes on what it says. The store obeys what responses say about themselves
(\`test/conformance/store-app.ts\`): \`scope: 'public'\` with a \`grace\` of an hour and every error status allowed, requests with credentials
judged by RFC 9111 alone (\`shareAuthenticated\`), request directives honoured. By default it is stricter in the last two.

|                                        | Express | Fastify |
| -------------------------------------- | ------- | ------- |
${rows.join('\n')}

## By group

Passed on Express / on Fastify.

| group | required | optional |
| ----- | -------- | -------- |
${groups.join('\n')}

## Optional tests that are missed

| test | why |
| ---- | --- |
${missRows(verdicts).join('\n')}

## What it does where the RFCs leave the choice

| test | does |
| ---- | ---- |
${all
  .filter(({ kind }) => kind === 'check')
  .map(
    ({ id, name }) => `| \`${id}\` ${name} | ${ADAPTERS.map((adapter) => yesNo(verdicts[adapter], id)).join(' / ')} |`,
  )
  .join('\n')}

## Tests left out

${REFUSED.reduce((sum, { ids }) => sum + ids.length, 0)} are refused, and ${total} need a cache between two servers or in a browser.

${[...REFUSED, ...NOT_APPLICABLE].map(leftOut).join('\n')}
`;
}

function passedOf(verdicts: readonly Verdict[], wanted: readonly Verdict[]): number {
  const ids = new Set(wanted.map(({ id }) => id));
  return verdicts.filter(({ id, passed }) => passed && ids.has(id)).length;
}

function yesNo(verdicts: readonly Verdict[], id: string): string {
  const verdict = verdicts.find((one) => one.id === id);
  return verdict?.passed === true ? 'yes' : 'no';
}

function missRows(verdicts: Verdicts): readonly string[] {
  return verdicts.express
    .filter(({ kind }) => kind === 'optimal')
    .filter(({ id }) => ADAPTERS.some((adapter) => yesNo(verdicts[adapter], id) === 'no'))
    .map(({ id, name }) => {
      const missing = ADAPTERS.filter((adapter) => yesNo(verdicts[adapter], id) === 'no').map((name_) => TITLES[name_]);
      const where = missing.length === ADAPTERS.length ? '' : ` (${missing.join()} only)`;
      return `| \`${id}\`${where} ${name} | ${OPTIONAL_MISSES[id] ?? 'not explained yet'} |`;
    });
}

function leftOut({ reason, ids }: LeftOut): string {
  return `- ${ids.length} of a kind: ${reason}.`;
}
