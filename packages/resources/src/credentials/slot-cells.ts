import { createMutex, type Clock, type Mutex } from '@tenon/core';
import { resourceError, type ResourceError } from '../errors.ts';
import { inScope } from '../scope/in-scope.ts';
import type { ResourceScope } from '../scope/resource-scope.ts';
import { beforeAbort } from '../waiting/before-abort.ts';
import { kindNames, type CredentialReader, type CredentialSlot, type SlotCredential } from './credential-slots.ts';

/** The credentials of one managed resource, in their slots. */
export interface SlotCells {
  /** Under which slots are looked at for another credential, one after the other. */
  readonly looks: Mutex;
  readonly slots: readonly string[];
  /**
   * What is in the slots, all of them filled. What is there and has not ended is taken as it is.
   *
   * @param candidates - credentials to try: they are taken, and not put into their slots
   * @throws `RESOURCE_CREDENTIAL_MISSING` or `RESOURCE_CREDENTIAL_MISMATCH` naming slot and id; what the reader throws
   */
  fill(
    signal: AbortSignal,
    candidates?: Readonly<Record<string, SlotCredential>>,
  ): Promise<Readonly<Record<string, SlotCredential>>>;
  /** Reads one slot anew, without putting anything into it: `undefined` when there is no such credential any more. */
  look(slot: string, signal: AbortSignal): Promise<SlotCredential | undefined>;
  /** Puts a credential into its slot. An older one than is there stays outside. */
  put(slot: string, credential: SlotCredential): void;
  /** What lies in a slot now. */
  held(slot: string): SlotCredential | undefined;
  /** The slots that a credential is in, by the place it has in the vault. */
  slotsOf(place: { readonly scope?: string; readonly id: string }): readonly string[];
  /** Which credential a slot is for. */
  slotOf(slot: string): CredentialSlot;
}

/** What {@link createSlotCells} works with. */
export interface SlotCellOptions {
  readonly resource: string;
  readonly slots: Readonly<Record<string, CredentialSlot>>;
  readonly reader: CredentialReader | undefined;
  readonly scope: ResourceScope;
  readonly clock: Clock;
  /** Whether a credential was withdrawn, whatever the reader may still give. */
  readonly isRevoked: (slot: CredentialSlot, credential: SlotCredential) => boolean;
  /** There is a newer credential in a slot, as the one before has ended. */
  onRenewed(): void;
}

/** Makes empty cells. */
export function createSlotCells(options: SlotCellOptions): SlotCells {
  const { resource, slots, reader, scope, clock } = options;
  const cells = new Map<string, SlotCredential>();
  const slotOf = (name: string): CredentialSlot => {
    const slot = slots[name];
    if (slot === undefined) throw new Error(`there is no slot "${name}"`);
    return slot;
  };

  const read = async (name: string, signal: AbortSignal): Promise<SlotCredential | undefined> => {
    const { id, scope: place } = slotOf(name);
    if (reader === undefined) throw noReader(resource, name, id);
    signal.throwIfAborted();
    const reference = place === undefined ? { id } : { id, scope: place };
    // A reader that never answers must not hold up whoever asks next.
    const found = await beforeAbort(
      inScope(scope, async () => reader.retrieve(reference)),
      signal,
    );
    if (found === undefined) return undefined;
    const kinds = kindNames(slotOf(name));
    if (!kinds.includes(found.kind)) throw mismatch(resource, name, id, { expected: kinds, found: found.kind });
    return found;
  };
  const isGood = (name: string, credential: SlotCredential): boolean => {
    if (options.isRevoked(slotOf(name), credential)) return false;
    return credential.expiresAt === undefined || credential.expiresAt.getTime() > clock.now();
  };
  // A slow reader may come with one that others have replaced meanwhile.
  const put = (name: string, credential: SlotCredential): void => {
    const held = cells.get(name);
    if (held !== undefined && credential.version < held.version) return;
    cells.set(name, credential);
    if (held !== undefined && credential.version > held.version && !isGood(name, held)) options.onRenewed();
  };

  return {
    looks: createMutex(),
    slots: Object.keys(slots),
    async fill(signal, candidates = {}) {
      const filled: Record<string, SlotCredential> = { ...candidates };
      for (const name of Object.keys(slots).filter((each) => candidates[each] === undefined)) {
        const held = cells.get(name);
        const credential = held !== undefined && isGood(name, held) ? held : await read(name, signal);
        if (credential === undefined || options.isRevoked(slotOf(name), credential))
          throw missing(resource, name, slotOf(name).id);
        if (!isGood(name, credential)) throw expired(resource, name, slotOf(name).id);
        put(name, credential);
        filled[name] = cells.get(name) ?? credential;
      }
      return filled;
    },
    look: read,
    put,
    held: (name) => cells.get(name),
    slotsOf: ({ scope: place, id }) =>
      Object.keys(slots).filter((name) => {
        const slot = slotOf(name);
        return slot.id === id && (place === undefined || slot.scope === undefined || slot.scope === place);
      }),
    slotOf,
  };
}

function missing(resource: string, slot: string, id: string): ResourceError {
  return resourceError(
    'RESOURCE_CREDENTIAL_MISSING',
    `resource "${resource}" needs the credential "${id}" in its slot "${slot}", and this tenant has none: store it, or name another one`,
    { details: { resource, slot, credentialId: id } },
  );
}

function expired(resource: string, slot: string, id: string): ResourceError {
  return resourceError(
    'RESOURCE_CREDENTIAL_MISSING',
    `the credential "${id}" in the slot "${slot}" of resource "${resource}" has expired: store a new one`,
    { details: { resource, slot, credentialId: id } },
  );
}

function noReader(resource: string, slot: string, id: string): ResourceError {
  return resourceError(
    'RESOURCE_CREDENTIAL_MISSING',
    `resource "${resource}" needs the credential "${id}" in its slot "${slot}", and no vault was given: createResources({ vault })`,
    { details: { resource, slot, credentialId: id } },
  );
}

function mismatch(
  resource: string,
  slot: string,
  id: string,
  kinds: { readonly expected: readonly string[]; readonly found: string },
): ResourceError {
  return resourceError(
    'RESOURCE_CREDENTIAL_MISMATCH',
    `the credential "${id}" in slot "${slot}" of resource "${resource}" is of the kind "${kinds.found}", not ${kinds.expected.join(' or ')}`,
    { details: { resource, slot, credentialId: id, ...kinds } },
  );
}
