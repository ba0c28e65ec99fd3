import {
  defineResource,
  type CredentialSlots,
  type PoolSettings,
  type ResourceToken,
  type ResourcesOptions,
} from '@tenon/resources';
import type { TObject } from 'typebox';
import { openResources, type OpenResources } from './open-resources.ts';
import { createTestVault, type TestVault } from './test-vault.ts';

/** A connection that was made with a password. */
export interface Connection {
  readonly id: number;
  password: string;
  readonly tenant: string | undefined;
  endedFor: string | undefined;
}

/** A server that one logs in to, and the resource of it. */
export interface OpenLogin extends OpenResources {
  readonly vault: TestVault;
  readonly token: ResourceToken<{ readonly value: Connection }>;
  readonly made: Connection[];
  /** The passwords that the server takes. */
  readonly accepted: Set<string>;
  /** Before each connection is made. */
  before: () => Promise<void> | void;
  readonly living: () => readonly Connection[];
}

export interface LoginOptions extends ResourcesOptions {
  readonly use?: 'pooled' | 'shared';
  readonly isolation?: 'tenant' | 'none';
  readonly pool?: PoolSettings;
  readonly onCredentialRotated?: (connection: Connection, password: string) => Promise<'keep' | 'replace'>;
}

export function openLogin(options: LoginOptions = {}): OpenLogin {
  const { use = 'pooled', isolation = 'tenant', pool = {}, onCredentialRotated, ...more } = options;
  const vault = createTestVault();
  const made: Connection[] = [];
  const accepted = new Set<string>();
  const token = defineResource<Connection, TObject, { readonly value: Connection }, CredentialSlots>({
    name: 'login',
    use,
    isolation,
    pool,
    credentials: { login: { kind: 'basic', id: 'the-login' } },
    async create({ credentials, scope }) {
      await opened.before();
      const password = credentials['login']?.secret.reveal() ?? '';
      const one: Connection = { id: made.length + 1, password, tenant: scope.tenant, endedFor: undefined };
      made.push(one);
      return one;
    },
    check: ({ password }) => accepted.size === 0 || accepted.has(password),
    destroy(one, { reason }) {
      if (one.endedFor !== undefined) throw new Error('it was ended before');
      one.endedFor = reason;
    },
    ...(onCredentialRotated === undefined
      ? {}
      : {
          onCredentialRotated: (one: Connection, { credential }) =>
            onCredentialRotated(one, credential.secret.reveal()),
        }),
  });
  const opened: OpenLogin = {
    ...openResources({ define: [token], vault, ...more }),
    vault,
    token,
    made,
    accepted,
    before: () => undefined,
    living: () => made.filter(({ endedFor }) => endedFor === undefined),
  };
  return opened;
}
