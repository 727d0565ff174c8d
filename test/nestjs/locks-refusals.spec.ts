import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { CacheConfigError, createStrata, Locked } from '@strata-cache/nestjs';
import { FakeClock, withStrata } from '@strata-cache/nestjs/testing';
import { of } from 'rxjs';

const loosely: (...args: any[]) => any = Locked;

function apply(decorate: any): void {
  class Site {
    @decorate
    async run(id: string): Promise<string> {
      return id;
    }
  }
  void Site;
}

describe('what @Locked refuses where it stands', () => {
  it('statics, accessors, properties, methods that declare no promise, and standard decorators', () => {
    const decorate = loosely({ key: 'k' });
    class Site {
      static run(): void {}
      get value(): number {
        return 1;
      }
    }
    const descriptor = (target: object, key: string): any => Object.getOwnPropertyDescriptor(target, key);
    expect(() => decorate(Site, 'run', descriptor(Site, 'run'))).toThrow('Site.run: @Locked does not work on static');
    expect(() => decorate(Site.prototype, 'value', descriptor(Site.prototype, 'value'))).toThrow(
      'Site.value: @Locked works on methods only',
    );
    expect(() => decorate(Site.prototype, 'field', undefined)).toThrow('Site.field: @Locked works on methods only');
    expect(() => {
      class Declared {
        @decorate
        run(): string {
          return '';
        }
      }
      return Declared;
    }).toThrow('Declared.run: @Locked needs a method that returns a promise, this one declares String');
    expect(() => decorate(() => undefined, { kind: 'method', name: 'run' })).toThrow(
      '@Locked: this class was compiled',
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /^Site\.run: @Locked needs 'key', the name of the lock/],
    ['no key', { ttl: '10s' }, /^Site\.run: @Locked needs 'key'/],
    ['an empty key', { key: '' }, /needs 'key'.*non-empty string/],
    ['a key of another type', { key: 7 }, /needs 'key'/],
    [
      'an unknown option',
      { key: 'k', timeout: '2s' },
      /unknown option 'timeout'\. Known options: key, ttl, wait, renew/,
    ],
    ['a ttl without a unit', { key: 'k', ttl: 60 }, /Site\.run: @Locked: ttl: .*60 means 60 ms; write '60s'/],
    ['a ttl of nothing', { key: 'k', ttl: 0 }, /Site\.run: @Locked: ttl: expected a duration above 0/],
    ['a wait that is none', { key: 'k', wait: '2 s' }, /Site\.run: @Locked: wait: .*2 s/],
    ['a ttl beyond the timers', { key: 'k', ttl: '30d' }, /Site\.run: @Locked: ttl: expected at most '24d'/],
    ['a wait beyond the timers', { key: 'k', wait: '30d' }, /Site\.run: @Locked: wait: expected at most '24d'/],
    ['reentrant by a word', { key: 'k', reentrant: 'yes' }, /Site\.run: @Locked: reentrant: expected true or false/],
    ['a negative wait', { key: 'k', wait: '-5m' }, /Site\.run: @Locked: wait: /],
    ['renew by a word', { key: 'k', renew: 'no' }, /Site\.run: @Locked: renew: expected true or false/],
    [
      'a signal by value',
      { key: 'k', signal: new AbortController().signal },
      /Site\.run: @Locked: signal: expected a function/,
    ],
  ])('%s', (_, options, message) => {
    expect(() => apply(loosely(options))).toThrow(message);
    expect(() => apply(loosely(options))).toThrow(CacheConfigError);
  });
});

describe('what a locked method refuses when it runs', () => {
  class Site {
    runs = 0;
    @loosely({ key: 'k' })
    observable(): any {
      this.runs++;
      return of(1);
    }
    @loosely({ key: 'k' })
    plain(): any {
      return 5;
    }
    @loosely({ key: (id: unknown) => id })
    async keyed(_id: unknown): Promise<void> {
      this.runs++;
    }
    @Locked({
      key: () => {
        throw new RangeError('no such order');
      },
    })
    async unnamed(): Promise<void> {
      this.runs++;
    }
  }

  it('an Observable, whose work would be done after the release, and a plain value; the lock is free after it', async () => {
    const strata = createStrata({ clock: new FakeClock() });
    const site = withStrata(new Site(), strata);
    await expect(site.observable()).rejects.toThrow(/Site\.observable: @Locked needs .* returned an Observable/);
    await expect(site.plain()).rejects.toThrow(/Site\.plain: @Locked needs .* returned a plain number/);
    await (await strata.locks.tryAcquire('k'))?.release();
    await strata.close();
  });

  it('a key that names no lock, before the method runs', async () => {
    const strata = createStrata({ clock: new FakeClock() });
    const site = withStrata(new Site(), strata);
    for (const [id, got] of [
      [undefined, 'a value of type undefined'],
      ['', "''"],
      [7, 'a value of type number'],
      [Promise.resolve('order:1'), 'a value of type object'],
    ] as const) {
      await expect(site.keyed(id)).rejects.toMatchObject({
        code: 'ERR_CACHE_KEY',
        message: `Site.keyed: @Locked: 'key' must return a non-empty string, got ${got}. The method was not run.`,
      });
    }
    await expect(site.unnamed()).rejects.toThrow(RangeError);
    expect(site.runs).toBe(0);
    await strata.close();
  });
});
