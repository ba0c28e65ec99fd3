import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface MadeCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A certificate that signs itself, made by openssl; `undefined` where there is none. */
export function makeCertificate(hostname: string): MadeCertificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-certificate-'));
  try {
    const key = join(folder, 'key.pem');
    const file = join(folder, 'certificate.pem');
    const what = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const where = [
      '-keyout',
      key,
      '-out',
      file,
      '-subj',
      `/CN=${hostname}`,
      '-addext',
      `subjectAltName=DNS:${hostname}`,
    ];
    const made = spawnSync('openssl', ['req', '-x509', ...what, ...where]);
    if (made.status !== 0) return undefined;
    return { certificate: readFileSync(file, 'utf8'), privateKey: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
