/** What stands below a key of YAML in block style, without its indent. `undefined` when there is no such key, '' when it is empty. */
function below(yaml: string, key: string): string | undefined {
  const lines = yaml.split('\n').filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
  const start = lines.findIndex((line) => line === `${key}:` || line.startsWith(`${key}: `));
  if (start === -1) return undefined;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith(' '));
  const inner = rest.slice(0, end === -1 ? undefined : end);
  const indent = inner[0]?.search(/\S/) ?? 0;
  const value = lines[start]?.slice(key.length + 1).trim() ?? '';
  return [value, ...inner.map((line) => line.slice(indent))].filter((line) => line !== '').join('\n');
}

/** What stands below a path of keys. */
export const at = (yaml: string, ...path: readonly string[]): string | undefined =>
  path.reduce<string | undefined>((text, key) => (text === undefined ? undefined : below(text, key)), yaml);

/** The keys at the outermost level, in their order. */
export const keysOf = (yaml: string): readonly string[] =>
  [...yaml.matchAll(/^([\w-]+):/gm)].map(([, key = '']) => key);
