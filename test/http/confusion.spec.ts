import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Req, Version, VersioningType, type ExecutionContext } from '@nestjs/common';
import { HttpCache, HttpCacheService } from '@strata-cache/nestjs';
import { eventually } from '../support/eventually.js';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

const STORED = { scope: 'public', maxAge: '1m', store: true } as const;
/** Whose session it is; `next`: whose it is after it was asked next. */
const session = { user: 'alice', next: 'alice' };

function sessionUser(): string {
  const { user } = session;
  session.user = session.next;
  return user;
}

function headersOf(context: ExecutionContext): Record<string, string> {
  return context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers;
}

/** What applications return when they forget that somebody may be nobody. Requests are `any` in Nest, so nothing warns them. */
function ownerOf(context: ExecutionContext): any {
  const { 'x-kind': kind, 'x-name': name } = headersOf(context);
  const owners: Record<string, unknown> = { object: { name }, promise: Promise.resolve(name), null: null, NaN: NaN };
  return kind === 'empty' ? '' : kind in owners ? owners[kind] : name;
}

@Controller()
class ConfusedController {
  runs = 0;

  @Get('mine')
  @HttpCache({ maxAge: '1m', store: { by: ownerOf } })
  mine(@Req() request: any): object {
    this.runs++;
    return { for: request.headers['x-name'] };
  }

  @Get('mine/versioned')
  @HttpCache({ maxAge: '1m', version: () => 1, store: { by: ownerOf } })
  versioned(@Req() request: any): object {
    return { for: request.headers['x-name'] };
  }

  @Get('moving')
  @HttpCache({ maxAge: '10s', staleWhileRevalidate: '10m', store: { by: sessionUser } })
  moving(): object {
    this.runs++;
    return { for: session.user };
  }

  @Get('picked')
  @HttpCache({ ...STORED, store: { query: ['page'] } })
  picked(@Req() request: any): object {
    this.runs++;
    return { page: request.query.page ?? 'first' };
  }

  @Get(['plain', 'mobile'])
  @HttpCache({ ...STORED })
  rewritten(@Req() request: any): object {
    return { url: request.url };
  }

  @Get('fat')
  @HttpCache(STORED)
  fat(@Req() request: any): object {
    this.runs++;
    return { name: request.body?.name ?? 'none' };
  }

  @Get('no-version')
  @HttpCache({ version: () => new Date('never') })
  noVersion(): object {
    return { run: ++this.runs };
  }

  @Get('no-date')
  @HttpCache({ version: () => ({ lastModified: Number.NaN }), etag: false })
  noDate(): object {
    return { run: ++this.runs };
  }

  @Get('never-if')
  @HttpCache({ ...STORED, if: (async () => false) as never })
  neverIf(): object {
    return { run: ++this.runs };
  }
}

/** Express with the parser that makes objects of queries. */
function configure(app: any, host: string): void {
  if (host !== 'Express') return;
  app.set('query parser', 'extended');
  app.use((request: any, _response: unknown, next: () => void) => {
    if (request.headers['x-mobile'] !== undefined && request.url === '/plain') request.url = '/mobile';
    next();
  });
}

