import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { OwnProcess, ownDir } from '../support/process-keeper.js';

/** What a query answers: one value per set of labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A line: seconds since the start of the range, and values. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [at: number, value: number])[];
}

/** A private Prometheus on loopback that scrapes every second; ended by `stopAll`. */
export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** @param targets `host:port` of what it scrapes, at /metrics. @param rules files of rules */
  static async start(targets: readonly string[], rules: readonly string[] = []): Promise<Prometheus> {
    const dir = ownDir('prometheus');
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: rules,
      scrape_configs: [{ job_name: 'catalog', static_configs: [{ targets }] }],
    };
    // JSON is YAML.
    writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(dir, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(dir, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`prometheus was not started: ${error.message}`)));
    });
    const own = new OwnProcess(child);
    const url = `http://127.0.0.1:${port}`;
    const ready = async (): Promise<boolean> => {
      if (!own.running) throw new Error('prometheus ended before it was ready');
      return (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true;
    };
    await eventually(ready, { within: 20_000, what: 'Prometheus' });
    return new Prometheus(url);
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const body = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return body.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** One point a second from `from` to `to` (s since the epoch), per set of labels. */
  async range(expression: string, from: number, to: number): Promise<readonly Series[]> {
    const query = new URLSearchParams({ query: expression, start: String(from), end: String(to), step: '1' });
    const body = await this.#get<{ result: { metric: Record<string, string>; values: [number, string][] }[] }>(
      `query_range?${query.toString()}`,
    );
    return body.result.map(({ metric, values }) => ({
      labels: metric,
      points: values.map(([at, value]) => [at - from, Number(value)] as const),
    }));
  }

  /** Names of all metrics it has. */
  async names(): Promise<readonly string[]> {
    return this.#get<string[]>('label/__name__/values');
  }

  /** Of each target: whether it was scraped, and what went wrong. */
  async targets(): Promise<readonly { readonly health: string; readonly lastError: string }[]> {
    return (await this.#get<{ activeTargets: { health: string; lastError: string }[] }>('targets')).activeTargets;
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`Prometheus: ${path}: ${error}`);
    return data;
  }
}
