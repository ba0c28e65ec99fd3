/** A host name of a policy: itself, or with `*.` in front every name below it. */
export interface HostPattern {
  readonly name: string;
  readonly isWildcard: boolean;
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Reads `example.com` or `*.example.com`, in any case and script; `undefined` when it is neither.
 *
 * It goes through the same parser as the host of a URL, so that both end in the same letters.
 */
export function parseHostPattern(text: string): HostPattern | undefined {
  const isWildcard = text.startsWith('*.');
  const rest = isWildcard ? text.slice(2) : text;
  if (rest === '' || /[/:@?#\\\s[\]%]/.test(rest) || !URL.canParse(`http://${rest}`)) return undefined;
  const name = withoutFinalDot(new URL(`http://${rest}`).hostname);
  return isHostName(name) ? { name, isWildcard } : undefined;
}

/** Tells whether a host name is meant by a pattern. `*.example.com` means all below `example.com`, not itself. */
export function matchesHost(hostname: string, { name, isWildcard }: HostPattern): boolean {
  return isWildcard ? hostname.endsWith(`.${name}`) : hostname === name;
}

/** Takes off the one dot that ends a fully qualified name: with it, the name would pass by a list that has it without. */
export function withoutFinalDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
}

/** Tells whether text is a host name as DNS takes it, with `_` besides, and not an IPv4 address in any of its spellings. */
export function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^(\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? '')
  );
}
