import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { currentContext, isCodedError, runAs, Secret, toError, type CodedError, type Logger } from '@tenon/core';
import { createResources } from '../../create-resources.ts';
import type { CredentialReader, SlotCredential } from '../../credentials/credential-slots.ts';
import type { ResourceToken } from '../../definition/resource-token.ts';
import type { SqlFace } from '../../drivers/sql/sql-face.ts';
import type { SqlOptions, SqlSettings } from '../../drivers/sql/sql-settings.ts';
import type { ResourceErrorCode } from '../../errors.ts';
import type { Borrowed } from '../../managed/resource-services.ts';
import type { Resources } from '../../resources.ts';

/** A connection as the server sees it. */
export interface SqlServerConnection {
  readonly id: number;
  /** Whether a statement runs on it. */
  readonly isBusy: boolean;
}

/** A user name and its password. */
export interface SqlLogin {
  readonly username: string;
  readonly password: string;
}

/** A database that checks may use, with what they need to know of it. Several checks may use it at once. */
export interface SqlUnderTest {
  /** Makes a token of the driver for this database, without a user. */
  define(name: string, options: SqlOptions): ResourceToken<SqlFace<unknown>, SqlSettings>;
  /** Makes a user of the database who may do everything in it. */
  createLogin(): Promise<SqlLogin>;
  /** Takes a user away, with the connections of it. */
  dropLogin(login: SqlLogin): Promise<void>;
  /** A login that the server refuses. */
  readonly wrongLogin: SqlLogin;
  /** The connections of a user, as the server has them. */
  connectionsOf(username: string): Promise<readonly SqlServerConnection[]>;
  /** Ends a connection from the server's side. */
  kill(id: number): Promise<void>;
  /** How a value is written in a statement, by its position from 1. */
  parameter(position: number): string;
  /** A statement that takes some seconds. */
  sleep(seconds: number): string;
  /** A statement with one row, and in it, as `id`, the number of the connection. */
  readonly connectionId: string;
  /** Statements that change the session, with one each that shows whether they did. */
  readonly traces: readonly { readonly change: string; readonly look: string }[];
  /** Types of columns, with values that must come back as they were, or as `read`. */
  readonly types: readonly { readonly type: string; readonly value: unknown; readonly read?: unknown }[];
  /** An expression for a whole number of 64 bits from a text. */
  bigint(text: string): string;
}

/** One rule of the contract. */
export interface SqlContractCheck {
  /** The rule as a sentence. */
  readonly name: string;
  /** Rejects with an `AssertionError` when the driver breaks the rule. */
  readonly run: () => Promise<void>;
}

/** What a check works with: a user, a table and a registry of its own. */
export interface SqlCheckTools {
  readonly sql: SqlUnderTest;
  readonly login: SqlLogin;
  /** The name of a table that is not there yet. */
  readonly table: string;
  readonly resources: Resources;
  readonly token: ResourceToken<SqlFace<unknown>, SqlSettings>;
  /** The logins that the vault holds, by tenant. A change takes effect as in a vault: when it is told of, or looked for. */
  readonly vault: { put(login: SqlLogin, tenant?: string): void; remove(tenant?: string): void };
  /** The lines that were logged, as text. */
  readonly lines: readonly string[];
  /** Runs work with a connection of a tenant. Default `acme`. */
  readonly use: <T>(work: (db: Borrowed<SqlFace<unknown>>) => Promise<T>, tenant?: string) => Promise<T>;
}

/** A rule before it is bound to a driver. */
export interface SqlContractRule {
  readonly name: string;
  readonly options?: SqlOptions;
  readonly check: (tools: SqlCheckTools) => Promise<void>;
}

const TENANT = 'acme';
let count = 0;

/** Runs a rule with tools of its own, and takes everything away again. */
export async function runSqlRule(sql: SqlUnderTest, { options = {}, check }: SqlContractRule): Promise<void> {
  const login = await sql.createLogin();
  const logins = new Map<string | undefined, SlotCredential>();
  let version = 0;
  const vault = {
    put(one: SqlLogin, tenant = TENANT): void {
      version += 1;
      const secret = new Secret(one.password);
      logins.set(tenant, { kind: 'basic', version, secret, value: { username: one.username }, expiresAt: undefined });
    },
    remove: (tenant = TENANT): void => void logins.delete(tenant),
  };
  vault.put(login);
  const reader: CredentialReader = { retrieve: async () => logins.get(currentContext()?.tenant) };
  const lines: string[] = [];
  // A look that nobody asked for would make connections that a rule does not expect.
  const health = { looksInDoubt: false };
  const token = sql.define('checked-db', { credentials: { login: 'checked-login' }, health, ...options });
  const resources = createResources({ define: [token], vault: reader, logger: writerTo(lines) });
  count += 1;
  const table = `t${process.pid}_${count}`;
  const use = <T>(work: (db: Borrowed<SqlFace<unknown>>) => Promise<T>, tenant = TENANT): Promise<T> =>
    inTenant(tenant, async () => {
      await using db = await resources.acquire(token);
      return await work(db);
    });
  try {
    await check({ sql, login, table, resources, token, vault, lines, use });
  } finally {
    await resources.close({ timeoutMs: 1_000 });
    await sql.dropLogin(login);
  }
}

/** Runs work in a tenant. */
export function inTenant<T>(tenant: string, work: () => T): T {
  return runAs({ tenant, actor: { type: 'system', id: 'contract' } }, work);
}

/** @throws `AssertionError` unless the call rejects with this code. @returns what it rejects with */
export async function assertFails(
  code: ResourceErrorCode,
  call: Promise<unknown> | (() => Promise<unknown>),
): Promise<CodedError> {
  let thrown: unknown;
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown !== undefined, `it did not fail, and ${code} was expected`);
  assert.ok(isCodedError(thrown, code), `${code} was expected, and it was: ${toError(thrown).message}`);
  return thrown;
}

/** Waits for something that a server shows a moment later. @throws `AssertionError` after 5 seconds */
export async function eventually(what: string, look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!(await look())) {
    assert.ok(performance.now() < endMs, `after five seconds still not: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

/** The number that the server gives to a connection. */
export async function idOf(sql: SqlUnderTest, db: Pick<SqlFace<unknown>, 'fetchOne'>): Promise<number> {
  const row = await db.fetchOne<{ readonly id: number }>(sql.connectionId);
  return Number(row?.id);
}

function writerTo(lines: string[]): Logger {
  const write = (fields: object, message: string): void => {
    lines.push(`${inspect(fields, { depth: 10, showHidden: true })} ${message}`);
  };
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}
