// A process that refreshes every credential it is told of, at a provider that speaks HTTP. It writes one line of JSON for each.
import { credentials, oauth2, type CredentialRefresher } from '@tenon/credentials';
import { postgresStorage } from '@tenon/credentials/drivers/postgres';
import { KeyRing } from '@tenon/crypto';
import { createDatabase } from '@tenon/database';

const { DATABASE_URL = '', KEYS = '', PROVIDER = '', COUNT = '0' } = process.env;

const refresher: CredentialRefresher = {
  kind: 'oauth2',
  async refresh({ material, signal }) {
    const response = await fetch(PROVIDER, { method: 'POST', body: String(material['refreshToken']), signal });
    if (response.status === 400) return { status: 'rejected' };
    if (response.status === 503) return { status: 'not-applied' };
    const [accessToken = '', refreshToken = ''] = (await response.text()).split(' ');
    return { status: 'refreshed', material: oauth2({ accessToken, refreshToken }) };
  },
};

const database = createDatabase({ url: DATABASE_URL });
const vault = credentials()
  .storage(postgresStorage(database))
  .keys(KeyRing.parse(KEYS))
  .tenant('main')
  .refresher(refresher)
  .refreshing({ timeoutMs: 2_000, claimTtlMs: 4_000, heartbeatMs: 1_000, lateMs: 2_000 })
  .build();

const one = async (index: number): Promise<void> => {
  const reference = { scope: 'org:acme', id: `token-${index}` };
  const outcome = await vault.refresh(reference).then(
    ({ version }) => `version ${version}`,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
  process.stdout.write(`${JSON.stringify({ index, outcome })}\n`);
};

process.stdout.write('"ready"\n');
await Promise.all(Array.from({ length: Number(COUNT) }, (_, index) => one(index)));
await vault.close();
await database.close();
