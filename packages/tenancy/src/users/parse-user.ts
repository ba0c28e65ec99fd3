import { err, ok, type InputProblem, type Result } from '@tenon/core';
import { createRecordParser } from './record-parser.ts';
import {
  NewUserSchema,
  UserPatchSchema,
  UserReplacementSchema,
  UserSchema,
  type NewUser,
  type User,
  type UserPatch,
  type UserReplacement,
} from './user.ts';

const newUserParser = createRecordParser<NewUser>(NewUserSchema);
const replacementParser = createRecordParser<UserReplacement>(UserReplacementSchema);
const patchParser = createRecordParser<UserPatch>(UserPatchSchema);
const userParser = createRecordParser<User>(UserSchema);

/**
 * Checks what adds a person, and trims text and brings it into NFC.
 *
 * @returns the person, or everything that is wrong
 */
export function parseNewUser(input: unknown): Result<NewUser, readonly InputProblem[]> {
  return newUserParser(input);
}

/** Checks what replaces a person; like {@link parseNewUser}. */
export function parseUserReplacement(input: unknown): Result<UserReplacement, readonly InputProblem[]> {
  return replacementParser(input);
}

/** Checks what changes a person; like {@link parseNewUser}. */
export function parseUserPatch(input: unknown): Result<UserPatch, readonly InputProblem[]> {
  return patchParser(input);
}

/** Checks a whole person as this package gives them out, for example read back from JSON. */
export function parseUser(input: unknown): Result<User, readonly InputProblem[]> {
  return userParser(input);
}

/**
 * Checks many people at once.
 *
 * @returns all of them, or everything that is wrong, each path led by the row's index: `/17/email`
 */
export function parseNewUsers(inputs: readonly unknown[]): Result<readonly NewUser[], readonly InputProblem[]> {
  const users: NewUser[] = [];
  const problems: InputProblem[] = [];
  for (const [index, input] of inputs.entries()) {
    const parsed = newUserParser(input);
    if (parsed.ok) users.push(parsed.value);
    else problems.push(...parsed.error.map((problem) => ({ ...problem, path: `/${index}${problem.path}` })));
  }
  return problems.length === 0 ? ok(users) : err(problems);
}
