import type { Environment } from '../settings/load-settings.ts';

const VARIABLE = /\$\{([^}]*)\}/g;
const FORM = /^([A-Z][A-Z0-9_]*)(?::(.*))?$/s;
// What these hold are secrets, and Tenon's own settings are not for others.
const SECRET_NAME = /PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE|CREDENTIAL|^TENON_/;
const SECRET_SETTING = /password|secret|token|apikey|privatekey|credential/i;

/**
 * Replaces `${NAME}` and `${NAME:default}` in every text of some settings by variables. Secrets do not come this way: neither from
 * variables that are called like one, nor into settings that are.
 *
 * @param at - where the settings stand, for the messages
 * @param problems - what is wrong is added here
 */
export function substitute(
  settings: Readonly<Record<string, unknown>>,
  environment: Environment,
  at: string,
  problems: string[],
): Record<string, unknown> {
  const entries = Object.entries(settings).map(
    ([name, value]) => [name, fill(value, SECRET_SETTING.test(name), environment, `${at}/${name}`, problems)] as const,
  );
  return Object.fromEntries(entries);
}

function fill(value: unknown, isSecret: boolean, environment: Environment, at: string, problems: string[]): unknown {
  if (Array.isArray(value)) {
    return value.map((one, index) => fill(one, isSecret, environment, `${at}/${index}`, problems));
  }
  if (typeof value === 'object' && value !== null) {
    return substitute(value as Record<string, unknown>, environment, at, problems);
  }
  if (typeof value !== 'string' || !value.includes('${')) return value;
  if (isSecret) {
    problems.push(`${at} is a secret, and no variable can stand in it: store a credential, and name it in a slot`);
    return value;
  }
  return value.replaceAll(VARIABLE, (_, inside: string) => lookUp(inside, environment, at, problems));
}

function lookUp(inside: string, environment: Environment, at: string, problems: string[]): string {
  const [, name, fallback] = FORM.exec(inside) ?? [];
  if (name === undefined) {
    problems.push(`${at} has a variable that is not of the form \${NAME} or \${NAME:default}`);
    return '';
  }
  if (SECRET_NAME.test(name)) {
    problems.push(
      `${at} asks for \${${name}}, which is called like a secret: store a credential, and name it in a slot`,
    );
    return '';
  }
  const value = environment[name] ?? fallback;
  if (value === undefined) problems.push(`${at} asks for \${${name}}, which is not set and has no default`);
  return value ?? '';
}
