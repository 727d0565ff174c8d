import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Delete,
  Get,
  Injectable,
  NotFoundException,
  Options,
  Param,
  Post,
  Put,
  Res,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpCache, Precondition } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from './hosts.js';

interface Row {
  version: number;
  name: string;
  updatedAt: Date;
}

const rows = new Map<string, Row>();
const UPDATED = new Date(Date.UTC(2025, 0, 1, 12, 0, 0, 700));

function rowOf(context: ExecutionContext): Row | undefined {
  return rows.get(context.switchToHttp().getRequest<any>().params.id);
}

const versionOf = (context: ExecutionContext): number | null => rowOf(context)?.version ?? null;

@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToHttp().getRequest<any>().headers['x-token'] === 'wrong') throw new UnauthorizedException();
    return true;
  }
}

@Controller('rows')
@UseGuards(TokenGuard)
class RowsController {
  runs = 0;

  @Get(':id')
  @HttpCache({ version: versionOf, etag: 'strong' })
  read(@Param('id') id: string): Row {
    this.runs++;
    const row = rows.get(id);
    if (row === undefined) throw new NotFoundException();
    return row;
  }

  @Put(':id')
  @Precondition({ version: versionOf, required: true })
  write(@Param('id') id: string, @Body() body: { name?: string }): Row {
    this.runs++;
    const row = rows.get(id);
    const changed = { version: (row?.version ?? 0) + 1, name: body?.name ?? 'x', updatedAt: new Date() };
    rows.set(id, changed);
    return changed;
  }

  @Post(':id')
  @Precondition({ version: versionOf })
  create(@Param('id') id: string): object {
    this.runs++;
    rows.set(id, { version: 1, name: 'new', updatedAt: UPDATED });
    return {};
  }

  @Delete(':id')
  @Precondition({
    version: versionOf,
    onFailed: async (context) => context.switchToHttp().getRequest<any>().query.force === '1',
  })
  remove(@Param('id') id: string): object {
    this.runs++;
    rows.delete(id);
    return {};
  }

  @Options(':id')
  options(): object {
    return {};
  }
}

@Controller('dated')
class DatedController {
  runs = 0;

  @Get()
  @HttpCache({ scope: 'public', maxAge: '1m', version: () => ({ lastModified: UPDATED }) })
  read(): object {
    this.runs++;
    return {};
  }

  @Get('future')
  @HttpCache({ version: () => ({ etag: 'W/"own"', lastModified: Date.UTC(2999, 0, 1) }) })
  future(): object {
    return {};
  }

  @Get('by-handler')
  @HttpCache({ etag: false })
  byHandler(@Res({ passthrough: true }) response: any): object {
    (response.raw ? response.header : response.setHeader).bind(response)('ETag', '"own"');
    return {};
  }

  @Get('untagged')
  @HttpCache({ etag: false })
  untagged(): object {
    return {};
  }

  @Get('function')
  @HttpCache({ etag: (body) => `len-${body.length}` })
  byFunction(): string {
    return 'é';
  }

  @Get('languages')
  @HttpCache({ vary: ['accept-language'], version: () => 7 })
  languages(): object {
    return {};
  }

  @Put('unmodified')
  @Precondition({ version: () => ({ etag: 1, lastModified: UPDATED }) })
  unmodified(): object {
    this.runs++;
    return {};
  }

  @Put('weak')
  @Precondition({ version: () => 'W/"1"' })
  weak(): object {
    return {};
  }
}

