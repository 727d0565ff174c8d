import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { HttpCache, Precondition, Strata } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from '../http/hosts.js';

const SECRET = 'bearer-6cc1';

@Controller()
class Pages {
  @Get('plain')
  @HttpCache()
  plain(): object {
    return { a: 1 };
  }

  @Get('version')
  @HttpCache({ scope: 'public', maxAge: '1m', version: () => 1, etag: 'strong' })
  version(): object {
    return { version: 1 };
  }

  @Put('version')
  @Precondition({ version: () => 1 })
  write(@Body() _body: unknown): object {
    return {};
  }

  @Get('stored/:id')
  @HttpCache({ scope: 'public', maxAge: '1m', staleWhileRevalidate: '10m', store: true })
  stored(@Param('id') id: string): object {
    return { id };
  }
}

type Step = readonly [
  what: string,
  path: string,
  options: { method?: string; headers?: Record<string, string> },
  counted: string,
];

describe.each(HOSTS)('HTTP responses are counted on %s', (host) => {
  let app: HttpApp;
  let strata: Strata;
  let tag: string;
  let version: string;
  const counted = (): Record<string, number> =>
    Object.fromEntries(
      [...strata.counts()]
        .filter(({ name }) => name === 'responses')
        .map(({ labels, value }) => [labels.join(' '), value]),
    );
  beforeAll(async () => {
    app = await startApp(host, { controllers: [Pages] });
    strata = app.get(Strata as never as new () => Strata);
    tag = String((await app.send('/plain')).headers.etag);
    version = String((await app.send('/version')).headers.etag);
  });
  afterAll(() => app.close());

  it('by what the cache did, and why', async () => {
    const steps: readonly Step[] = [
      ['no store: the handler', '/plain', {}, 'pass policy'],
      ['the tag of its bytes', '/plain', { headers: { 'if-none-match': tag } }, '304 handler'],
      ['the version', '/version', { headers: { 'if-none-match': version } }, '304 version'],
      [
        'a write that expects another state',
        '/version',
        { method: 'PUT', headers: { 'if-match': '"0"' } },
        '412 write',
      ],
      ['a write', '/version', { method: 'PUT' }, 'pass write'],
      ['a cold page', '/stored/1', {}, 'miss uri-miss'],
      ['a warm page', '/stored/1', {}, 'hit fresh'],
      ['somebody who is logged in', '/stored/1', { headers: { authorization: SECRET } }, 'bypass authorization'],
    ];
    for (const [what, path, options, expected] of steps) {
      const before = counted();
      await app.send(path, options);
      const after = counted();
      const changed = Object.keys(after).filter((label) => after[label] !== before[label]);
      expect([what, changed]).toEqual([what, [expected]]);
      expect(after[expected] - (before[expected] ?? 0)).toBe(1);
    }
    await app.clock.advance(61_000);
    const before = counted();
    await app.send('/stored/1');
    await app.clock.advance(10);
    expect(counted()['hit stale'] - (before['hit stale'] ?? 0)).toBe(1);
    expect(JSON.stringify([...strata.counts()])).not.toContain(SECRET);
  });
});
