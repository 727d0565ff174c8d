import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownDir } from '../support/process-keeper.js';
import { launchCache, type CacheServer } from './cache-process.js';

const STRATA_VCL = fileURLToPath(new URL('../../deploy/varnish/strata.vcl', import.meta.url));

/**
 * A private Varnish in front of a loopback port, with the VCL that is shipped. `X-Cache` of its answers says `hit`, `stale` or `miss`.
 * Its log lives in files of its own folder; it is removed with it.
 */
export async function startVarnish(
  backendPort: number,
  purgers: readonly string[] = ['127.0.0.1'],
): Promise<CacheServer> {
  const dir = ownDir('varnish');
  const vcl = join(dir, 'main.vcl');
  writeFileSync(
    vcl,
    `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${backendPort}"; }
acl purgers { ${purgers.map((address) => `"${address}";`).join(' ')} }
include "${STRATA_VCL}";
sub vcl_deliver {
  if (obj.hits > 0 && obj.ttl > 0s) { set resp.http.X-Cache = "hit"; }
  elsif (obj.hits > 0) { set resp.http.X-Cache = "stale"; }
  else { set resp.http.X-Cache = "miss"; }
}
`,
  );
  return launchCache({
    program: 'varnishd',
    install: 'varnish varnish-modules',
    // Small logs and few threads: two cores are shared with everything else. No jail: the folder is ours alone.
    args: (port) =>
      `-F -n ${join(dir, 'n')} -j none -a 127.0.0.1:${port} -T none -f ${vcl} -s malloc,16M -l 1M -p thread_pool_min=5 -p thread_pools=1`.split(
        ' ',
      ),
  });
}
