import { createPublicKey, X509Certificate } from 'node:crypto';
import { Secret } from '@tenon/core';
import { Type, type TString, type TStringOptions } from 'typebox';
import { defineKind, type CredentialKind, type SecretInput } from './define-kind.ts';
import { plainText } from './material.ts';

const text = (maxLength: number, more: TStringOptions = {}): TString =>
  Type.String({ minLength: 1, maxLength, ...more });
const closed = { additionalProperties: false } as const;
const SECRET_LENGTH = 65_536;

// What stands in plain beside a private key must not hold it: a file with both is easily given for its public part.
const privatePem = text(SECRET_LENGTH, { pattern: '-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----' });
const publicKeyText = text(SECRET_LENGTH, { pattern: '^(?![\\s\\S]*PRIVATE KEY-----)' });
const CERTIFICATE = '-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----';
const certificatesPem = text(SECRET_LENGTH, { pattern: `^(?:${CERTIFICATE}\\s*)+$` });

/** A key that one string is. `secret` is the key. */
export const apiKey: CredentialKind<object, [key: SecretInput]> = defineKind({
  name: 'api-key',
  schema: Type.Object({ key: text(SECRET_LENGTH) }, closed),
  from: (key: SecretInput) => ({ key: plainText(key) }),
  secret: ({ key }) => key,
  value: () => ({}),
});

/** A user name and its password, for HTTP Basic (RFC 7617) and the like. `secret` is the password. */
export const basic: CredentialKind<{ readonly username: string }, [username: string, password: SecretInput]> =
  defineKind({
    name: 'basic',
    schema: Type.Object({ username: text(1_024), password: text(SECRET_LENGTH) }, closed),
    from: (username: string, password: SecretInput) => ({ username, password: plainText(password) }),
    secret: ({ password }) => password,
    value: ({ username }) => ({ username }),
  });

/** A bearer token (RFC 6750). `secret` is the token. */
export const bearer: CredentialKind<object, [token: SecretInput]> = defineKind({
  name: 'bearer',
  schema: Type.Object({ token: text(SECRET_LENGTH) }, closed),
  from: (token: SecretInput) => ({ token: plainText(token) }),
  secret: ({ token }) => token,
  value: () => ({}),
});

/** What {@link oauth2} takes. */
export interface OAuth2Tokens {
  readonly accessToken: SecretInput;
  /** Never handed to a consumer. Absent: it cannot be refreshed. */
  readonly refreshToken?: SecretInput;
  /** When the access token ends. */
  readonly expiresAt?: Date;
  /** Default `Bearer`. */
  readonly tokenType?: string;
  /** What was granted. */
  readonly scopes?: readonly string[];
}

/** What a consumer of {@link oauth2} receives. */
export interface OAuth2Value {
  readonly tokenType: string;
  readonly scopes: readonly string[];
}

/** Tokens of OAuth 2.0 (RFC 6749). `secret` is the access token. */
export const oauth2: CredentialKind<OAuth2Value, [tokens: OAuth2Tokens]> = defineKind({
  name: 'oauth2',
  schema: Type.Object(
    {
      accessToken: text(SECRET_LENGTH),
      refreshToken: Type.Optional(text(SECRET_LENGTH)),
      expiresAt: Type.Optional(Type.String()),
      tokenType: text(64),
      scopes: Type.Array(text(512), { maxItems: 256 }),
    },
    closed,
  ),
  from: ({ accessToken, refreshToken, expiresAt, tokenType = 'Bearer', scopes = [] }: OAuth2Tokens) => ({
    accessToken: plainText(accessToken),
    ...(refreshToken === undefined ? {} : { refreshToken: plainText(refreshToken) }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    tokenType,
    scopes: [...scopes],
  }),
  secret: ({ accessToken }) => accessToken,
  value: ({ tokenType, scopes }) => ({ tokenType, scopes: Object.freeze([...scopes]) }),
  expiresAt: ({ expiresAt }) => (expiresAt === undefined ? undefined : new Date(expiresAt)),
});

/** How to reach a database. */
export interface DatabaseLogin {
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: SecretInput;
}

/** A login to a database. `secret` is the password. */
export const database: CredentialKind<Omit<DatabaseLogin, 'password'>, [login: DatabaseLogin]> = defineKind({
  name: 'database',
  schema: Type.Object(
    {
      host: text(255),
      port: Type.Integer({ minimum: 1, maximum: 65_535 }),
      database: text(255),
      username: text(255),
      password: text(SECRET_LENGTH),
    },
    closed,
  ),
  from: (login: DatabaseLogin) => ({ ...login, password: plainText(login.password) }),
  secret: ({ password }) => password,
  value: ({ host, port, database: name, username }) => ({ host, port, database: name, username }),
});

/** A pair of keys as PEM. `secret` is the private key; the public one is worked out when it is not given. */
export const keyPair: CredentialKind<{ readonly publicKey: string }, [privateKey: SecretInput, publicKey?: string]> =
  defineKind({
    name: 'key-pair',
    schema: Type.Object({ privateKey: privatePem, publicKey: publicKeyText }, closed),
    from: (privateKey: SecretInput, publicKey?: string) => ({
      privateKey: plainText(privateKey),
      publicKey: publicKey ?? createPublicKey(plainText(privateKey)).export({ type: 'spki', format: 'pem' }),
    }),
    secret: ({ privateKey }) => privateKey,
    value: ({ publicKey }) => ({ publicKey }),
  });

/**
 * An X.509 certificate, or a chain that begins with it, and its private key, as PEM. `secret` is the private key; it ends when the certificate
 * does. Anything else in the text of the certificate is left out.
 */
export const certificate: CredentialKind<
  { readonly certificate: string; readonly subject: string; readonly privateKey: Secret },
  [certificate: string, privateKey: SecretInput]
> = defineKind({
  name: 'certificate',
  schema: Type.Object({ certificate: certificatesPem, privateKey: privatePem }, closed),
  from: (pem: string, privateKey: SecretInput) => ({
    certificate: pem.match(new RegExp(CERTIFICATE, 'g'))?.join('\n') ?? '',
    privateKey: plainText(privateKey),
  }),
  secret: ({ privateKey }) => privateKey,
  value: ({ certificate: pem, privateKey }) => ({
    certificate: pem,
    subject: new X509Certificate(pem).subject,
    privateKey: new Secret(privateKey),
  }),
  expiresAt: ({ certificate: pem }) => new X509Certificate(pem).validToDate,
});

/** A key that signs messages. `secret` is the key. */
export const signingKey: CredentialKind<{ readonly algorithm: string }, [algorithm: string, key: SecretInput]> =
  defineKind({
    name: 'signing-key',
    schema: Type.Object({ algorithm: text(64), key: text(SECRET_LENGTH) }, closed),
    from: (algorithm: string, key: SecretInput) => ({ algorithm, key: plainText(key) }),
    secret: ({ key }) => key,
    value: ({ algorithm }) => ({ algorithm }),
  });

/** The kinds that every vault knows. */
export const builtInKinds: readonly CredentialKind[] = Object.freeze([
  apiKey,
  basic,
  bearer,
  oauth2,
  database,
  keyPair,
  certificate,
  signingKey,
]);
