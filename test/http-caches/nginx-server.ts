import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownDir } from '../support/process-keeper.js';
import { launchCache, type CacheServer } from './cache-process.js';

const STRATA_CONF = fileURLToPath(new URL('../../deploy/nginx/strata.conf', import.meta.url));

/**
 * A private nginx in front of a loopback port. `shipped`: with the configuration that is shipped; `stock`: with nothing but a cache, as in
 * any tutorial, where only what the application says keeps users apart. `X-Cache` of its answers is `$upstream_cache_status`.
 */
export async function startNginx(backendPort: number, kind: 'shipped' | 'stock'): Promise<CacheServer> {
  const dir = ownDir('nginx');
  mkdirSync(join(dir, 'cache'));
  const conf = join(dir, 'nginx.conf');
  const cache = kind === 'shipped' ? `include ${STRATA_CONF};` : 'proxy_cache strata; proxy_cache_key "$request_uri";';
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  return launchCache({
    program: 'nginx',
    install: 'nginx-light',
    args: (port) => {
      writeFileSync(
        conf,
        `daemon off;
# One process: a worker would outlive a master that was killed.
master_process off;
pid ${join(dir, 'nginx.pid')};
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  ${temp.join(' ')}
  proxy_cache_path ${join(dir, 'cache')} keys_zone=strata:1m max_size=16m use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${backendPort};
      ${cache}
      add_header X-Cache $upstream_cache_status always;
    }
  }
}
`,
      );
      return ['-e', 'stderr', '-p', dir, '-c', conf];
    },
  });
}
