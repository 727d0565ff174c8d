import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Coherence } from '../coherence/coherence.js';
import { FakeClock } from '../testing/fake-clock.js';
import { nullTier } from '../tiers/null-tier.js';
import { systemClock } from './clock.js';
import { TimeWindow } from './time-window.js';

const HOUR = 3_600_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('TimeWindow', () => {
  it('lasts until its end by the clock of the engine, and not a reading longer', () => {
    const window = new TimeWindow(systemClock);
    expect(window.lasts()).toBe(false);
    const end = systemClock.now() + 5;
    window.openUntil(end);
    let [asked, before] = [0, 0];
    do [before, asked] = [asked, systemClock.now()];
    while (window.lasts());
    expect(before).toBeLessThan(end);
    window.openUntil(systemClock.now() + HOUR);
    expect(window.lasts()).toBe(true);
    window.shut();
    expect(window.lasts()).toBe(false);
    expect(window.end).toBe(Infinity);
  });

  it.each([-Infinity, systemClock.now() - 1])('does not open for an end that has passed (%d)', (end) => {
    const window = new TimeWindow(systemClock);
    window.openUntil(end);
    expect(window.lasts()).toBe(false);
  });

  it('ends although the timers of the process are faked: they do not stop the clock of the engine', () => {
    const window = new TimeWindow(systemClock);
    const end = systemClock.now() + 1;
    window.openUntil(end);
    jest.useFakeTimers();
    try {
      while (systemClock.now() < end);
      expect(window.lasts()).toBe(false);
    } finally {
      jest.useRealTimers();
    }
  });

  it('never opens beside a fake clock', () => {
    const clock = new FakeClock();
    const window = new TimeWindow(clock);
    window.openUntil(clock.now() + HOUR);
    expect(window.lasts()).toBe(false);
  });
});

describe('what vouches for L1, by the real clock', () => {
  const coherence = (): Coherence => new Coherence(nullTier, systemClock, 1, () => 0, 5_000);

  /** Returns once the window is open; a look that came too late is repeated. */
  function untilVouched(subject: Coherence, checkAt: number): void {
    while (!subject.vouchesUntil(checkAt)) expect(subject.vouches(0, checkAt)).toBe(true);
  }

  it('nobody before the first proof', () => {
    const subject = coherence();
    expect(subject.vouches(0, Infinity)).toBe(false);
    expect(subject.vouchesUntil(Infinity)).toBe(false);
  });

  it('ends with a doubt, at once', () => {
    const subject = coherence();
    subject.prove(0, systemClock.now());
    untilVouched(subject, Infinity);
    subject.doubt(0);
    expect(subject.vouchesUntil(Infinity)).toBe(false);
    expect(subject.vouches(0, Infinity)).toBe(false);
  });

  it('ends with the bound', () => {
    const subject = coherence();
    const provenAt = systemClock.now() - 4_995;
    subject.prove(0, provenAt);
    let [asked, before] = [0, 0];
    do [before, asked] = [asked, systemClock.now()];
    while (subject.vouchesUntil(Infinity) || subject.vouches(0, Infinity));
    expect(before - provenAt).toBeLessThanOrEqual(5_000);
    expect(systemClock.now() - provenAt).toBeGreaterThan(5_000);
  });

  it('ends at the end of freshness, though everything is proven', () => {
    const subject = coherence();
    subject.prove(0, systemClock.now());
    const checkAt = systemClock.now() + 3;
    let [asked, before] = [0, 0];
    do [before, asked] = [asked, systemClock.now()];
    while (subject.vouchesUntil(checkAt) || subject.vouches(0, checkAt));
    expect(before).toBeLessThan(checkAt);
    expect(systemClock.now()).toBeGreaterThanOrEqual(checkAt);
  });

  it('ends when the wall clock shows that the machine slept', () => {
    const subject = coherence();
    subject.prove(0, systemClock.now());
    untilVouched(subject, Infinity);
    const wall = systemClock.wall();
    jest.spyOn(systemClock, 'wall').mockReturnValue(wall + HOUR);
    while (subject.vouchesUntil(Infinity));
    expect(subject.vouches(0, Infinity)).toBe(false);
  });
});
