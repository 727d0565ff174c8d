import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ownDir } from './process-keeper.js';

/** A throw-away authority and one certificate it signed for 127.0.0.1 and localhost, as files and as PEM text. */
export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const run = promisify(execFile);

/** Makes a fresh {@link TlsFiles} with the `openssl` command (which must be installed), valid for two days. */
export async function makeTlsFiles(): Promise<TlsFiles> {
  const dir = ownDir('tls');
  const at = (name: string): string => join(dir, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  writeFileSync(at('san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n');
  await openssl([
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=strata test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ]);
  await openssl([
    'req',
    ...newKey.slice(0, -2),
    '-subj',
    '/CN=localhost',
    '-keyout',
    at('key.pem'),
    '-out',
    at('req.pem'),
  ]);
  const signing = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('san.cnf'),
  ];
  await openssl(['x509', '-req', '-in', at('req.pem'), ...signing, '-out', at('cert.pem')]);
  const files = { caFile: at('ca.pem'), certFile: at('cert.pem'), keyFile: at('key.pem') };
  const text = (file: string): string => readFileSync(file, 'utf8');
  return { ...files, ca: text(files.caFile), cert: text(files.certFile), key: text(files.keyFile) };
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      missing
        ? 'The TLS tests need the `openssl` command: install openssl.'
        : `openssl ${args[0]} failed: ${String(error)}`,
      {
        cause: error,
      },
    );
  }
}
