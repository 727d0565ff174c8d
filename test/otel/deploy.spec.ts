import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { METRICS } from '@strata-cache/otel';
import { exported, labelsIn, namesIn, project, prometheusNames, promtool } from './promtool.js';

const rules = readFileSync(join(project, 'deploy/prometheus/alerts.yml'), 'utf8');
/** Apart: rules that look back a day are looked at every five minutes, or their tests would take half a minute. */
const RULE_TESTS = ['alerts.test.yml', 'alerts-day.test.yml'];
const ruleTests = RULE_TESTS.map((file) => readFileSync(join(project, 'deploy/prometheus', file), 'utf8'));
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name);
/** Every expression of the rules: one line, or a block of lines indented deeper. */
const ruleExpressions = [...rules.matchAll(/^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(
  ([, block, one]) => block ?? one,
);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(join(project, 'deploy/grafana/strata.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};
const plots = dashboard.panels.filter(({ type }) => type !== 'row');
const dashboardExpressions = [
  ...plots.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
];

const labels = new Set(['engine', ...Object.values(METRICS).flatMap(({ attributes }) => attributes)]);

describe('alert rules', () => {
  it('are valid, and each fires and stays silent where it should', () => {
    expect(promtool('check', 'rules', 'deploy/prometheus/alerts.yml')).toMatchObject({ status: 0 });
    for (const file of RULE_TESTS) {
      expect(promtool('test', 'rules', `deploy/prometheus/${file}`)).toMatchObject({ status: 0 });
    }
    expect(alerts.length).toBeGreaterThanOrEqual(14);
    for (const alert of alerts) {
      const cases = ruleTests
        .join('\n')
        .split('\n  - name: ')
        .filter((text) => text.includes(`alertname: ${alert}\n`));
      expect([alert, cases.filter((text) => text.includes('exp_labels')).length]).toEqual([alert, 1]);
      expect([alert, cases.some((text) => text.includes('exp_alerts: []'))]).toEqual([alert, true]);
    }
  });

  it('are what the Prometheus of the sample loads, beside its Grafana', () => {
    expect(promtool('check', 'config', 'deploy/prometheus/prometheus.yml')).toMatchObject({ status: 0 });
    const files = ['-f', 'docker-compose.yml', '-f', 'deploy/observability.yml'];
    const { status, stdout } = spawnSync('docker-compose', [...files, 'config'], { cwd: project, encoding: 'utf8' });
    expect(status).toBe(0);
    const mounted = [...stdout.matchAll(/(\S+\/deploy\/[\w./-]+):\//g)].map(([, path]) => path);
    expect(mounted.length).toBe(3);
    for (const path of mounted) expect([path, existsSync(path)]).toEqual([path, true]);
  });

  it('and their tests notice a rule that changed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strata-rules-'));
    try {
      writeFileSync(join(folder, 'alerts.yml'), rules.replace('> 0.05', '> 0.5'));
      writeFileSync(join(folder, 'alerts.test.yml'), ruleTests[0]);
      const { status, output } = promtool('test', 'rules', join(folder, 'alerts.test.yml'));
      expect([status, output]).toEqual([1, expect.stringContaining('StrataLoadErrors')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('name metrics and labels that are exported', () => {
    expect(ruleExpressions.length).toBe(alerts.length + 1);
    const named = ruleExpressions.flatMap(namesIn);
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((name) => !exported.has(name))).toEqual([]);
    expect(ruleExpressions.flatMap(labelsIn).filter((label) => !labels.has(label))).toEqual([]);
  });
});

describe('the dashboard', () => {
  it('names metrics and labels that are exported', () => {
    const named = dashboardExpressions.flatMap(namesIn);
    expect(named.length).toBeGreaterThanOrEqual(50);
    expect(named.filter((name) => !exported.has(name))).toEqual([]);
    expect(dashboardExpressions.flatMap(labelsIn).filter((label) => !labels.has(label))).toEqual([]);
  });

  it('shows every metric', () => {
    const shown = new Set(dashboardExpressions.flatMap(namesIn));
    const missing = Object.values(METRICS).filter((metric) => !prometheusNames(metric).some((name) => shown.has(name)));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it('has panels that say what they show, in a unit, and do not overlap', () => {
    expect(plots.length).toBeGreaterThan(20);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, description, fieldConfig, targets = [] } of plots) {
      expect([title, description?.length, fieldConfig?.defaults.unit, targets.length]).toEqual([
        title,
        expect.any(Number),
        expect.any(String),
        expect.any(Number),
      ]);
    }
    for (const one of dashboard.panels) {
      const over = dashboard.panels.filter(({ id, gridPos }) => id > one.id && overlap(gridPos, one.gridPos));
      expect(over).toEqual([]);
    }
  });
});

function overlap(one: Panel['gridPos'], other: Panel['gridPos']): boolean {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}
