import type { Account } from '@tenon/auth';
import { Type, type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const email = Type.String({ minLength: 3, maxLength: 254, examples: ['ada@example.com'] });
const name = Type.String({ minLength: 1, maxLength: 255, examples: ['Ada Lovelace'] });
const password = Type.String({
  minLength: 1,
  maxLength: 1_024,
  description: 'at least 12 characters and at most 72 bytes, not a common one',
  examples: ['a sentence of your own'],
});
const time = Type.String({ format: 'date-time' });
const nullable = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description });

// The tenant is made after the account, so what it would refuse is refused here: some text, on one line.
const tenantName = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: String.raw`^\s*[^\s\p{Cc}](\P{Cc}*[^\s\p{Cc}])?\s*$`,
  description: 'default: the name of its owner',
  examples: ['Analytical Engines'],
});

/** What a person registers with. */
export const RegisterBody = Type.Object({ email, password, name, tenantName: Type.Optional(tenantName) }, closed);

/** What a person signs in with. */
export const LoginBody = Type.Object(
  {
    email,
    password: Type.String({ minLength: 1, maxLength: 1_024, examples: ['a sentence of your own'] }),
    tenant: Type.Optional(Type.String({ maxLength: 64, description: 'default: the first tenant of the account' })),
    mode: Type.Optional(
      Type.Enum(['body', 'cookie'], { description: 'where the refresh token goes', default: 'body' }),
    ),
  },
  // An example of the whole: one that is put together from its parts would ask for the tenant "".
  { ...closed, examples: [{ email: 'owner@localhost', password: 'the password shown at the first start' }] },
);

/** A refresh token, where it is not in the cookie. */
export const RefreshBody = Type.Object(
  { refreshToken: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })) },
  closed,
);

/** A change of password. */
export const ChangePasswordBody = Type.Object({ currentPassword: password, newPassword: password }, closed);

/** An account as its owner sees it. */
export const AccountSchema = Type.Object(
  { id: Type.String(), email: Type.String(), name: Type.String(), createdAt: time },
  { title: 'Account' },
);

/** What signing in and refreshing give. */
export const Tokens = Type.Object(
  {
    accessToken: Type.String({ description: 'send it as `Authorization: Bearer`' }),
    tokenType: Type.Literal('Bearer'),
    accessExpiresAt: time,
    refreshToken: Type.Optional(Type.String({ description: 'good for one refresh; absent in cookie mode' })),
    refreshExpiresAt: time,
    tenant: nullable('the tenant that the token works in'),
    tenants: Type.Array(Type.Object({ id: Type.String(), role: Type.String() })),
  },
  { title: 'Tokens' },
);

/** The caller. */
export const Me = Type.Object(
  {
    account: AccountSchema,
    tenant: nullable('the tenant of this request'),
    userId: nullable('who the caller is in that tenant'),
    role: nullable('owner, admin, member or viewer'),
    scopes: Type.Array(Type.String()),
    tenants: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), role: Type.String() })),
  },
  { title: 'Me' },
);

/** Leaves out what the account's owner has no use for. */
export function toAccount(account: Account): Static<typeof AccountSchema> {
  const { id, email: address, name: fullName, createdAt } = account;
  return { id, email: address, name: fullName, createdAt: createdAt.toISOString() };
}
