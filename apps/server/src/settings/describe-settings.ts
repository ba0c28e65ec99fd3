import { expectation } from './load-settings.ts';
import { settingsSchema, type SettingName, type SettingSchema } from './schema.ts';

/** One setting, for people. */
export interface SettingDescription {
  readonly name: SettingName;
  readonly description: string;
  readonly expectation: string;
  /** As it would be written in the environment; empty when there is none. */
  readonly fallback: string;
}

/** Every setting with its meaning, in the order of the schema. */
export function describeSettings(): readonly SettingDescription[] {
  return (Object.keys(settingsSchema) as SettingName[]).map((name) => {
    const schema: SettingSchema = settingsSchema[name];
    // A list reads as its parts, joined with commas.
    const fallback = String(schema.default ?? '');
    return { name, description: schema.description, expectation: expectation(name), fallback };
  });
}

/** The text of `.env.example`. */
export function renderEnvExample(): string {
  const settings = describeSettings().map(
    ({ name, description, fallback }) => `# ${description}\n# ${name}=${fallback}\n`,
  );
  return `# Every setting of Tenon, with its default. Made from the settings schema: npx tenon settings --env\n\n${settings.join('\n')}`;
}

/** The settings reference as a Markdown table. */
export function renderSettingsTable(): string {
  const rows = describeSettings().map(({ name, description, expectation: form, fallback }) => {
    const cells = [
      `\`${name}\``,
      fallback === '' ? '' : `\`${fallback}\``,
      `${description} ${form.startsWith('must') ? `It ${form}` : ''}`,
    ];
    return `| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows, ''].join('\n');
}
