import type { CursorCodec, ListPage, ListRequest } from '@tenon/database';
import type { NewUser, User, UserPatch, UserReplacement } from './user.ts';

/** What {@link Users.create} takes besides the person. */
export interface CreateUserOptions {
  /** The account to sign in with. Default: none; an invitation can link one later. */
  readonly accountId?: string;
}

/** What an import did. The four counts add up to the rows given. */
export interface UserImportReport {
  readonly created: number;
  readonly updated: number;
  /** Rows that were there already, exactly like this. */
  readonly unchanged: number;
  /** Rows that a later row of the same batch with the same email took the place of. */
  readonly repeated: number;
}

/**
 * The people of the context's tenant. A person of another tenant looks exactly like one who does not exist.
 *
 * Changes obey {@link assertMayAssignRole}: the role of an actor of type `user` is looked up in the same transaction; an
 * `api-key`, and work without an actor, counts as an admin; `system` may do everything.
 *
 * All methods throw `TENANT_REQUIRED` without a tenant in the context. Inputs are checked here too, whatever their static
 * type: unknown fields, `tenantId` among them, are refused with `USER_INVALID`.
 */
export interface Users {
  /**
   * One page of people.
   *
   * @param request - made by `userListing.parse`
   * @param cursors - the codec that `parse` was given
   */
  list(request: ListRequest, cursors: CursorCodec): Promise<ListPage<User>>;

  /** One person, or `undefined` when this tenant has none with this id. */
  get(id: string): Promise<User | undefined>;

  /**
   * Adds a person.
   *
   * @throws `USER_INVALID` with `details.problems`; `USER_EMAIL_TAKEN`; `USER_ACCOUNT_TAKEN` when the account is a person of
   *   this tenant already; `USER_ROLE_FORBIDDEN`; `QUOTA_EXCEEDED` for the quota `users`
   */
  create(input: NewUser, options?: CreateUserOptions): Promise<User>;

  /**
   * Replaces all that can be changed about a person.
   *
   * @param expectedVersion - refuse unless the person still has this version
   * @throws `USER_NOT_FOUND`, `USER_VERSION_CONFLICT`, `USER_INVALID`, `USER_EMAIL_TAKEN`, `USER_ROLE_FORBIDDEN`;
   *   `USER_LAST_OWNER` when the tenant would be left without an active owner
   */
  replace(id: string, input: UserReplacement, expectedVersion?: number): Promise<User>;

  /**
   * Changes some fields. A patch that changes nothing leaves the version as it is.
   *
   * @throws the same as {@link Users.replace}
   */
  update(id: string, patch: UserPatch, expectedVersion?: number): Promise<User>;

  /**
   * Removes a person, and open invitations with them.
   *
   * @throws `USER_NOT_FOUND`, `USER_VERSION_CONFLICT`, `USER_ROLE_FORBIDDEN`, `USER_LAST_OWNER`; `USER_IN_USE` while other
   *   rows (orders) refer to the person: disable them instead
   */
  remove(id: string, expectedVersion?: number): Promise<void>;

  /**
   * Adds people, or updates them by email, all in one statement and one transaction: all rows or none. Running it twice
   * changes nothing the second time. Role and status are taken for new people only: an import carries profiles, and
   * must not demote an owner or let a disabled person in again.
   *
   * @param rows - up to 10,000
   * @throws `USER_INVALID` with `details.problems`, whose paths begin with the row's index; `USER_ROLE_FORBIDDEN`;
   *   `QUOTA_EXCEEDED`
   */
  importBatch(rows: readonly NewUser[]): Promise<UserImportReport>;
}
