import { defineResource, type CredentialSlots, type ResourceToken } from '@tenon/resources';
import type { ResourceDefinition, Dependencies } from '@tenon/resources';
import type { TObject } from 'typebox';

/** An instance that remembers what became of it. */
export interface Thing {
  readonly id: number;
  isBroken: boolean;
  /** Why it was ended. */
  endedFor: string | undefined;
}

/** A resource of which a test sees every instance. */
export interface Tracked<Face extends object = { readonly value: Thing }> {
  readonly token: ResourceToken<Face>;
  readonly made: Thing[];
  /** Those that live. */
  readonly living: () => readonly Thing[];
}

type More = Partial<
  Omit<
    ResourceDefinition<TObject, Thing, { readonly value: Thing }, CredentialSlots, Dependencies>,
    'name' | 'create' | 'expose'
  >
> & {
  /** Before each instance is made. */
  readonly before?: (
    context: Parameters<
      ResourceDefinition<TObject, Thing, { readonly value: Thing }, CredentialSlots, Dependencies>['create']
    >[0],
  ) => Promise<void> | void;
};

export function tracked(name: string, { before, ...more }: More = {}): Tracked {
  const made: Thing[] = [];
  const token = defineResource<Thing, TObject, { readonly value: Thing }, CredentialSlots, Dependencies>({
    name,
    isBroken: (thing) => thing.isBroken,
    destroy: (thing, { reason }) => {
      if (thing.endedFor !== undefined) throw new Error('it was ended before');
      thing.endedFor = reason;
    },
    ...more,
    create: async (context) => {
      await before?.(context);
      const thing: Thing = { id: made.length + 1, isBroken: false, endedFor: undefined };
      made.push(thing);
      return thing;
    },
  });
  return { token, made, living: () => made.filter(({ endedFor }) => endedFor === undefined) };
}
