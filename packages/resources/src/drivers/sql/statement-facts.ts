/** What can be told of a statement from its text. */
export interface StatementFacts {
  /** Its first word in capitals, for example `SELECT`. */
  readonly operation: string;
  /** Whether it may change the session beyond its own transaction. */
  readonly leavesTrace: boolean;
  /** Whether it only reads, as far as its words tell: functions may write, too. */
  readonly isRead: boolean;
}

const FIRST_WORD = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()*([a-z]+)/i;
const READS = new Set(['SELECT', 'SHOW', 'EXPLAIN', 'VALUES', 'TABLE', 'DESCRIBE', 'DESC']);
const WRITES_ROWS = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'REPLACE', 'WITH']);
// Whether a transaction is open is known from the server.
const CONTROLS = new Set(['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'END', 'ABORT']);
const WITHOUT_TRACE = new Set([...READS, ...WRITES_ROWS, ...CONTROLS]);
const SEVERAL = /;\s*\S/;
const WRITES = /\b(?:insert|update|delete|merge|into|nextval|setval|for)\b/i;
const MAX_TEXTS = 1_000;

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
    const operation = (FIRST_WORD.exec(text)?.[1] ?? 'OTHER').toUpperCase();
    const facts: StatementFacts = {
      operation,
      leavesTrace: !WITHOUT_TRACE.has(operation) || SEVERAL.test(text) || traces.test(text),
      isRead: READS.has(operation) && !SEVERAL.test(text) && !WRITES.test(text),
    };
    // Texts that are made anew each time must not fill the memory.
    if (known.size >= MAX_TEXTS) known.clear();
    known.set(text, facts);
    return facts;
  };
}

const LITERALS = /'(?:[^'\\]|''|\\[\s\S])*'|\$(\w*)\$[\s\S]*?\$\1\$|\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi;
const MAX_SHOWN = 500;

/** The text of a statement for people, without the values that somebody may have written into it. */
export function withoutLiterals(text: string): string {
  const bare = text.replaceAll(/\$\d+/g, '?').replaceAll(LITERALS, '?').replaceAll(/\s+/g, ' ').trim();
  return bare.length > MAX_SHOWN ? `${bare.slice(0, MAX_SHOWN)} ...` : bare;
}
