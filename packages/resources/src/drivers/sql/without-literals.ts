const MAX_READ = 4_000;
const MAX_SHOWN = 500;
const LEFT_OUT = '...';

// Each alternative begins with another sign, and none can be read in two ways, so that no text takes long.
const TOKEN =
  /(?<comment>--[^\n]*|\/\*[^]*?(?:\*\/|$))|(?<text>'[^']*(?:'|$))|(?<quoted>"[^"]*(?:"|$))|(?<name>`[^`]*(?:`|$))|(?<dollars>\$(?<tag>\w*)\$[^]*?(?:\$\k<tag>\$|$))|\$\d+|(?<number>\b\d[\w.]*)|(?<hash>#)/g;

/**
 * The text of a statement for people, without the values that somebody may have written into it. Where servers read a sign in different ways,
 * so that a value could begin or end elsewhere than it seems, all that follows is left out.
 *
 * @param doubleQuoted - what stands in double quotes: names are shown
 */
export function withoutLiterals(text: string, doubleQuoted: 'names' | 'values'): string {
  const read = text.slice(0, MAX_READ);
  let shown = '';
  let at = 0;
  for (const match of read.matchAll(TOKEN)) {
    const [token] = match;
    shown += read.slice(at, match.index);
    at = match.index + token.length;
    if (isAmbiguous(token)) return tidy(shown, true);
    const { comment, quoted, name } = match.groups ?? {};
    const isName = name !== undefined || (quoted !== undefined && doubleQuoted === 'names');
    shown += comment !== undefined ? ' ' : isName ? token : '?';
  }
  return tidy(shown + read.slice(at), text.length > MAX_READ);
}

/**
 * A backslash hides the quote behind it, or does not; `--` without a space begins a comment, or takes away twice; `#` begins a comment, or is
 * an operator; a comment in a comment ends it, or does not.
 */
function isAmbiguous(token: string): boolean {
  if (token.startsWith('--')) return !/^--(?:\s|$)/.test(token);
  if (token.startsWith('/*')) return token.includes('/*', 2) || token.startsWith('/*!');
  return token === '#' || (/^['"]/.test(token) && token.includes('\\'));
}

function tidy(text: string, isCut: boolean): string {
  // A quote within a text is written twice, and looks like two texts.
  const bare = text
    .replaceAll(/\?{2,}/g, '?')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (bare.length > MAX_SHOWN) return `${bare.slice(0, MAX_SHOWN)} ${LEFT_OUT}`;
  return isCut ? `${bare} ${LEFT_OUT}`.trim() : bare;
}
