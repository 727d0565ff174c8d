import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FillRecord, L2Factory, LeaseRequest } from '@strata-cache/core';
import { sharedMemory } from '@strata-cache/core/testing';
import { Coherence } from '../../libs/core/src/coherence/coherence.js';
import { Fence } from '../../libs/core/src/coherence/fence.js';
import { TagLedger } from '../../libs/core/src/coherence/tag-ledger.js';
import { runSchedule, scheduler, script, type RunOptions } from './schedule-run.js';

const seed = Number(process.env['STRATA_SEED'] ?? 20_260);
/** In each of two modes. */
const runs = Number(process.env['STRATA_SCHEDULES'] ?? 25_000);

async function explore(numRuns: number, options: RunOptions): Promise<fc.RunDetails<unknown>> {
  const property = fc.asyncProperty(script, scheduler(), async (lines, s) => {
    expect(await runSchedule(lines, s, options)).toEqual([]);
  });
  return (await fc.check(property, { numRuns, seed, endOnFailure: true })) as fc.RunDetails<unknown>;
}

describe('two instances over a step-controlled second tier', () => {
  it.each(['coherent', 'bounded'] as const)(
    '%s: no schedule returns, or leaves behind, what an acknowledged invalidation forbids',
    async (consistency) => {
      const details = await explore(runs, { consistency });
      expect(fc.defaultReportMessage(details)).toBeUndefined();
      expect(details.numRuns).toBe(runs);
    },
    600_000,
  );
});

/** Fills whatever became of the lease. */
function fillsWithoutLease(): L2Factory {
  const inner = sharedMemory();
  return {
    kind: 'l2',
    create: (context) => {
      const parts = inner.create(context);
      const { tier } = parts;
      const fill = async (
        key: string,
        lease: { token: string },
        record: FillRecord,
        announce: boolean,
      ): Promise<boolean> => {
        const request: LeaseRequest = { token: lease.token, seen: '', ttl: 1_000, force: true };
        const reply = await tier.lease(key, request);
        return reply.status === 'granted' && tier.fill(key, reply.lease, record, announce);
      };
      const bad = new Proxy(tier, {
        get: (target, name) => {
          if (name === 'fill') return fill;
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
      return { ...parts, tier: bad };
    },
  };
}

const undo: (() => void)[] = [];

function patch<T extends object, Name extends keyof T>(prototype: T, name: Name, mutant: T[Name]): void {
  const original = prototype[name];
  prototype[name] = mutant;
  undo.push(() => (prototype[name] = original));
}

const mutants: Record<string, { readonly options: RunOptions; readonly apply?: () => void }> = {
  'a fence is never broken': {
    options: { consistency: 'bounded' },
    apply: () => patch(Fence.prototype, 'break', () => undefined),
  },
  'a fence says nothing to its flight': {
    options: { consistency: 'bounded' },
    apply: () =>
      patch(Fence.prototype, 'break', function (this: Fence, mode) {
        this.broken = this.armed ? mode : this.broken;
      }),
  },
  'tags are judged valid': {
    options: { consistency: 'bounded' },
    apply: () => patch(TagLedger.prototype, 'judge', () => 'valid'),
  },
  'messages change nothing': {
    options: { consistency: 'bounded' },
    apply: () => patch(Coherence.prototype, 'apply', () => undefined),
  },
  'a fill does not need its lease': { options: { consistency: 'coherent', shared: fillsWithoutLease } },
};

describe('the schedules notice', () => {
  afterEach(() => undo.splice(0).forEach((restore) => restore()));

  it.each(Object.entries(mutants))('%s', async (_name, { options, apply }) => {
    apply?.();
    const details = await explore(10_000, options);
    expect(details.failed).toBe(true);
    expect(details.numRuns).toBeLessThan(10_000);
  });
});
