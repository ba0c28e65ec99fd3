/** What one check of the doctor found. */
export interface Finding {
  /** What was checked, for example `database`. */
  readonly name: string;
  /** `warning`: works, and somebody should know. `failed`: the server would not start or not work. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly text: string;
  /** What to do about it. */
  readonly todo?: string;
}

const signs: Readonly<Record<Finding['state'], string>> = { ok: '✓', warning: '!', failed: '✗' };
const NAME_WIDTH = 12;

/** A finding as lines for people. */
export function formatFinding({ name, state, text, todo }: Finding): readonly string[] {
  const line = `${signs[state]} ${name.padEnd(NAME_WIDTH)}${text}`;
  return todo === undefined ? [line] : [line, `${' '.repeat(NAME_WIDTH + 2)}→ ${todo}`];
}