describe.each(HOSTS)('conditional requests on %s', (host) => {
  let app: HttpApp;
  let controller: RowsController;
  let dated: DatedController;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [RowsController, DatedController],
      providers: [TokenGuard],
    });
    controller = app.get(RowsController);
    dated = app.get(DatedController);
  });
  beforeEach(() => {
    rows.clear();
    rows.set('1', { version: 1, name: 'one', updatedAt: UPDATED });
    controller.runs = 0;
    dated.runs = 0;
  });
  afterAll(() => app.close());

  const ask = (method: string, path: string, headers: Record<string, string | string[]> = {}) =>
    app.send(path, { method, headers });

  it('guards come before conditions', async () => {
    const { headers } = await ask('GET', '/rows/1');
    expect((await ask('GET', '/rows/1', { 'if-none-match': headers.etag, 'x-token': 'wrong' })).status).toBe(401);
    expect((await ask('PUT', '/rows/1', { 'if-match': '"wrong"', 'x-token': 'wrong' })).status).toBe(401);
  });

  it('what does not exist is a 404, whatever the condition', async () => {
    for (const tag of ['*', '"1"']) expect((await ask('GET', '/rows/2', { 'if-none-match': tag })).status).toBe(404);
  });

  it('a 304 has the fields of the 200, and none of its body', async () => {
    const full = await ask('GET', '/rows/1');
    expect(full.headers.etag).toMatch(/^"1~[\w-]{11}"$/);
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, body } = await ask(method, '/rows/1', {
        'if-none-match': `W/"x", ${full.headers.etag}`,
      });
      expect([status, body]).toEqual([304, '']);
      for (const name of ['etag', 'cache-control', 'vary']) expect(headers[name]).toBe(full.headers[name]);
      expect(headers.date).toBeDefined();
      for (const name of ['content-type', 'content-length', 'transfer-encoding'])
        expect(headers).not.toHaveProperty(name);
    }
    expect(controller.runs).toBe(1);
  });

  it('several lines of a condition are one list', async () => {
    const { headers } = await ask('GET', '/rows/1');
    expect((await ask('GET', '/rows/1', { 'if-none-match': ['"x"', headers.etag] })).status).toBe(304);
  });

  it.each<[string, string, Record<string, string>, number, number]>([
    ['matching', 'PUT', { 'if-match': '"1"' }, 200, 1],
    ['any', 'PUT', { 'if-match': '*' }, 200, 1],
    ['outdated', 'PUT', { 'if-match': '"0"' }, 412, 0],
    ['weak', 'PUT', { 'if-match': 'W/"1"' }, 412, 0],
    ['missing', 'PUT', {}, 428, 0],
    ['If-None-Match: * on what exists', 'POST', { 'if-none-match': '*' }, 412, 0],
    ['If-None-Match matching', 'POST', { 'if-none-match': '"1"' }, 412, 0],
    ['no condition where none is required', 'POST', {}, 201, 1],
    ['If-Match reading', 'GET', { 'if-match': '"0"' }, 412, 0],
  ])('writing: %s', async (_name, method, headers, status, runs) => {
    expect((await ask(method, '/rows/1', headers)).status).toBe(status);
    expect(controller.runs).toBe(runs);
  });

  it('creating: If-None-Match: * once, If-Match never', async () => {
    expect((await ask('PUT', '/rows/9', { 'if-match': '*' })).status).toBe(412);
    expect((await ask('PUT', '/rows/9', { 'if-none-match': '*' })).status).toBe(200);
    expect((await ask('PUT', '/rows/9', { 'if-none-match': '*' })).status).toBe(412);
  });

  it('the tag a reader was given is the one a writer sends, whatever the variant', async () => {
    const { headers } = await ask('GET', '/rows/1');
    expect((await ask('PUT', '/rows/1', { 'if-match': headers.etag })).status).toBe(200);
    expect((await ask('PUT', '/rows/1', { 'if-match': headers.etag })).status).toBe(412);
    const again = await ask('GET', '/rows/1', { 'if-none-match': headers.etag });
    expect(again.status).toBe(200);
    expect(again.headers.etag).not.toBe(headers.etag);
  });

  it('an application may decide otherwise', async () => {
    expect((await ask('DELETE', '/rows/1', { 'if-match': '"0"' })).status).toBe(412);
    expect((await ask('DELETE', '/rows/1?force=1', { 'if-match': '"0"' })).status).toBe(200);
  });

  it('two writers who read the same: one wins', async () => {
    const results = await Promise.all(
      ['a', 'b'].map(() => app.send('/rows/1', { method: 'PUT', headers: { 'if-match': '"1"' } })),
    );
    expect(results.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412]);
  });

  it('OPTIONS ignores conditions, and unsafe responses have no validator', async () => {
    expect((await ask('OPTIONS', '/rows/1', { 'if-none-match': '*', 'if-match': '"0"' })).status).toBe(200);
    const { headers } = await ask('PUT', '/rows/1', { 'if-match': '"1"' });
    expect(headers).not.toHaveProperty('etag');
  });

  it('Last-Modified compares whole seconds', async () => {
    const { headers } = await ask('GET', '/dated');
    expect(headers['last-modified']).toBe(UPDATED.toUTCString());
    expect((await ask('GET', '/dated', { 'if-modified-since': headers['last-modified'] })).status).toBe(304);
    expect(dated.runs).toBe(1);
    for (const value of ['2999-01-01T00:00:00Z', new Date(UPDATED.getTime() - 1_000).toUTCString()]) {
      expect((await ask('GET', '/dated', { 'if-modified-since': value })).status).toBe(200);
    }
    const [same, earlier] = [UPDATED, new Date(UPDATED.getTime() - 1_000)].map((date) => date.toUTCString());
    expect((await ask('PUT', '/dated/unmodified', { 'if-unmodified-since': same })).status).toBe(200);
    expect((await ask('PUT', '/dated/unmodified', { 'if-unmodified-since': earlier })).status).toBe(412);
  });

  it('Last-Modified is never later than now, and an own tag stays as it is', async () => {
    const { headers } = await ask('GET', '/dated/future');
    expect(Date.parse(headers['last-modified'])).toBeLessThanOrEqual(app.clock.wall());
    expect(headers.etag).toBe('W/"own"');
  });

  it('tags of every origin', async () => {
    expect((await ask('GET', '/dated/by-handler', { 'if-none-match': 'W/"own"' })).status).toBe(304);
    const untagged = await ask('GET', '/dated/untagged');
    expect(untagged.headers).not.toHaveProperty('etag');
    expect((await ask('GET', '/dated/untagged', { 'if-none-match': '*' })).status).toBe(200);
    expect((await ask('GET', '/dated/function')).headers.etag).toBe('"len-2"');
  });

  it('variants of one version have tags of their own', async () => {
    const tags = await Promise.all(
      ['en', 'fr', 'en'].map(
        async (lang) => (await ask('GET', '/dated/languages', { 'accept-language': lang })).headers.etag,
      ),
    );
    expect(tags[0]).toBe(tags[2]);
    expect(tags[0]).not.toBe(tags[1]);
    const other = await ask('GET', '/dated/languages', { 'accept-language': 'fr', 'if-none-match': tags[0] });
    expect(other.status).toBe(200);
  });

  it('a weak version cannot lock, and says so', async () => {
    expect((await ask('PUT', '/dated/weak', { 'if-match': 'W/"1"' })).status).toBe(500);
  });
});
