import type { InputProblem } from '@tenon/core';

const MAX_DEPTH = 8;
const MAX_SHOWN_KEY = 64;

/** One step further in a JSON pointer (RFC 6901). A key may be the caller's own, so an endless one is cut. */
export function pointer(path: string, key: string | number): string {
  return cutPointer(`${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

/** A JSON pointer whose last key is not endless. */
export function cutPointer(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1 + MAX_SHOWN_KEY).toWellFormed();
}

/**
 * Copies plain data in the one form in which it is stored and compared: text trimmed and in NFC, `-0` as `0`, properties
 * that are `undefined` left out. What can be no part of any input is reported: NUL, lone surrogates, a key `__proto__`,
 * objects that are not plain, nesting without end.
 *
 * @param problems - receives what is wrong
 */
export function cleanInput(input: unknown, problems: InputProblem[]): unknown {
  return clean(input, 0, problems);
}

// Paths are made only where something is wrong: below, they begin at the value in hand, and each level above puts its key in front.
function clean(value: unknown, depth: number, problems: InputProblem[]): unknown {
  if (typeof value === 'string') return cleanText(value, problems);
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) {
    problems.push({ path: '', code: 'too_deep', message: `must not be nested deeper than ${MAX_DEPTH} levels` });
    return null;
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => cleanMember(item, index, depth, problems));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    problems.push({ path: '', code: 'wrong_type', message: 'must be plain data, as JSON holds it' });
    return null;
  }
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') {
      // Assigned, it would become the copy's prototype.
      problems.push({ path: pointer('', key), code: 'unknown_field', message: 'is not a field' });
    } else if (member !== undefined) {
      copy[key] = cleanMember(member, key, depth, problems);
    }
  }
  return copy;
}

function cleanMember(member: unknown, key: string | number, depth: number, problems: InputProblem[]): unknown {
  const known = problems.length;
  const cleaned = clean(member, depth + 1, problems);
  for (let index = known; index < problems.length; index += 1) {
    const problem = problems[index] as InputProblem;
    problems[index] = { ...problem, path: `${pointer('', key)}${problem.path}` };
  }
  return cleaned;
}

function cleanText(text: string, problems: InputProblem[]): string {
  if (text.includes('\0')) {
    problems.push({ path: '', code: 'not_text', message: 'must not contain NUL (U+0000)' });
  }
  if (!text.isWellFormed()) {
    problems.push({ path: '', code: 'not_text', message: 'must be well-formed Unicode, without lone surrogates' });
  }
  return text.trim().normalize('NFC');
}
