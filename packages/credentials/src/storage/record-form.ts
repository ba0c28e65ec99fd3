import { Type, type TObject } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

// What is not named here is not read: a record of a later version of this package is refused rather than read in part.
const exact = { additionalProperties: false } as const;
const text = Type.String();
const moment = Type.Number();
const count = Type.Integer({ minimum: 0 });
const fromOne = Type.Integer({ minimum: 1 });
const optionalMoment = Type.Optional(moment);

const version = Type.Object(
  {
    version: fromOne,
    // Text, bytes, or left out of a summary: each driver looks for itself.
    envelope: Type.Optional(Type.Unknown()),
    keyId: text,
    createdAt: moment,
    expiresAt: optionalMoment,
    graceUntil: optionalMoment,
  },
  exact,
);

const graceMs = Type.Optional(Type.Number());
const policy = Type.Union([
  Type.Object(
    { type: Type.Literal('periodic'), intervalMs: Type.Number(), jitter: Type.Optional(Type.Boolean()), graceMs },
    exact,
  ),
  Type.Object(
    {
      type: Type.Literal('before-expiry'),
      thresholdShare: Type.Optional(Type.Number()),
      minimumMs: Type.Optional(Type.Number()),
      graceMs,
    },
    exact,
  ),
  Type.Object({ type: Type.Literal('scheduled'), cron: Type.Optional(text), at: optionalMoment, graceMs }, exact),
  Type.Object({ type: Type.Literal('manual'), graceMs }, exact),
]);

const refresh = Type.Object(
  {
    reauthorize: Type.Optional(
      Type.Union([Type.Literal('rejected'), Type.Literal('outcome-unknown'), Type.Literal('nothing-to-refresh-with')]),
    ),
    notBefore: optionalMoment,
    failures: count,
    unknownAt: Type.Array(moment),
    generation: count,
    claim: Type.Optional(Type.Object({ holder: text, expiresAt: moment }, exact)),
  },
  exact,
);

const record: TObject = Type.Object(
  {
    key: Type.Object({ tenant: text, scope: text, id: text }, exact),
    kind: text,
    revision: fromOne,
    current: version,
    previous: Type.Array(version),
    tags: Type.Record(Type.String(), text),
    description: Type.Optional(text),
    policies: Type.Array(policy),
    createdAt: moment,
    modifiedAt: moment,
    rotatedAt: optionalMoment,
    refresh: Type.Optional(refresh),
  },
  exact,
);

let validator: Validator | undefined;

/**
 * Tells where a value differs from the form of a {@link StoredCredential} or its summary. Envelopes are not looked at.
 *
 * @returns the place, as a JSON pointer, never what stands there; `undefined` when nothing differs
 */
export function misplaced(value: unknown): string | undefined {
  // Compiled at first use, and kept.
  validator ??= Compile(record) as Validator;
  if (validator.Check(value)) return undefined;
  return validator.Errors(value)[0]?.instancePath || '/';
}
