import 'reflect-metadata';
import { Controller, Get, Query, Res, type ExecutionContext } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCache, Strata } from '@strata-cache/nestjs';
import { HOSTS, startApp, type HttpApp } from '../http/hosts.js';

interface Page {
  readonly items: readonly string[];
}

const runs = { page: 0, tags: 0 };

function tagsOfPage(_context: ExecutionContext, page?: Page): string[] {
  runs.tags++;
  return ['pages', ...(page?.items ?? []).map((item) => `item:${item}`)];
}

@Controller()
class PageController {
  @Get('stored')
  @HttpCache({ scope: 'public', maxAge: '1m', store: true, tags: tagsOfPage })
  stored(@Query('items') items: string): Page {
    runs.page++;
    return { items: items.split(',') };
  }

  @Get('versioned')
  @HttpCache({ scope: 'public', maxAge: '1m', version: () => 1, tags: tagsOfPage })
  versioned(): Page {
    runs.page++;
    return { items: ['a'] };
  }

  @Get('manual')
  @HttpCache({ scope: 'public', maxAge: '1m', tags: tagsOfPage })
  manual(@Res() response: any): void {
    response.send('{}');
  }

  @Get('broken')
  @HttpCache({
    scope: 'public',
    maxAge: '1m',
    store: true,
    tags: (_context, page?: Page) => {
      throw new Error(`tags of ${page?.items.length}`);
    },
  })
  broken(): Page {
    runs.page++;
    return { items: [] };
  }
}

describe.each(HOSTS)('tags made from the result: %s', (host) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await startApp(host, {
      controllers: [PageController],
      http: { global: true, tagHeaders: ['surrogate-key'] },
    });
  });
  afterAll(async () => app.close());
  beforeEach(() => {
    runs.page = 0;
    runs.tags = 0;
  });

  it('a stored response is cleared by what it shows, and by nothing else', async () => {
    const [one, other] = ['/stored?items=a,b', '/stored?items=c'];
    for (const path of [one, other, one, other]) await app.send(path);
    expect(runs).toEqual({ page: 2, tags: 2 });
    await app.get(Strata).invalidateTags(['item:b']);
    for (const path of [one, other]) expect((await app.send(path)).status).toBe(200);
    expect(runs.page).toBe(3);
  });

  it('CDNs are told, from the handler and from the store alike', async () => {
    for (const _ of [1, 2]) {
      const { headers } = await app.send('/stored?items=x,y');
      expect(headers['surrogate-key'].split(' ')).toEqual([
        'pages',
        'item:x',
        'item:y',
        expect.stringMatching(/^http:/),
      ]);
    }
    expect(runs.page).toBe(1);
  });

  it('a request with credentials is answered by the handler and tells no tags', async () => {
    const { headers } = await app.send('/stored?items=x', { headers: { authorization: 'Bearer x' } });
    expect(headers['surrogate-key']).toBeUndefined();
    expect(headers['cache-control']).toMatch(/^private/);
  });

  it('a 304 by version names none, so that a cache keeps those it has', async () => {
    const { headers } = await app.send('/versioned');
    expect(headers['surrogate-key']).toBe('pages item:a');
    const again = await app.send('/versioned', { headers: { 'if-none-match': headers.etag } });
    expect(again.status).toBe(304);
    expect(again.headers['surrogate-key']).toBeUndefined();
    expect(runs.page).toBe(1);
  });

  it('with @Res() there is no result', async () => {
    expect((await app.send('/manual')).headers['surrogate-key']).toBeUndefined();
  });

  it('a function that throws is an error of that request, and nobody waits for it for ever', async () => {
    const answers = await Promise.all([1, 2, 3].map(async () => app.send('/broken')));
    expect(answers.map(({ status, headers }) => [status, headers['cache-control']])).toEqual([
      [500, 'no-store'],
      [500, 'no-store'],
      [500, 'no-store'],
    ]);
  });
});
