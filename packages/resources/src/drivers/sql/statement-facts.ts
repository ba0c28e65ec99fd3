/** What can be told of a statement from its text. */
export interface StatementFacts {
  /** Its first word in capitals, for example `SELECT`; `OTHER` for a word that is none of SQL. */
  readonly operation: string;
  /** Whether it may change the session beyond its own transaction. */
  readonly leavesTrace: boolean;
  /** Whether it only reads, as far as its words tell: functions may write, too. */
  readonly isRead: boolean;
}

// Without an alternative inside a repetition, in which a text without a word would be tried in more ways than can be counted.
const BEFORE_WORD = /\s+|--[^\n]*|\/\*[^]*?\*\/|\(+/y;
const WORD = /[a-z]+/iy;
const READS = new Set(['SELECT', 'SHOW', 'EXPLAIN', 'VALUES', 'TABLE', 'DESCRIBE', 'DESC']);
const WRITES_ROWS = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'REPLACE', 'WITH']);
// Whether a transaction is open is known from the server.
const CONTROLS = new Set(['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'END', 'ABORT']);
const WITHOUT_TRACE = new Set([...READS, ...WRITES_ROWS, ...CONTROLS]);
const SEVERAL = /;\s*\S/;
const WRITES = /\b(?:insert|update|delete|merge|into|nextval|setval|for)\b/i;
const MAX_TEXTS = 1_000;
/** Texts of that length are made for one occasion, with their values in them. To remember many would take all memory. */
const MAX_LENGTH = 10_000;
// What there is a span name for: words of somebody's own have no bounds.
const OTHERS = new Set([
  'ALTER',
  'ANALYZE',
  'CALL',
  'CLOSE',
  'COMMENT',
  'COPY',
  'CREATE',
  'DEALLOCATE',
  'DECLARE',
  'DISCARD',
  'DO',
  'DROP',
  'EXECUTE',
  'FETCH',
  'GRANT',
  'KILL',
  'LISTEN',
  'LOAD',
  'LOCK',
  'NOTIFY',
  'OPTIMIZE',
  'PREPARE',
  'REFRESH',
  'REINDEX',
  'RENAME',
  'RESET',
  'REVOKE',
  'SET',
  'TRUNCATE',
  'UNLISTEN',
  'UNLOCK',
  'USE',
  'VACUUM',
]);
const OPERATIONS = new Set([...WITHOUT_TRACE, ...OTHERS]);

/**
 * Reads statements, each text once. What is not known to leave no trace in the session is taken to leave one: the cost of an error is then a
 * round trip, and not somebody else's setting. A function of the application's own that changes the session is not seen.
 *
 * @param traces - what changes the session within statements that read or write rows
 */
export function createStatementReader(traces: RegExp): (text: string) => StatementFacts {
  const known = new Map<string, StatementFacts>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const word = firstWord(text);
    const operation = OPERATIONS.has(word) ? word : 'OTHER';
    const facts: StatementFacts = {
      operation,
      leavesTrace: !WITHOUT_TRACE.has(operation) || SEVERAL.test(text) || traces.test(text),
      isRead: READS.has(operation) && !SEVERAL.test(text) && !WRITES.test(text),
    };
    if (text.length > MAX_LENGTH) return facts;
    // Texts that are made anew each time must not fill the memory.
    if (known.size >= MAX_TEXTS) known.clear();
    known.set(text, facts);
    return facts;
  };
}

function firstWord(text: string): string {
  BEFORE_WORD.lastIndex = 0;
  WORD.lastIndex = 0;
  while (BEFORE_WORD.test(text)) WORD.lastIndex = BEFORE_WORD.lastIndex;
  return (WORD.exec(text)?.[0] ?? '').toUpperCase();
}
