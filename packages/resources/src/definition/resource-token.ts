import type { ErasedDefinition } from './resource-definition.ts';

declare const types: unique symbol;

/**
 * Stands for a resource, and knows its types. Registries know resources by their tokens, never by their names.
 *
 * @typeParam Face - what borrowers get
 * @typeParam Config - its settings
 */
export interface ResourceToken<Face extends object = object, Config = unknown> {
  readonly name: string;
  readonly version: string;
  readonly technology: string;
  readonly definition: ErasedDefinition;
  /** For the compiler alone: there is no such property. */
  readonly [types]?: { readonly face: Face; readonly config: Config };
}
