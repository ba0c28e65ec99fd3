import { Type, type Static } from 'typebox';
import { roles } from './role.ts';

/** Where a person stands: `invited` has not accepted yet, `disabled` can no longer come in. */
export const userStatuses = ['active', 'invited', 'disabled'] as const;

/** The status of a person in a tenant. */
export type UserStatus = (typeof userStatuses)[number];

// No control characters, NUL and line breaks among them: these fields end up in headers, logs and mail.
const LINE = '^\\P{Cc}*$';

const Email = Type.String({
  minLength: 3,
  maxLength: 254,
  pattern: '^[^\\s@\\p{Cc}]{1,64}@[^\\s@\\p{Cc}]+$',
  description: 'Shown as typed; unique in the tenant regardless of case.',
});
const Name = Type.String({ minLength: 1, maxLength: 255, pattern: LINE });
const Detail = Type.Union([Type.String({ minLength: 1, maxLength: 255, pattern: LINE }), Type.Null()]);
const Phone = Type.Union([Type.String({ minLength: 1, maxLength: 50, pattern: LINE }), Type.Null()]);
const RoleSchema = Type.Enum([...roles]);
const StatusSchema = Type.Enum([...userStatuses]);
const Id = Type.String({ minLength: 1, maxLength: 64 });
const Time = Type.String({
  pattern: '^\\d{4,}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
  description: 'ISO 8601, UTC',
});

const optionalDetails = {
  company: Type.Optional(Detail),
  title: Type.Optional(Detail),
  city: Type.Optional(Detail),
  country: Type.Optional(Detail),
  phone: Type.Optional(Phone),
};

/** A person of a tenant: membership and profile. Lengths are in code points. */
export const UserSchema = Type.Object(
  {
    id: Id,
    tenantId: Id,
    accountId: Type.Union([Id, Type.Null()], {
      description: 'The sign-in account; null for a person who cannot sign in.',
    }),
    email: Email,
    name: Name,
    role: RoleSchema,
    status: StatusSchema,
    company: Detail,
    title: Detail,
    city: Detail,
    country: Detail,
    phone: Phone,
    createdAt: Time,
    updatedAt: Time,
    version: Type.Integer({ minimum: 1 }),
  },
  { additionalProperties: false },
);

/** A person of a tenant: membership and profile. */
export type User = Readonly<Static<typeof UserSchema>>;

/** What adds a person. Role defaults to `member`, status to `active`; details left out are null. */
export const NewUserSchema = Type.Object(
  {
    email: Email,
    name: Name,
    role: Type.Optional(RoleSchema),
    status: Type.Optional(StatusSchema),
    ...optionalDetails,
  },
  { additionalProperties: false },
);

/** What adds a person. Role defaults to `member`, status to `active`; details left out are null. */
export type NewUser = Readonly<Static<typeof NewUserSchema>>;

/** What replaces a person's whole entry. Details left out become null; role and status must be said. */
export const UserReplacementSchema = Type.Object(
  { email: Email, name: Name, role: RoleSchema, status: StatusSchema, ...optionalDetails },
  { additionalProperties: false },
);

/** What replaces a person's whole entry. Details left out become null; role and status must be said. */
export type UserReplacement = Readonly<Static<typeof UserReplacementSchema>>;

/** What changes some fields of a person. What is left out stays; null clears a detail. */
export const UserPatchSchema = Type.Object(
  {
    email: Type.Optional(Email),
    name: Type.Optional(Name),
    role: Type.Optional(RoleSchema),
    status: Type.Optional(StatusSchema),
    ...optionalDetails,
  },
  { additionalProperties: false },
);

/** What changes some fields of a person. What is left out stays; null clears a detail. */
export type UserPatch = Readonly<Static<typeof UserPatchSchema>>;
