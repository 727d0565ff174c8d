import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { HttpCache, HttpCacheService, Strata, type Notice } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from './hosts.js';
import { pipeline } from './raw-request.js';

const STORED = { scope: 'public', maxAge: '1m', store: true } as const;

@Controller()
class HostileController {
  runs = 0;

  /** Does what applications do: builds links from what a proxy is trusted to say. */
  @Get('links')
  @HttpCache(STORED)
  links(@Req() request: any): object {
    this.runs++;
    const host = request.headers['x-forwarded-host'] ?? request.headers.host;
    return { self: `http://${host}/links` };
  }

  @Get('varied')
  @HttpCache({ ...STORED, vary: ['x-flag'] })
  varied(@Req() request: any): object {
    this.runs++;
    return { flag: request.headers['x-flag'] };
  }

  @Get('reduced')
  @HttpCache({ ...STORED, vary: { 'accept-language': (value) => (value?.startsWith('fr') ? 'fr' : 'en') } })
  reduced(@Req() request: any): object {
    this.runs++;
    return { lang: request.headers['accept-language']?.startsWith('fr') ? 'fr' : 'en' };
  }

  @Get('dynamic')
  @HttpCache(STORED)
  dynamic(@Req() request: any, @Res({ passthrough: true }) response: any): object {
    this.runs++;
    (response.raw ? response.header : response.setHeader).bind(response)('Vary', 'X-Flag');
    return { flag: request.headers['x-flag'] };
  }

  @Get('star')
  @HttpCache(STORED)
  star(@Res({ passthrough: true }) response: any): object {
    (response.raw ? response.header : response.setHeader).bind(response)('Vary', 'Accept, *');
    return { run: ++this.runs };
  }

  @Get('tags')
  @HttpCache({ ...STORED, tags: (context) => tagsFrom(context.switchToHttp().getRequest()) })
  tags(): object {
    return { run: ++this.runs };
  }

  @Get('version')
  @HttpCache({ version: (context) => context.switchToHttp().getRequest<any>().query.v })
  version(@Query('v') v: string): object {
    return { v };
  }

  @Get(['account', 'account/:file', 'account/:folder/:file'])
  @HttpCache(STORED)
  account(@Req() request: any): object {
    this.runs++;
    return { secretOf: request.headers.cookie ?? 'nobody' };
  }

  @Get('echo/:id')
  @HttpCache(STORED)
  echo(@Param('id') id: string): object {
    return { id, run: ++this.runs };
  }
}

function tagsFrom(request: any): string[] {
  const { many, tag } = request.query as { many?: string; tag?: string };
  return many === undefined ? [tag ?? 'plain'] : Array.from({ length: Number(many) }, (_, index) => `tag-${index}`);
}

