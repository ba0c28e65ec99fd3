import type { Auth } from '@tenon/auth';
import type { CredentialVault } from '@tenon/credentials';
import type { KeyRing } from '@tenon/crypto';
import type { CursorCodec, Database } from '@tenon/database';
import type { KeyValueStore } from '@tenon/kv';
import type { Tenancy } from '@tenon/tenancy';
import type { Trading } from '@tenon/trading';
import type { DeclaredResources } from './resources/declared-resources.ts';
import type { TenantSettings } from './tenant-settings.ts';

/** Every service of the platform, built once. Routes receive them; nothing looks them up. */
export interface Services {
  readonly keys: KeyRing;
  readonly database: Database;
  readonly kv: KeyValueStore;
  readonly tenancy: Tenancy<TenantSettings>;
  readonly auth: Auth;
  readonly credentials: CredentialVault;
  readonly resources: DeclaredResources;
  readonly trading: Trading;
  readonly cursors: CursorCodec;
}
