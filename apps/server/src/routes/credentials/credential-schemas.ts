import { builtInKinds, type Credential, type CredentialInfo, type Validation } from '@tenon/credentials';
import { Type, type TObject } from 'typebox';

const closed = { additionalProperties: false } as const;
const time = Type.String({ format: 'date-time' });
const nullable = Type.Unsafe<string | null>({ type: ['string', 'null'] });
const kindNames = builtInKinds.map(({ definition }) => definition.name);

/** Tags of the API reference. */
export const tags = ['Credentials'];

const scope = Type.String({
  maxLength: 512,
  description: 'where it lies, as `org:acme/team:eng`',
  examples: ['org:acme/team:eng'],
});
const id = Type.String({ maxLength: 255, examples: ['github'] });
const kind = Type.Enum(kindNames, { description: 'what it is made of' });
const material = Type.Object(
  {},
  {
    additionalProperties: true,
    description: 'the secret itself, in the form of its kind',
    examples: [{ key: 'ghp_...' }],
  },
);
const Policies = Type.Array(Type.Object({ type: Type.String() }, { additionalProperties: true }), {
  maxItems: 10,
  description: 'when it should be rotated; the first that triggers counts',
  examples: [[{ type: 'periodic', intervalMs: 7_776_000_000 }]],
});
const details = {
  expiresAt: Type.Optional(Type.String({ description: 'when it ends, as a time of ISO 8601' })),
  tags: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'at most 50' })),
  description: Type.Optional(Type.String({ maxLength: 1_024 })),
  policies: Type.Optional(Policies),
};

/** What makes a credential. */
export const NewCredential = Type.Object({ scope, id, kind, material, ...details }, closed);
/** What takes the place of a credential. */
export const CredentialReplacement = Type.Object({ kind, material, ...details }, closed);
/** New material, with the old one readable for a while. */
export const Rotation = Type.Object(
  {
    kind,
    material,
    expiresAt: details.expiresAt,
    graceMs: Type.Optional(
      Type.Number({ minimum: 0, description: 'how long the old version can still be revealed; default a day' }),
    ),
    reason: Type.Optional(Type.Enum(['planned', 'emergency'])),
  },
  closed,
);
/** Which version to go back to. */
export const RollBack = Type.Object({ toVersion: Type.Optional(Type.Integer({ minimum: 1 })) }, closed);
/** Which credentials a batch is about. */
export const BatchBody = Type.Object(
  {
    operation: Type.Enum(['store', 'delete', 'validate']),
    items: Type.Array(Type.Object({ scope, id }, { additionalProperties: true }), { minItems: 1, maxItems: 1_000 }),
  },
  closed,
);
/** One item of any other batch. */
export const BatchItem = Type.Object({ scope, id }, closed);

/** The query of a route about one credential. */
export const ScopeQuery = Type.Object({ scope }, closed);
/** The query of revealing. */
export const RevealQuery = Type.Object(
  {
    scope,
    version: Type.Optional(
      Type.String({ pattern: '^[1-9][0-9]{0,8}$', description: 'an earlier version in its grace' }),
    ),
  },
  closed,
);
/** The path of a route about one credential. */
export const IdParameters: TObject = Type.Object({ id });

/** A credential without its secret. */
export const CredentialSchema = Type.Object(
  {
    scope: Type.String(),
    id: Type.String(),
    kind: Type.String(),
    version: Type.Integer(),
    tags: Type.Record(Type.String(), Type.String()),
    description: nullable,
    policies: Type.Array(Type.Object({}, { additionalProperties: true })),
    createdAt: time,
    modifiedAt: time,
    rotatedAt: nullable,
    expiresAt: nullable,
    rotateAfter: nullable,
    previous: Type.Array(Type.Object({ version: Type.Integer(), createdAt: time, graceUntil: nullable })),
    needsReauthorization: Type.Boolean(),
    keyIds: Type.Array(Type.String()),
  },
  { title: 'Credential' },
);

/** A credential with its secret. */
export const RevealedCredential = Type.Object(
  {
    scope: Type.String(),
    id: Type.String(),
    kind: Type.String(),
    version: Type.Integer(),
    secret: Type.String(),
    value: Type.Object({}, { additionalProperties: true }),
    expiresAt: nullable,
    tags: Type.Record(Type.String(), Type.String()),
  },
  { title: 'RevealedCredential' },
);

/** What is to be said of a credential without opening it. */
export const ValidationSchema = Type.Object(
  {
    status: Type.String({ description: '`valid`, `expired`, `not-found` or `invalid`' }),
    scope: Type.String(),
    id: Type.String(),
    expiresAt: Type.Optional(nullable),
    rotateAfter: Type.Optional(nullable),
    isRotationRecommended: Type.Optional(Type.Boolean()),
    expiredAt: Type.Optional(time),
    reason: Type.Optional(Type.String()),
  },
  { title: 'CredentialValidation' },
);

const shown = (date: Date | undefined): string | null => date?.toISOString() ?? null;

/** A credential as the API shows it. */
export function toShown(info: CredentialInfo) {
  const { scope: of, id: name, kind: kindName, version, tags: given, policies, needsReauthorization, keyIds } = info;
  return {
    scope: of,
    id: name,
    kind: kindName,
    version,
    tags: given,
    description: info.description ?? null,
    policies,
    createdAt: info.createdAt.toISOString(),
    modifiedAt: info.modifiedAt.toISOString(),
    rotatedAt: shown(info.rotatedAt),
    expiresAt: shown(info.expiresAt),
    rotateAfter: shown(info.rotateAfter),
    previous: info.previous.map((one) => ({
      version: one.version,
      createdAt: one.createdAt.toISOString(),
      graceUntil: shown(one.graceUntil),
    })),
    needsReauthorization,
    keyIds,
  };
}

/** A credential with its secret, for who may see it. */
export function toRevealed({
  scope: of,
  id: name,
  kind: kindName,
  version,
  secret,
  value,
  expiresAt,
  tags: given,
}: Credential) {
  return {
    scope: of,
    id: name,
    kind: kindName,
    version,
    secret: secret.reveal(),
    value,
    expiresAt: shown(expiresAt),
    tags: given,
  };
}

/** A judgement as the API shows it. */
export function toValidation(validation: Validation) {
  switch (validation.status) {
    case 'valid':
      return {
        ...validation,
        expiresAt: shown(validation.expiresAt),
        rotateAfter: shown(validation.rotateAfter),
      };
    case 'expired': {
      const { now: _, expiredAt, ...rest } = validation;
      return { ...rest, expiredAt: expiredAt.toISOString() };
    }
    case 'not-found':
    case 'invalid':
      return validation;
    default:
      return validation satisfies never;
  }
}
