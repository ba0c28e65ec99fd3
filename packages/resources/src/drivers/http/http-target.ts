import { resourceError } from '../../errors.ts';

/** Values of a query, by name. Several values of one name are several pairs; `undefined` is left out. */
export type HttpQuery = Readonly<
  Record<string, string | number | boolean | undefined | readonly (string | number | boolean)[]>
>;

/** More than any server reads. */
const LONGEST_PATH = 8_192;
/** How often a path may be percent-encoded on top of itself. Each time costs a look at all of it. */
const MOST_ENCODINGS = 5;

/** Where a request goes. */
export interface HttpTarget {
  readonly url: URL;
  /** Whether that is where credentials belong. */
  readonly isOwn: boolean;
}

/** Where a request is meant to go, as callers say it: one of the two. */
export interface HttpPlace {
  /** Beneath `baseUrl`: `/orders/7`. It may bring a query. */
  readonly path?: string;
  /** Absolute. Credentials go with it only to the origin of `baseUrl`. */
  readonly url?: string | URL;
  /** Added to the query that is there. */
  readonly query?: HttpQuery;
}

// What a parser of URLs drops, turns into a slash, or ends the path at.
const MISREAD = /[\s\p{Cc}\\#]/u;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * Finds where a request goes.
 *
 * A path stays beneath the base, whatever reads it on the other side: no `//host`, no `scheme:`, no backslash, and no segment that is `.` or
 * `..`, also when it is percent-encoded (once or several times) or has parameters (`..;x`).
 *
 * @param baseUrl - where paths begin
 * @throws `HTTP_REQUEST_INVALID`, never quoting path or URL
 */
export function resolveTarget(baseUrl: string | undefined, place: HttpPlace): HttpTarget {
  const base = baseUrl === undefined ? undefined : new URL(baseUrl);
  const url = place.path === undefined ? absolute(place.url) : beneath(base, place.path, place.url);
  const query = queryOf(place.query ?? {});
  if (query !== '') url.search = url.search === '' ? query : `${url.search}&${query}`;
  return { url, isOwn: url.origin === base?.origin };
}

function absolute(given: string | URL | undefined): URL {
  if (given === undefined) throw invalid('a request needs a path or a url');
  const text = String(given);
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw invalid('the url of a request must be absolute');
  return new URL(text);
}

function beneath(base: URL | undefined, path: string, other: string | URL | undefined): URL {
  if (other !== undefined) throw invalid('a request takes a path or a url, not both');
  if (base === undefined)
    throw invalid('a path needs a baseUrl in the settings: request({ url }) takes an absolute one');
  if (path.length > LONGEST_PATH) throw invalid(`a path must not be longer than ${LONGEST_PATH} characters`);
  if (MISREAD.test(path)) throw invalid('a path must not hold spaces, control characters, "\\" or "#": encode them');
  if (path.startsWith('//') || ABSOLUTE.test(path)) throw invalid('a path must not name a host: use url for that');
  const [name = '', ...query] = path.split('?');
  if (climbs(name)) throw invalid('a path must not hold "." or ".." as a segment, encoded or not');
  const root = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  const joined = name === '' ? base.pathname : `${root}${name.startsWith('/') ? name.slice(1) : name}`;
  const url = new URL(`${base.origin}${joined}${query.length === 0 ? '' : `?${query.join('?')}`}`);
  // Whatever was missed above must not pass here.
  if (url.origin !== base.origin || (joined !== base.pathname && !url.pathname.startsWith(root))) {
    throw invalid('a path must stay beneath the baseUrl');
  }
  return url;
}

function climbs(path: string): boolean {
  let decoded = path;
  for (let before = '', times = 0; before !== decoded; times += 1) {
    // Nobody writes that without wanting to hide something.
    if (times > MOST_ENCODINGS) return true;
    before = decoded;
    decoded = decoded.replaceAll(/%([0-7][0-9A-Fa-f])/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
  }
  return decoded.split(/[/\\]/).some((segment) => /^\s*\.{1,2}\s*(?:;.*)?$/s.test(segment));
}

function queryOf(query: HttpQuery): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const values = typeof value === 'object' ? value : [value];
    return values.map((one) => [name, String(one)]);
  });
  return new URLSearchParams(pairs).toString();
}

function invalid(why: string): Error {
  return resourceError('HTTP_REQUEST_INVALID', why, { details: { mayHaveBeenSent: false } });
}
