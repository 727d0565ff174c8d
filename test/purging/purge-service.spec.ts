import { describe, expect, it } from '@jest/globals';
import { CacheConfigError } from '@strata-cache/core';
import { gate, settle } from '@strata-cache/core/testing';
import { CATCH_ALL_TAG } from '../../libs/nestjs/src/cdn-tag.js';
import { pass, retry, stage } from './purging-kit.js';

const tags = (count: number, prefix = 't'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const warnings = (notices: readonly { name: string }[]): string[] => notices.map(({ name }) => name);

describe('purges are collected', () => {
  it('what is invalidated within the window leaves in one request, each tag once', async () => {
    const scene = stage({ window: '50ms' });
    scene.purges.invalidated({ kind: 'tags', tags: ['a', 'b'], mode: 'delete' });
    await pass(scene, 20);
    scene.purges.invalidated({ kind: 'tags', tags: ['b', 'c'], mode: 'delete' });
    scene.purges.purgeTags(['c']);
    await pass(scene, 29);
    expect(scene.purger.batches).toEqual([]);
    await pass(scene, 1);
    expect(scene.purger.names).toEqual([['a', 'b', 'c']]);
  });

  it('a batch takes what fits one request: by number, by characters, by kind', async () => {
    const scene = stage({}, { tagsPerRequest: 3, urlsPerRequest: 1, tagCharacters: 12 });
    scene.purges.purgeTags(['aaaa', 'bbbb', 'cccc', 'd', 'e', 'f', 'g']);
    scene.purges.purgeUrls(['https://a.example/1', 'https://a.example/2']);
    await pass(scene, 60);
    expect(scene.purger.names).toEqual([
      ['aaaa', 'bbbb'],
      ['cccc', 'd', 'e'],
      ['f', 'g'],
      ['https://a.example/1'],
      ['https://a.example/2'],
    ]);
  });

  it('a tag longer than a request is meant to hold goes alone, never nowhere', async () => {
    const scene = stage({}, { tagCharacters: 3 });
    scene.purges.purgeTags(['aaaaaaaa', 'bbbbbbbb']);
    await pass(scene, 60);
    expect(scene.purger.names).toEqual([['aaaaaaaa'], ['bbbbbbbb']]);
  });

  it('tags go out in the form of the response header', async () => {
    const scene = stage();
    scene.purges.invalidated({ kind: 'tags', tags: ['Product:42', 'product:42', 'a b'], mode: 'delete' });
    await pass(scene, 60);
    expect(scene.purger.names[0]).toEqual(['product:42', expect.stringMatching(/^a_b\.[0-9a-f]{24}$/)]);
  });

  it('hard wins over soft when both are asked for', async () => {
    const scene = stage();
    scene.purges.purgeTags(['a', 'b']);
    scene.purges.purgeTags(['b'], { soft: false });
    await pass(scene, 60);
    expect(scene.purger.batches.map(({ batch }) => batch)).toEqual([
      { kind: 'tags', names: ['a', CATCH_ALL_TAG], soft: true },
      { kind: 'tags', names: ['b', CATCH_ALL_TAG], soft: false },
    ]);
  });

  it('what carries the tag for too many tags is purged with every tag, and counts as none', async () => {
    const scene = stage();
    scene.purges.purgeTags(['a', 'b']);
    scene.purges.purgeUrls(['https://a.example/']);
    await pass(scene, 60);
    expect(scene.purger.batches.map(({ batch }) => batch)).toEqual([
      { kind: 'tags', names: ['a', 'b', CATCH_ALL_TAG], soft: true },
      { kind: 'urls', names: ['https://a.example/'], soft: true },
    ]);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 3, requests: 2 });
  });

  it("the engine's own tags and keys are on no response: nothing is sent", async () => {
    const scene = stage();
    scene.purges.invalidated({ kind: 'tags', tags: ['@cache:product', '@tenant:x'], mode: 'delete' });
    scene.purges.invalidated({ kind: 'keys', keys: ['product:1:42'], mode: 'delete' });
    await pass(scene, 1_000);
    expect(scene.purger.batches).toEqual([]);
  });
});

