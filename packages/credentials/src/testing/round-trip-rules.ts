import type { StoredCredential } from '../storage/stored-credential.ts';
import { assertHolds, assertMissing, assertRefused, put, write, type ContractRule } from './contract-check.ts';
import { fullRecord, sampleRecord, sampleVersion } from './sample-record.ts';

/** What goes in comes out. */
export const roundTripRules: readonly ContractRule[] = [
  {
    name: 'every field comes back as it was, and none that was not given',
    async check({ storage }) {
      const records = [fullRecord({ id: 'full' }), sampleRecord({ id: 'bare' })];
      await write(storage, ...records);
      for (const record of records) await assertHolds(storage, record);
    },
  },
  {
    name: 'a replaced record keeps nothing of the one before',
    async check({ storage }) {
      const full = fullRecord();
      await write(storage, full);
      const bare = sampleRecord({ revision: 2 });
      await write(storage, bare);
      await assertHolds(storage, bare);
      const again = { ...full, revision: 3 };
      await write(storage, again);
      await assertHolds(storage, again);
    },
  },
  {
    name: 'every byte of an envelope comes back, of the current version and of earlier ones',
    async check({ storage }) {
      const bytes = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      const versions = [bytes, bytes.toReversed(), Uint8Array.of(0), new Uint8Array()].map((envelope, index) =>
        sampleVersion({ version: 4 - index, envelope }),
      );
      const [current = sampleVersion(), ...previous] = versions;
      const record = sampleRecord({ current, previous });
      await write(storage, record);
      await assertHolds(storage, record);
    },
  },
  {
    name: 'every moment comes back exactly, from the first to the last that a Date can be',
    async check({ storage }) {
      for (const [index, moment] of [-8.64e15, -1, 0, 0.5, 1_767_225_600_000.25, 8.64e15].entries()) {
        const record = sampleRecord({
          id: `moment-${index}`,
          current: sampleVersion({ createdAt: moment, expiresAt: moment, graceUntil: moment }),
          createdAt: moment,
          modifiedAt: moment,
          rotatedAt: moment,
        });
        await write(storage, record);
        await assertHolds(storage, record);
      }
    },
  },
  {
    name: 'tags and descriptions may be any text, names of Object.prototype included',
    async check({ storage }) {
      const odd = [
        'constructor',
        'toString',
        'hasOwnProperty',
        'toJSON',
        'a"b\\c',
        "it's",
        ' ',
        'ключ',
        '🗝️',
        'a\nb\t',
      ];
      const tags = Object.fromEntries(odd.map((name) => [name, `${name} ${name}`]));
      const record = sampleRecord({ tags: { ...tags, empty: '' }, description: odd.join('\u2028') });
      const empty = sampleRecord({ id: 'empty', description: '' });
      await write(storage, record, empty);
      await assertHolds(storage, record);
      await assertHolds(storage, empty);
    },
  },
  {
    name: 'a large record comes back whole, and is replaced by a small one',
    async check({ storage }, { envelopeBytes }) {
      const part = Math.floor(envelopeBytes / 6);
      const envelope = Uint8Array.from({ length: part }, (_, index) => (index * 31) % 251);
      const previous = [5, 4, 3, 2, 1].map((version) => sampleVersion({ version, envelope: envelope.toReversed() }));
      const large = sampleRecord({ current: sampleVersion({ version: 6, envelope }), previous });
      await write(storage, large);
      await assertHolds(storage, large);
      const small = sampleRecord({ revision: 2 });
      await write(storage, small);
      await assertHolds(storage, small);
    },
  },
  {
    name: 'a record that could not come back as it was is refused, and nothing is written',
    async check({ storage }) {
      const wrong: readonly Partial<StoredCredential>[] = [
        { createdAt: Number.NaN },
        { modifiedAt: Infinity },
        { revision: 0.5 },
        { current: sampleVersion({ expiresAt: Infinity }) },
        { tags: { number: 1 as never } },
        { policies: [{ type: 'weekly' } as never] },
        { ['surprise' as never]: true },
      ];
      for (const fields of wrong) {
        const record = sampleRecord(fields);
        await assertRefused('CREDENTIAL_STORAGE_FAILED', () => put(storage, record, 0));
        await assertMissing(storage, record.key);
      }
    },
  },
];
