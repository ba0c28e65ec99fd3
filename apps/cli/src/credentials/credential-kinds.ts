/**
 * For each kind that the server knows, the field that is its secret. It stands here because loading the vault for each --help takes too
 * long.
 */
export const secretFields = {
  'api-key': 'key',
  basic: 'password',
  bearer: 'token',
  oauth2: 'accessToken',
  database: 'password',
  'key-pair': 'privateKey',
  certificate: 'privateKey',
  'signing-key': 'key',
} as const satisfies Readonly<Record<string, string>>;

/** The name of a kind. */
export type KindName = keyof typeof secretFields;

/** The names of all kinds. */
export const kindNames: readonly KindName[] = Object.freeze(Object.keys(secretFields) as KindName[]);

/** Whether the server knows a kind of this name. */
export function isKindName(name: string): name is KindName {
  return Object.hasOwn(secretFields, name);
}

/** Fields that are secrets too, although nobody asks for them. */
export const furtherSecretFields: readonly string[] = ['refreshToken'];