describe('a failing CDN', () => {
  it('429 and 5xx are tried again, doubling from 250 ms, and what came meanwhile joins', async () => {
    const scene = stage();
    scene.purger.answer(retry(), retry(), retry());
    scene.purges.purgeTags(['a']);
    await pass(scene, 50);
    scene.purges.purgeTags(['b']);
    await pass(scene, 4_000);
    const start = scene.purger.batches[0].at;
    expect(scene.purger.batches.map(({ at }) => at - start)).toEqual([0, 250, 750, 1_750]);
    expect(scene.purger.names).toEqual([['a'], ['a', 'b'], ['a', 'b'], ['a', 'b']]);
    expect(scene.purges.figures()[0]).toMatchObject({ waiting: 0, requests: 4, retries: 3, purged: 2, dropped: 0 });
    expect(warnings(scene.notices)).toEqual(['purge.failing']);
  });

  it('the next outage begins anew: with the first pause, and with a warning of its own', async () => {
    const scene = stage();
    for (const tag of ['a', 'b']) {
      scene.purger.answer(retry(), retry());
      scene.purges.purgeTags([tag]);
      await pass(scene, 60_000);
    }
    const instants = scene.purger.batches.map(({ at }) => at);
    expect([instants[1] - instants[0], instants[2] - instants[1]]).toEqual([250, 500]);
    expect([instants[4] - instants[3], instants[5] - instants[4]]).toEqual([250, 500]);
    expect(warnings(scene.notices)).toEqual(['purge.failing', 'purge.failing']);
  });

  it('Retry-After is obeyed', async () => {
    const scene = stage();
    scene.purger.answer(retry(20_000));
    scene.purges.purgeTags(['a']);
    await pass(scene, 19_000);
    expect(scene.purger.batches).toHaveLength(1);
    await pass(scene, 2_000);
    expect(scene.purger.batches.map(({ at }) => at - scene.purger.batches[0].at)).toEqual([0, 20_000]);
  });

  it('a purger that throws is tried again like one that answers 503', async () => {
    const scene = stage();
    scene.purger.answer(async () => {
      throw new Error('ECONNREFUSED');
    });
    scene.purges.purgeTags(['a']);
    await pass(scene, 400);
    expect(scene.purger.names).toEqual([['a'], ['a']]);
  });

  it('what is refused is not repeated for ever, and the rest goes on', async () => {
    const scene = stage({}, { tagsPerRequest: 1 });
    scene.purger.answer({ outcome: 'refused', reason: '403 Forbidden' });
    scene.purges.purgeTags(['a', 'b']);
    await pass(scene, 60);
    expect(scene.purger.names).toEqual([['a'], ['b']]);
    expect(scene.notices).toMatchObject([{ name: 'purge.refused', message: expect.stringContaining('403 Forbidden') }]);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 1, dropped: 1 });
  });

  it('given up after giveUpAfter, with a warning; a newer purge of the same outage is kept', async () => {
    const scene = stage({ giveUpAfter: '1m' });
    scene.purger.answer(...Array.from({ length: 9 }, () => retry()));
    scene.purges.purgeTags(['old']);
    await pass(scene, 45_000);
    scene.purges.purgeTags(['new']);
    await pass(scene, 60_000);
    expect(scene.notices).toContainEqual(expect.objectContaining({ name: 'purge.dropped' }));
    expect(scene.purger.names.at(-1)).toEqual(['new']);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 1, dropped: 1, waiting: 0 });
  });

  it('one node that is down holds up no other', async () => {
    const scene = stage({}, {}, ['http://one', 'http://two']);
    scene.purger.answers.set(
      'http://one',
      Array.from({ length: 4 }, () => retry()),
    );
    scene.purges.purgeTags(['a']);
    await pass(scene, 60);
    expect(scene.purges.figures().map(({ endpoint, purged }) => [endpoint, purged])).toEqual([
      ['http://one', 0],
      ['http://two', 1],
    ]);
    await pass(scene, 10_000);
    expect(scene.purges.figures().map(({ purged }) => purged)).toEqual([1, 1]);
  });
});

