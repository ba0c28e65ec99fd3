import { randomFillSync } from 'node:crypto';

/** Length of an AES-GCM nonce, in bytes: the 96 bits that NIST SP 800-38D asks for. */
export const NONCE_BYTES = 12;

const POOL_NONCES = 256;

/**
 * Makes a source of random nonces that asks the system's generator once for many: a call each costs a fifth of a seal.
 * Each pooled value is given out once; the memory is taken at first use.
 *
 * @returns a view that stays unchanged until {@link POOL_NONCES} later calls: copy it at once
 */
export function createNoncePool(): () => Uint8Array {
  let pool: Uint8Array | undefined;
  let used = 0;
  return () => {
    if (pool === undefined || used === pool.length) {
      pool = randomFillSync(pool ?? new Uint8Array(POOL_NONCES * NONCE_BYTES));
      used = 0;
    }
    used += NONCE_BYTES;
    return pool.subarray(used - NONCE_BYTES, used);
  };
}
