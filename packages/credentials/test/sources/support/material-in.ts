import { credentials, type SourcedCredential } from '@tenon/credentials';
import { memoryStorage } from '@tenon/credentials/drivers/memory';
import { KeyRing } from '@tenon/crypto';

/** What is in the material that a source gave, as a vault hands it out. */
export async function materialIn(
  sourced: SourcedCredential | undefined,
): Promise<{ readonly kind: string; readonly secret: string; readonly value: object } | undefined> {
  if (sourced === undefined) return undefined;
  const vault = credentials().storage(memoryStorage()).keys(KeyRing.generate()).tenant('main').build();
  await vault.store({ scope: 'org:acme', id: 'it' }, sourced.material);
  const found = await vault.retrieve({ scope: 'org:acme', id: 'it' }, { allowExpired: true });
  return found && { kind: found.kind, secret: found.secret.reveal(), value: found.value };
}
