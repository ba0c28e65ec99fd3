import type { CredentialInfo } from '@tenon/credentials';

/** The line that says which credential was written, and as which version. */
export function writtenLine({ scope, id, version }: CredentialInfo): string {
  return `credential  ${scope}  ·  ${id}  ·  version ${version}`;
}

/** What is known of a credential, as lines for people. */
export function credentialLines(info: CredentialInfo): readonly string[] {
  const { kind, tags, description, expiresAt, rotateAfter, rotatedAt, previous, keyIds } = info;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['kind', kind],
    ['description', description],
    ['tags', Object.keys(tags).length === 0 ? undefined : formatTags(tags)],
    ['created', formatMoment(info.createdAt)],
    ['changed', formatMoment(info.modifiedAt)],
    ['rotated', rotatedAt && formatMoment(rotatedAt)],
    ['expires', expiresAt && formatMoment(expiresAt)],
    ['rotate', rotateAfter && `after ${formatMoment(rotateAfter)}`],
    ['sign in', info.needsReauthorization ? 'a person has to sign in again before it can be refreshed' : undefined],
    ...previous.map(
      ({ version, graceUntil }) =>
        [
          'earlier',
          `version ${version}${graceUntil === undefined ? ', no longer readable' : ` until ${formatMoment(graceUntil)}`}`,
        ] as const,
    ),
    ['sealed', `under ${keyIds.join(', ')}`],
  ];
  return [
    writtenLine(info),
    ...lines.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(12)}${text}`])),
  ];
}

/** `env=prod team=pay`. */
export function formatTags(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** In UTC, to the minute. */
export function formatMoment(moment: Date): string {
  return moment.toISOString().replace(/T(\d{2}:\d{2}).*$/, ' $1 UTC');
}

/** The same as JSON holds it: times of ISO 8601, and `null` for what there is not. */
export function toJson(value: object): object {
  return JSON.parse(JSON.stringify(value, (_, member: unknown) => member ?? null)) as object;
}