describe.each(HOSTS)('hostile requests on %s', (host) => {
  let app: HttpApp;
  let controller: HostileController;
  const notices: Notice[] = [];
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [HostileController],
      observer: { notice: (notice) => void notices.push(notice) },
      http: { global: true, tagHeaders: ['surrogate-key', 'cache-tag', 'xkey', 'cache-groups'] },
    });
    controller = app.get(HostileController);
  });
  beforeEach(async () => {
    controller.runs = 0;
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  it.each([
    'x-forwarded-host',
    'x-host',
    'x-original-url',
    'x-rewrite-url',
    'x-forwarded-proto',
    'x-http-method-override',
  ])('what %s makes of a response is nobody else’s', async (field) => {
    const poisoned = await app.send('/links', { headers: { [field]: 'evil.example' } });
    expect(poisoned.status).toBe(200);
    const clean = await app.send('/links');
    expect(clean.body).not.toContain('evil');
    expect(controller.runs).toBe(2);
    // Whoever sends it again gets his own.
    expect((await app.send('/links', { headers: { [field]: 'evil.example' } })).body).toBe(poisoned.body);
    expect((await app.send('/links')).body).toBe(clean.body);
    expect(controller.runs).toBe(2);
  });

  it('10,000 values of a field that matters fill nothing', async () => {
    const { stored } = app.get(HttpCacheService).stats()!;
    const l1 = (): number => app.get(Strata as never as new () => Strata).stats().l1Entries;
    const before = l1();
    const flags = Array.from({ length: 10_000 }, (_, index) => String(index));
    for (let start = 0; start < flags.length; start += 1_000) {
      const batch = flags.slice(start, start + 1_000);
      const requests = batch.map((flag) => `GET /varied HTTP/1.1\r\nHost: a\r\nX-Flag: ${flag}\r\n`);
      const answers = await pipeline(app.port, requests);
      expect([...answers.matchAll(/\{"flag":"(\d+)"\}/g)].map(([, flag]) => flag)).toEqual(batch);
    }
    expect(controller.runs).toBe(10_000);
    expect(app.get(HttpCacheService).stats()!.stored - stored).toBe(32);
    expect(l1() - before).toBeLessThanOrEqual(32);
    // Those that are stored go on being answered.
    const runs = controller.runs;
    const known = await app.send('/varied', { headers: { host: 'a', 'x-flag': '3' } });
    expect(known.headers['cache-status']).toMatch(/; hit;/);
    expect(controller.runs).toBe(runs);
  }, 60_000);

  it('nor does any number of guarded fields', async () => {
    const { stored } = app.get(HttpCacheService).stats()!;
    for (let index = 0; index < 100; index++) {
      await app.send('/links', { headers: { 'x-forwarded-host': `h${index}` } });
    }
    expect(app.get(HttpCacheService).stats()!.stored - stored).toBeLessThanOrEqual(32);
  });

  it('nor of a field that only the response names', async () => {
    for (let index = 0; index < 100; index++) {
      const { body } = await app.send('/dynamic', { headers: { 'x-flag': `f${index}` } });
      expect(JSON.parse(body)).toEqual({ flag: `f${index}` });
    }
    expect(controller.runs).toBe(100);
    await app.send('/dynamic', { headers: { 'x-flag': 'f99' } });
    expect(controller.runs).toBe(100);
    await app.send('/dynamic', { headers: { 'x-flag': 'f0' } });
    expect(controller.runs).toBe(101);
  });

  it('a normalizer leaves few of many', async () => {
    for (const lang of ['fr-FR', 'fr', 'fr;q=0.9', 'de', 'en-US,en', 'xx']) {
      await app.send('/reduced', { headers: { 'accept-language': lang } });
    }
    expect(controller.runs).toBe(2);
    expect((await app.send('/reduced')).headers.vary.toLowerCase()).toContain('accept-language');
  });

  it('Vary: * is never stored', async () => {
    for (const run of [1, 2]) expect(JSON.parse((await app.send('/star')).body)).toEqual({ run });
  });

  it('tags of a request break no field', async () => {
    const tag = encodeURIComponent('a\r\nSet-Cookie: sid=1\0"\u{1f600}, b');
    const { status, headers, rawHeaders } = await app.send(`/tags?tag=${tag}`);
    expect(status).toBe(200);
    expect(headers).not.toHaveProperty('set-cookie');
    expect(rawHeaders.join('\n')).not.toMatch(/sid=1/);
    expect(headers.xkey.split(' ')).toHaveLength(2);
    expect(headers['cache-tag'].split(',')).toHaveLength(2);
  });

  it('more tags than fit are one that says so, and such a response is not stored', async () => {
    for (const run of [1, 2]) {
      const { body, headers } = await app.send('/tags?many=5000');
      expect(JSON.parse(body)).toEqual({ run });
      expect(headers['surrogate-key']).toBe('strata:too-many-tags');
      expect(headers['cache-groups']).toBe('"strata:too-many-tags"');
    }
    // 31 are stored, and carried whole.
    for (const _ of [1, 2]) {
      const { body, headers } = await app.send('/tags?many=31');
      expect(JSON.parse(body)).toEqual({ run: 3 });
      expect(headers['cache-tag'].split(',')).toHaveLength(32);
    }
    expect((await app.send('/tags?many=32')).status).toBe(200);
    expect(JSON.parse((await app.send('/tags?many=32')).body)).toEqual({ run: 5 });
    // Told once for each kind.
    const about = notices.filter(({ message }) => message.startsWith('HostileController.tags: '));
    expect(about.map(({ name }) => name).sort()).toEqual(['http.tags-of-an-entry', 'http.tags-on-the-wire']);
  });

  it('a version of a request breaks no field', async () => {
    for (const version of ['a"b', 'a\r\nX: y', '\0', 'é', '"', 'W/"x"', '', 'x'.repeat(5_000)]) {
      const path = `/version?v=${encodeURIComponent(version)}`;
      const { status, headers } = await app.send(path);
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('x');
      expect(headers.etag).toMatch(/^W\/"[^"]{0,100}"$/);
      expect((await app.send(path, { headers: { 'if-none-match': headers.etag } })).status).toBe(304);
    }
  });

  it.each([
    '/account/x.css',
    '/account/.css',
    '/account/%2e%2e/x.js',
    '/account;.css',
    '/account%3f.css',
    '/account?x.css',
    '/account/a%0d%0ab',
  ])('no path makes a personal page a public one: %s', async (path) => {
    const alice = await app.send(path, { headers: { cookie: 'alice' } });
    if (alice.status === 200) {
      expect(alice.headers['cache-control']).toMatch(/^private/);
      expect(alice.headers).not.toHaveProperty('surrogate-key');
    } else expect(alice.headers['cache-control'] ?? 'no-store').toBe('no-store');
    expect((await app.send(path)).body).not.toContain('alice');
  });

  it('paths that decode alike are different resources', async () => {
    for (const [index, id] of ['a%20b', 'a+b', 'a%2Fb', 'A%20B'].entries()) {
      expect(JSON.parse((await app.send(`/echo/${id}`)).body).run).toBe(index + 1);
    }
  });

  it('endless lists of conditions cost what they are long', async () => {
    const list = Array.from({ length: 700 }, (_, index) => `"${index}"`).join(', ');
    const { headers } = await app.send('/links');
    expect((await app.send('/links', { headers: { 'if-none-match': list } })).status).toBe(200);
    expect((await app.send('/links', { headers: { 'if-none-match': `${list}, ${headers.etag}` } })).status).toBe(304);
    expect((await app.send('/links', { headers: { 'if-none-match': `${'"'.repeat(5_000)}` } })).status).toBe(200);
  });
});