describe.each(HOSTS)('on %s nobody is taken for somebody else', (host) => {
  let app: HttpApp;
  let controller: ConfusedController;
  beforeAll(async () => {
    app = await startApp(host, { controllers: [ConfusedController], configure });
    controller = app.get(ConfusedController);
  });
  beforeEach(async () => {
    controller.runs = 0;
    await app.get(HttpCacheService).clear();
  });
  afterAll(() => app.close());

  const as = (name: string, kind = 'name'): Record<string, string> => ({
    'x-name': name,
    'x-kind': kind,
    authorization: name,
  });

  it.each(['null', 'NaN', 'empty'])('who is %s has no key, and so shares nothing', async (kind) => {
    for (const name of ['alice', 'bob']) {
      const { status, body } = await app.send('/mine', { headers: as(name, kind) });
      expect([status, JSON.parse(body)]).toEqual([200, { for: name }]);
    }
    expect(controller.runs).toBe(2);
  });

  it.each(['object', 'promise'])('who is %s is a mistake that answers nobody', async (kind) => {
    for (const name of ['alice', 'bob']) {
      const { status, body } = await app.send('/mine', { headers: as(name, kind) });
      expect(status).toBe(500);
      expect(body).not.toMatch(/alice/);
    }
    expect(controller.runs).toBe(0);
  });

  it('two users of one browser may both have a version 1', async () => {
    const { headers } = await app.send('/mine/versioned', { headers: as('alice') });
    const again = { 'if-none-match': headers.etag };
    expect((await app.send('/mine/versioned', { headers: { ...as('alice'), ...again } })).status).toBe(304);
    const bob = await app.send('/mine/versioned', { headers: { ...as('bob'), ...again } });
    expect([bob.status, bob.body]).toEqual([200, '{"for":"bob"}']);
  });

  it('a refresh that has become another one’s is not stored in the first one’s place', async () => {
    const cookie = { headers: { cookie: 'sid=1' } };
    Object.assign(session, { user: 'alice', next: 'alice' });
    expect((await app.send('/moving', cookie)).body).toContain('alice');
    await app.clock.advance(20_000);
    // It is hers while she is answered, and his when her request is sent through the application again.
    session.next = 'bob';
    expect((await app.send('/moving', cookie)).body).toContain('alice');
    await eventually(() => expect(controller.runs).toBe(2));
    Object.assign(session, { user: 'alice', next: 'alice' });
    for (const _ of [1, 2]) expect((await app.send('/moving', cookie)).body).toContain('alice');
  });

  it.each([
    ['more parameters than a parser reads', `${'a&'.repeat(1_000)}page=2`, 'page=2'],
    ['a second question mark', '?page=2', 'page=2'],
    ['an array', 'page[]=evil', ''],
    ['an object', 'page[x]=evil', ''],
    ['a name in brackets', '[page]=evil', ''],
    ['bytes that are no text', 'page=%ff', 'page=%EF%BF%BD'],
  ])('a query is not stored under the key of another: %s', async (_name, sent, other) => {
    await app.send(`/picked?${sent}`);
    const { body } = await app.send(`/picked?${other}`);
    expect(JSON.parse(body)).toEqual({ page: new URLSearchParams(other).get('page') ?? 'first' });
    expect(controller.runs).toBe(2);
  });

  it('parameters that do not matter still do not', async () => {
    for (const query of ['page=2', 'page=2&utm=1', 'x=y&page=2']) await app.send(`/picked?${query}`);
    expect(controller.runs).toBe(1);
  });

  it('the body of a GET is in no key, so what is made of it is nobody else’s', async () => {
    const body = '{"name":"evil"}';
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
    expect((await app.send('/fat', { headers, body })).status).toBe(200);
    expect((await app.send('/fat')).body).toBe('{"name":"none"}');
    // What is stored answers it, so that a body is no way to the handler.
    const runs = controller.runs;
    expect((await app.send('/fat', { headers, body })).body).toBe('{"name":"none"}');
    expect(controller.runs).toBe(runs);
  });

  it('a version that is no number is no state of anything', async () => {
    const { headers } = await app.send('/no-version');
    expect(headers.etag).not.toMatch(/NaN/);
    const again = await app.send('/no-version', { headers: { 'if-none-match': headers.etag } });
    expect([again.status, again.body]).toEqual([200, '{"run":2}']);
    expect((await app.send('/no-date')).headers).not.toHaveProperty('last-modified');
  });

  it('a condition that promises is refused instead of being true', async () => {
    expect((await app.send('/never-if')).status).toBe(500);
    expect(controller.runs).toBe(0);
  });

  it('a URL that middleware routes elsewhere is another resource', async () => {
    const mobile = await app.send('/plain', { headers: { 'x-mobile': '1' } });
    const plain = await app.send('/plain');
    expect([mobile.status, plain.status]).toEqual([200, 200]);
    expect(plain.body).toBe('{"url":"/plain"}');
  });
});

@Controller('things')
class ThingsController {
  @Get()
  @Version('1')
  @HttpCache(STORED)
  one(): object {
    return { version: 1 };
  }

  @Get()
  @Version('2')
  @HttpCache(STORED)
  two(): object {
    return { version: 2 };
  }
}

@Controller('plain')
class PlainController {
  @Get()
  @HttpCache(STORED)
  plain(): object {
    return {};
  }
}

describe.each(HOSTS)('on %s versions of a route are told apart', (host) => {
  it('that an application makes out by itself', async () => {
    const app = await startApp(host, {
      controllers: [ThingsController],
      configure: (nest) =>
        nest.enableVersioning({
          type: VersioningType.CUSTOM,
          extractor: (request: any) => request.headers['x-client'] ?? '1',
        }),
    });
    try {
      for (const version of [1, 2, 1, 2]) {
        const { body } = await app.send('/things', { headers: { 'x-client': String(version) } });
        expect(JSON.parse(body)).toEqual({ version });
      }
    } finally {
      await app.close();
    }
  });

  it('by caches in front as well, also where a version is the default one', async () => {
    const app = await startApp(host, {
      controllers: [PlainController],
      configure: (nest) =>
        nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version', defaultVersion: '1' }),
    });
    try {
      const { status, headers } = await app.send('/plain', { headers: { 'x-version': '1' } });
      expect([status, headers.vary]).toEqual([200, 'x-version']);
    } finally {
      await app.close();
    }
  });
});
