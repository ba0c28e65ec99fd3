import { Secret } from '@tenon/core';
import { Value } from 'typebox/value';
import { serverError } from '../errors.ts';
import { settingsSchema, type SettingName, type SettingSchema } from './schema.ts';
import { settingForms } from './setting-forms.ts';
import type { Settings } from './settings.ts';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing that is wrong with a setting. */
export interface SettingProblem {
  readonly name: string;
  readonly problem: string;
}

/** What {@link loadSettings} gives. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Not wrong enough to refuse the start, for example a variable that no setting reads. */
  readonly warnings: readonly SettingProblem[];
}

// Read by the test and service scripts, not by the server.
const FOREIGN = /^TENON_(TEST_|REQUIRE_SERVICES$)/;

/**
 * Reads the settings from environment variables. An empty variable counts as absent.
 *
 * @throws `SETTINGS_INVALID` naming every wrong variable, what is wrong and what to do; never a value
 */
export function loadSettings(environment: Environment): LoadedSettings {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(settingsSchema) as SettingName[]) {
    const schema: SettingSchema = settingsSchema[name];
    const text = environment[name];
    if (text === undefined || text.trim() === '') {
      values[toProperty(name)] = schema.default;
      continue;
    }
    const value = parse(schema.kind, text.trim());
    if (!Value.Check(settingsSchema[name], value) || settingForms[name]?.(value) === false) {
      problems.push({ name, problem: `${expectation(name)} ${schema.description}` });
    } else {
      values[toProperty(name)] = schema.kind === 'secret' ? new Secret(value as string) : value;
    }
  }
  const settings = values as object as Settings;
  if (problems.length === 0) problems.push(...contradictions(settings));
  if (problems.length > 0) {
    const lines = problems.map(({ name, problem }) => `  ${name}: ${problem}`);
    throw serverError('SETTINGS_INVALID', `the settings are wrong:\n${lines.join('\n')}`, {
      details: { problems: problems.map(({ name, problem }) => ({ name, problem })) },
    });
  }
  return { settings, warnings: unknownVariables(environment) };
}

/** `TENON_DATA_DIR` is `dataDir` in {@link Settings}. */
function toProperty(name: string): string {
  return name
    .replace(/^TENON_/, '')
    .toLowerCase()
    .replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function parse(kind: SettingSchema['kind'], text: string): unknown {
  switch (kind) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'boolean':
      return (
        { true: true, '1': true, yes: true, on: true, false: false, '0': false, no: false, off: false }[
          text.toLowerCase()
        ] ?? text
      );
    case 'list':
      return text.split(',').map((part) => part.trim());
    case 'text':
    case 'secret':
      return text;
    default:
      return kind satisfies never;
  }
}

/** What a setting's value must look like, for people. */
export function expectation(name: SettingName): string {
  const schema: SettingSchema = settingsSchema[name];
  const choices = (schema.anyOf ?? schema.items?.anyOf)?.map((choice) => choice.const).join(', ');
  const prefix = schema.kind === 'list' ? 'must be a comma-separated list' : 'must be';
  if (schema.kind === 'integer') return `must be a whole number from ${schema.minimum} to ${schema.maximum}.`;
  if (schema.kind === 'boolean') return 'must be true or false.';
  if (choices !== undefined) return `${prefix} ${schema.kind === 'list' ? 'of ' : 'one of '}${choices}.`;
  return schema.kind === 'list' ? `${prefix}.` : 'has the wrong form.';
}

function contradictions(settings: Settings): SettingProblem[] {
  const problems: SettingProblem[] = [];
  if (settings.sessionIdleDays > settings.sessionMaxDays) {
    problems.push({ name: 'TENON_SESSION_IDLE_DAYS', problem: 'must not be longer than TENON_SESSION_MAX_DAYS' });
  }
  if (settings.databaseCaFile !== undefined && settings.databaseUrl === undefined) {
    problems.push({ name: 'TENON_DATABASE_CA_FILE', problem: 'means nothing without TENON_DATABASE_URL' });
  }
  return problems;
}

function unknownVariables(environment: Environment): SettingProblem[] {
  const known = Object.keys(settingsSchema);
  return Object.keys(environment)
    .filter((name) => name.startsWith('TENON_') && !known.includes(name) && !FOREIGN.test(name))
    .map((name) => {
      const near = known.find((candidate) => isNear(candidate, name));
      return { name, problem: `no setting has this name${near === undefined ? '' : `; did you mean ${near}?`}` };
    });
}

// One letter added, left out or changed, or two that stand in each other's place.
function isNear(known: string, given: string): boolean {
  if (Math.abs(known.length - given.length) > 1) return false;
  let start = 0;
  while (start < known.length && known[start] === given[start]) start += 1;
  const rest = (text: string, skip: number): string => text.slice(start + skip);
  const swapped = `${known[start + 1]}${known[start]}${rest(known, 2)}`;
  return (
    swapped === rest(given, 0) ||
    rest(known, 1) === rest(given, 1) ||
    rest(known, 1) === rest(given, 0) ||
    rest(known, 0) === rest(given, 1)
  );
}
