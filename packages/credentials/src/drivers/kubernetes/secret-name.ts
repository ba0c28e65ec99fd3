import { createHash } from 'node:crypto';
import { keyText, type CredentialKey } from '../../identity/credential-key.ts';

/** RFC 4648, section 6, in lower case: what names of Kubernetes may hold. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The name of the Kubernetes secret in which a credential lies, unless the operator says otherwise: the prefix and 52 characters, the SHA-256 of
 * `tenant|scope|id` in base32. Names of Kubernetes can hold neither scopes nor capital letters nor 800 characters; a hash tells all keys apart.
 *
 * @param prefix - goes before the hash. Default `tenon-`
 * @example
 * ```ts
 * kubernetesSecretName({ tenant: 'acme', scope: 'org:acme', id: 'github' }); // for kubectl create secret generic <name> --from-literal=key=...
 * ```
 */
export function kubernetesSecretName(key: CredentialKey, prefix = 'tenon-'): string {
  return prefix + base32(createHash('sha256').update(keyText(key), 'utf8').digest());
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let waiting = 0;
  for (const byte of bytes) {
    waiting = (waiting << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(waiting >> bits) & 31];
      waiting &= (1 << bits) - 1;
    }
  }
  return bits === 0 ? text : text + BASE32[(waiting << (5 - bits)) & 31];
}
