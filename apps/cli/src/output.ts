/** Something that text can be written to. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Where a command says what it did. */
export interface Output {
  /** The result: as one JSON object with `--json`, else as lines for people. Goes to standard output. */
  result(value: object, lines: readonly string[]): void;
  /** Something for the person at the terminal that is no result. Goes to standard error, so that results can be piped on. */
  note(text: string): void;
  /** Draws over the line that was drawn last, on a terminal only; and not with `--json`. */
  draw(line: string): void;
  /** Ends drawing. */
  endDrawing(): void;
}

/** What every command that takes `--json` receives. */
export interface OutputOptions {
  readonly json?: boolean;
}

/**
 * @param stdout - for results
 * @param stderr - for everything else
 */
export function createOutput(options: OutputOptions, stdout: TextSink, stderr: TextSink): Output {
  const canDraw = options.json !== true && stderr.isTTY === true;
  let isDrawing = false;
  return {
    result(value, lines): void {
      stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''));
    },
    note: (text) => void stderr.write(`${text}\n`),
    draw(line): void {
      if (!canDraw) return;
      isDrawing = true;
      // Back to the start of the line, and clear it: ECMA-48, "erase in line".
      stderr.write(`\r\u001B[2K${line}`);
    },
    endDrawing(): void {
      if (isDrawing) stderr.write('\n');
      isDrawing = false;
    },
  };
}
