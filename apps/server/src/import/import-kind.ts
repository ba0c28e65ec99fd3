import { ImportedOrder, ImportedOrderLine, NewProduct } from '@tenon/trading';
import { NewUserSchema } from '@tenon/tenancy';

/** What can be imported. */
export const importKinds = ['products', 'users', 'orders'] as const;

/** What can be imported. */
export type ImportKind = (typeof importKinds)[number];

/** A field that a column can give. */
export interface ImportField {
  /** As the schema calls it: `priceMinor`. */
  readonly name: string;
  readonly isInteger: boolean;
  readonly isRequired: boolean;
  /** `line`: one for each line of an order; `record`: all else. */
  readonly part: 'record' | 'line';
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

/** The fields that rows of a kind can have, by name, in the order of the schemas that check them. */
export function importFields(kind: ImportKind): ReadonlyMap<string, ImportField> {
  const fields = partFields(schemas[kind], 'record');
  const all =
    kind === 'orders'
      ? [...fields.filter(({ name }) => name !== 'lines'), ...partFields(ImportedOrderLine, 'line')]
      : fields;
  return new Map(all.map((field) => [field.name, field]));
}

const schemas: Readonly<Record<ImportKind, ObjectSchema>> = {
  products: NewProduct,
  users: NewUserSchema,
  orders: ImportedOrder,
};

function partFields(schema: ObjectSchema, part: ImportField['part']): readonly ImportField[] {
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    isInteger: (property as { readonly type?: unknown }).type === 'integer',
    isRequired: schema.required?.includes(name) ?? false,
    part,
  }));
}

/** `price_minor` as `priceMinor`; a name that is in camel case already stays as it is. */
export function toFieldName(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `priceMinor` as `price_minor`. */
export function toColumnName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
