import { credentialRules } from './sql/credential-rules.ts';
import { endingRules } from './sql/ending-rules.ts';
import { failureRules } from './sql/failure-rules.ts';
import { sessionRules } from './sql/session-rules.ts';
import { runSqlRule, type SqlContractCheck, type SqlUnderTest } from './sql/sql-contract-check.ts';
import { statementRules } from './sql/statement-rules.ts';
import { transactionRules } from './sql/transaction-rules.ts';

export type { SqlContractCheck, SqlLogin, SqlServerConnection, SqlUnderTest } from './sql/sql-contract-check.ts';

/**
 * The contract of the drivers for SQL databases as checks that any test runner can run, against a real server: a driver that passes them all
 * may stand in for any other, as far as the languages of the databases allow.
 *
 * @param sql - gives the database when a check runs
 * @example
 * ```ts
 * describe('the driver for PostgreSQL', () => {
 *   it.each(sqlContract(() => database))('$name', ({ run }) => run());
 * });
 * ```
 */
export function sqlContract(sql: () => SqlUnderTest): readonly SqlContractCheck[] {
  const rules = [
    ...statementRules,
    ...transactionRules,
    ...endingRules,
    ...sessionRules,
    ...failureRules,
    ...credentialRules,
  ];
  return rules.map((rule) => ({ name: rule.name, run: () => runSqlRule(sql(), rule) }));
}
