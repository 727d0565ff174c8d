import { spawnSync } from 'node:child_process';
import { METRICS, type Metric } from '@strata-cache/otel';

export const project = new URL('../../', import.meta.url).pathname;

/** What Prometheus calls a metric of ours. */
export function prometheusNames({ name, kind }: Metric): readonly string[] {
  const base = name.replaceAll('.', '_');
  if (kind === 'histogram') return ['bucket', 'sum', 'count'].map((part) => `${base}_${part}`);
  return [kind === 'counter' ? `${base}_total` : base];
}

export const exported: ReadonlySet<string> = new Set(Object.values(METRICS).flatMap(prometheusNames));

/** The metrics of ours an expression names. */
export function namesIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\bstrata_[a-z0-9_]+/g)].map(([name]) => name);
}

/** The labels an expression selects or groups by, apart from those Prometheus adds. */
export function labelsIn(expression: string): readonly string[] {
  const selected = [...expression.matchAll(/[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label);
  const grouped = [...expression.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list]) => list.split(/\s*,\s*/));
  return [...selected, ...grouped].filter((label) => !['instance', 'le'].includes(label));
}

export function promtool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, {
    cwd: project,
    encoding: 'utf8',
  });
  if (error) throw error;
  return { status, output: stdout + stderr };
}
