// How much do our envelopes cost over bare node:crypto, and how do our Fernet tokens compare with npm `fernet`?
// One operation seals (encrypts) and opens (decrypts) a 1 KB value. Ratios above 1 mean that ours is faster.
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  type CipherGCMOptions,
  type KeyObject,
} from 'node:crypto';
import { createRequire } from 'node:module';
import { createFernet, generateFernetKey, KeyRing, open, seal } from '@tenon/crypto';
import { interleave, machine, sized, type BenchResult } from './result.ts';

const ROUNDS = sized(9, 1);
const MILLISECONDS_PER_ROUND = sized(300, 10);
const PLAINTEXT_BYTES = 1024;
const ASSOCIATED_DATA = 'acme/credential/github';
const FULL_TAG: CipherGCMOptions = { authTagLength: 16 };

/** What people write by hand: random nonce, associated data, one buffer of nonce, ciphertext and tag. */
function sealByHand(key: KeyObject, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, FULL_TAG);
  cipher.setAAD(Buffer.from(ASSOCIATED_DATA));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function openByHand(key: KeyObject, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), FULL_TAG);
  decipher.setAAD(Buffer.from(ASSOCIATED_DATA));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

/** The bare calls: nonce and associated data lie ready, nothing is put together. The least that node:crypto can cost. */
function bareRoundTrip(key: KeyObject, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce, FULL_TAG);
  cipher.setAAD(associatedData);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, FULL_TAG);
  decipher.setAAD(associatedData);
  decipher.setAuthTag(cipher.getAuthTag());
  const opened = decipher.update(ciphertext);
  decipher.final();
  return opened;
}

/** The part of npm `fernet` that is measured. */
interface NpmFernet {
  readonly Secret: new (key: string) => object;
  readonly Token: new (options: { readonly secret: object; readonly token?: string; readonly ttl: number }) => {
    encode(message: string): string;
    decode(): string;
  };
}

/** @returns figures in round trips per second, by contestant */
export async function run(): Promise<BenchResult> {
  const ring = KeyRing.generate().subring('bench');
  const key = createSecretKey(randomBytes(32));
  const plaintext = randomBytes(PLAINTEXT_BYTES);
  const bound = { associatedData: ASSOCIATED_DATA };
  const nonce = randomBytes(12);
  const associatedData = Buffer.from(ASSOCIATED_DATA);

  // The package has no types and is CommonJS.
  const npmFernet = createRequire(import.meta.url)('fernet') as NpmFernet;
  const fernetKey = generateFernetKey();
  const fernet = createFernet([fernetKey]);
  const secret = new npmFernet.Secret(fernetKey.reveal());
  const message = randomBytes(PLAINTEXT_BYTES / 2).toString('hex');

  const sealing = await interleave(
    {
      ours: () => open(ring, seal(ring, plaintext, bound), bound),
      byHand: () => openByHand(key, sealByHand(key, plaintext)),
      bare: () => bareRoundTrip(key, nonce, associatedData, plaintext),
    },
    { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS_PER_ROUND },
  );
  const tokens = await interleave(
    {
      ours: () => fernet.decrypt(fernet.encrypt(message), { ttlMs: 60_000 }),
      npm: () => {
        const token = new npmFernet.Token({ secret, ttl: 60 }).encode(message);
        return new npmFernet.Token({ secret, token, ttl: 60 }).decode();
      },
    },
    { rounds: ROUNDS, millisecondsPerRound: MILLISECONDS_PER_ROUND },
  );

  return {
    name: 'seal',
    unit: 'round trips/s',
    ours: { seal: sealing.ours, fernet: tokens.ours },
    peers: { 'node:crypto': { byHand: sealing.byHand, bare: sealing.bare }, 'npm fernet': { fernet: tokens.npm } },
    ratios: {
      'seal / node:crypto by hand': sealing.ours / sealing.byHand,
      'seal / node:crypto bare': sealing.ours / sealing.bare,
      'fernet / npm fernet': tokens.ours / tokens.npm,
    },
    runs: ROUNDS,
    machine: machine(),
  };
}