describe('limits', () => {
  it('the rate: a burst, then one request after another', async () => {
    const scene = stage({}, { tagsPerRequest: 1, perSecond: 2, burst: 3 });
    scene.purges.purgeTags(tags(6));
    await pass(scene, 5_000);
    const start = scene.purger.batches[0].at;
    expect(scene.purger.batches.map(({ at }) => at - start)).toEqual([0, 0, 0, 500, 1_000, 1_500]);
  });

  it('the blast radius: maxTagsPerFlush, then a pause, with a warning', async () => {
    const scene = stage({ maxTagsPerFlush: 250, pause: '1s' });
    for (let page = 0; page < 20; page++) scene.purges.purgeTags(tags(30, `p${page}-`));
    await pass(scene, 60);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 250, waiting: 350 });
    expect(warnings(scene.notices)).toEqual(['purge.limited']);
    await pass(scene, 1_000);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 500, waiting: 100 });
    await pass(scene, 1_000);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 600, waiting: 0, dropped: 0 });
  });

  it('what waits is bounded: beyond maxWaiting it is dropped with one warning, not held without end', async () => {
    const scene = stage({ maxWaiting: 100 });
    scene.purger.answer(retry(60_000));
    scene.purges.purgeTags(tags(10));
    await pass(scene, 60);
    for (let round = 0; round < 50; round++) scene.purges.purgeTags(tags(10, `r${round}-`));
    expect(scene.purges.figures()[0]).toMatchObject({ waiting: 100, dropped: 410 });
    expect(warnings(scene.notices)).toEqual(['purge.overflow']);
    await pass(scene, 70_000);
    expect(scene.purges.figures()[0]).toMatchObject({ purged: 100, waiting: 0 });
  });

  it('everything is purged only where force says so, and not by strata.clear()', async () => {
    const scene = stage();
    expect(() => scene.purges.purgeAll()).toThrow(CacheConfigError);
    expect(() => scene.purges.purgeAll({ force: 1 as any })).toThrow(/purgeAll\(\{ force: true \}\)/);
    scene.purges.invalidated({ kind: 'clear', mode: 'delete' });
    await pass(scene, 60);
    expect(scene.purger.batches).toEqual([]);
    expect(warnings(scene.notices)).toEqual(['purge.clear']);
    scene.purges.purgeAll({ force: true });
    await pass(scene, 60);
    expect(scene.purger.names).toEqual([['*']]);
  });

  it('purgeAllOnClear passes strata.clear() on', async () => {
    const scene = stage({ purgeAllOnClear: true });
    scene.purges.invalidated({ kind: 'clear', mode: 'delete' });
    await pass(scene, 60);
    expect(scene.purger.names).toEqual([['*']]);
  });

  it.each([['ftp://a/'], ['/relative'], ['https://user:secret@a.example/'], ['']])('purgeUrls refuses %j', (url) => {
    const { purges } = stage();
    expect(() => purges.purgeUrls([url])).toThrow(CacheConfigError);
  });

  it('purgeTags refuses what is no list of tags', () => {
    const { purges } = stage();
    for (const bad of ['a', [''], [1], undefined]) expect(() => purges.purgeTags(bad as any)).toThrow(CacheConfigError);
  });
});

describe('a response that was on its way to the CDN while it was purged', () => {
  it('is found by a second purge, repeatAfter later, and there is no third', async () => {
    const scene = stage({ repeatAfter: '5s' });
    scene.purges.purgeTags(['a']);
    await pass(scene, 50);
    await pass(scene, 4_000);
    expect(scene.purger.names).toEqual([['a']]);
    await pass(scene, 60_000);
    expect(scene.purger.batches.map(({ at }) => at - scene.purger.batches[0].at)).toEqual([0, 5_050]);
  });

  it('a tag invalidated again meanwhile is repeated after its own time', async () => {
    const scene = stage({ repeatAfter: '5s' });
    scene.purges.purgeTags(['a']);
    await pass(scene, 3_000);
    scene.purges.purgeTags(['a']);
    await pass(scene, 60_000);
    expect(scene.purger.batches.map(({ at }) => at - scene.purger.batches[0].at)).toEqual([0, 3_000, 5_050, 8_050]);
  });
});

describe('shutdown', () => {
  it('sends at once what waits, and the repetitions that are due later', async () => {
    const scene = stage({ repeatAfter: '5s' });
    scene.purges.purgeTags(['a']);
    await pass(scene, 60);
    scene.purges.purgeTags(['b']);
    await settle();
    const closing = scene.purges.close();
    await pass(scene, 200);
    await closing;
    expect(scene.purger.names).toEqual([['a'], ['b', 'a'], ['b']]);
    expect(scene.notices).toEqual([]);
    expect(scene.clock.pending).toBe(0);
  });

  it('tries again within its limit, then gives up with a warning that counts what is left', async () => {
    const scene = stage({ drainLimit: '2s' });
    scene.purger.answer(...Array.from({ length: 50 }, () => retry()));
    scene.purges.purgeTags(['a', 'b']);
    const closing = scene.purges.close();
    await pass(scene, 10_000);
    await closing;
    expect(scene.purger.batches.length).toBeGreaterThan(2);
    expect(scene.notices.at(-1)).toMatchObject({ name: 'purge.left', message: expect.stringContaining('2 tags') });
    expect(scene.purges.figures()[0]).toMatchObject({ waiting: 0, dropped: 2 });
  });

  it('a request that hangs is aborted at the limit', async () => {
    const scene = stage({ drainLimit: '2s' });
    const arrived = gate();
    scene.purger.answer(async (signal) => {
      void arrived.pass();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    });
    scene.purges.purgeTags(['a']);
    await pass(scene, 60);
    await arrived.arrived();
    const closing = scene.purges.close();
    await pass(scene, 3_000);
    await closing;
    expect(warnings(scene.notices)).toEqual(['purge.left']);
  });

  it('twice is harmless', async () => {
    const scene = stage();
    await scene.purges.close();
    await scene.purges.close();
    expect(scene.purger.batches).toEqual([]);
  });
});
