import { randomBytes } from 'node:crypto';
import { getHeapSnapshot } from 'node:v8';
import { apiKey, credentials, type CredentialSource } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

// A program of its own: only then is nothing in its memory but what it does itself.
const reference = { scope: 'org:acme', id: 'github' };

/** A source that makes its secret anew from bytes each time, and keeps no text of it. */
function forgetfulSource(bytes: Buffer): CredentialSource & { asked: number } {
  return {
    name: 'forgetful',
    asked: 0,
    async get() {
      this.asked += 1;
      return { material: apiKey(bytes.toString('hex')), ttlMs: 60_000 };
    },
    close: () => Promise.resolve(),
  };
}

/** Whether the text that is the hexadecimal form of some bytes is alive in this process. */
async function isAlive(bytes: Buffer): Promise<boolean> {
  // As bytes all along: a text to look for would be found as itself.
  const needle = Buffer.alloc(bytes.byteLength * 2);
  for (const [at, byte] of bytes.entries()) {
    needle[at * 2] = '0123456789abcdef'.charCodeAt(byte >> 4);
    needle[at * 2 + 1] = '0123456789abcdef'.charCodeAt(byte & 15);
  }
  let rest = Buffer.alloc(0);
  let found = false;
  for await (const chunk of getHeapSnapshot()) {
    const text = Buffer.concat([rest, chunk as Buffer]);
    found ||= text.includes(needle);
    rest = text.subarray(-needle.byteLength);
  }
  return found;
}

const bytes = randomBytes(24);
const source = forgetfulSource(bytes);
const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).source(source).tenant('main').build();
// In functions: what a program itself still has in its hands is alive.
const look = async (): Promise<{ readonly kind: string | undefined; readonly whileHeld: boolean }> => {
  const handedOut = await vault.retrieve(reference);
  const whileHeld = await isAlive(bytes);
  return { kind: handedOut?.kind, whileHeld };
};
const lookAgain = async (): Promise<boolean> => {
  const again = await vault.retrieve(reference);
  return Buffer.from(again?.secret.reveal() ?? '', 'hex').equals(bytes);
};
const found = await look();
const afterwards = await isAlive(bytes);
const isSame = await lookAgain();
process.stdout.write(JSON.stringify({ ...found, afterwards, isSame, asked: source.asked }));
