import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { METRICS, otelObserver, type Metric } from '@strata-cache/otel';
import { findings } from '../../libs/nestjs/src/doctor/finding.js';
import { project, tablesOf, textOf } from './markdown.js';

const page = 'docs/observability.md';
const tables = tablesOf(page);

describe('docs/observability.md', () => {
  it('lists every metric with its kind, unit, attributes and meaning', () => {
    const rows = [...(tables.get('metrics') ?? [])].map(([name, cells]) => [name, ...cells]);
    const expected = Object.values(METRICS as Record<string, Metric>).map((metric) => [
      metric.name,
      metric.kind,
      metric.unit.replace(/[{}]/g, ''),
      metric.attributes.map((name) => `\`${name}\``).join(', ') || '-',
      metric.description,
    ]);
    expect(rows).toEqual(expected);
    expect(rows.length).toBeGreaterThan(40);
  });

  it('has names in which a unit of time or size is said', () => {
    for (const { name, unit } of Object.values(METRICS)) {
      expect([name, unit]).toEqual([
        name,
        name.endsWith('seconds') ? 's' : name.endsWith('bytes') ? 'By' : expect.not.stringMatching(/^(s|By)$/),
      ]);
    }
  });

  it('lists every option of otelObserver', () => {
    const options = [...(tables.get('otelObserver') ?? new Map()).keys()];
    expect(() => otelObserver({ nonsense: 1 } as never)).toThrow(`known options are ${options.join(', ')}`);
  });

  it('lists every rule of the doctor, and every alert', () => {
    const rules = [...(tables.get('doctor') ?? new Map()).keys()].sort();
    const source = readFileSync(`${project}libs/nestjs/src/doctor/finding.ts`, 'utf8');
    expect(rules).toEqual([...source.matchAll(/^ {2}\| '([\w-]+)'/gm)].map(([, rule]) => rule).sort());
    expect(rules).toHaveLength(Object.keys(findings).length);
    const alerts = [...readFileSync(`${project}deploy/prometheus/alerts.yml`, 'utf8').matchAll(/- alert: (\w+)/g)];
    expect(alerts.length).toBeGreaterThan(10);
    for (const [, alert] of alerts) expect(textOf(page)).toContain(`\`${alert}\``);
  });

  it('names only metrics that exist, here and in the runbook', () => {
    const known = new Set(Object.values(METRICS).map(({ name }) => name as string));
    const spans = /^strata\.(read|load|put|invalidate|l2\.\w+|lock\.\w+|event)$/;
    const attributes = /^strata\.(cache|outcome|background|key)$/;
    const calls = /^strata\.(stats|counts|sampleVitals|clear|invalidateTags|close|cache|locks)\b/;
    for (const document of [page, 'docs/runbook.md', 'docs/choosing.md']) {
      const named = [...textOf(document).matchAll(/`(strata\.[a-z0-9.]+)`/g)].map(([, name]) => name);
      const unknown = named.filter(
        (name) => !known.has(name) && ![spans, attributes, calls].some((one) => one.test(name)),
      );
      expect([document, unknown]).toEqual([document, []]);
    }
  });
});
