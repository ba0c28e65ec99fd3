import { rotateNow } from '../rotation/run-rotator.ts';
import { rollBack, rotate, revokePrevious } from '../rotation/rotate.ts';
import { refreshCredential } from '../refresh/refresh-credential.ts';
import { deleteMany, retrieveMany, storeMany, validateMany } from './batch.ts';
import type { CredentialView } from './credential-vault.ts';
import { deleteCredential } from './delete.ts';
import { inspectCredential } from './inspect.ts';
import { list, listAll } from './list.ts';
import type { Viewer } from './resolve-key.ts';
import { retrieve } from './retrieve.ts';
import { store } from './store.ts';
import { validate } from './validate.ts';
import type { VaultParts } from './vault-parts.ts';

/** The operations from one point of view. */
export function createView(parts: VaultParts, viewer: Viewer): CredentialView {
  return Object.freeze<CredentialView>({
    store: (reference, material, options) => store(parts, viewer, reference, material, options),
    retrieve: (reference, options) => retrieve(parts, viewer, reference, options),
    inspect: (reference) => inspectCredential(parts, viewer, reference),
    delete: (reference) => deleteCredential(parts, viewer, reference),
    list: (filter) => list(parts, viewer, filter),
    listAll: (filter) => listAll(parts, viewer, filter),
    validate: (reference) => validate(parts, viewer, reference),
    storeMany: (entries) => storeMany(parts, viewer, entries),
    retrieveMany: (references, options) => retrieveMany(parts, viewer, references, options),
    deleteMany: (references) => deleteMany(parts, viewer, references),
    validateMany: (references) => validateMany(parts, viewer, references),
    rotate: (reference, material, options) => rotate(parts, viewer, reference, material, options),
    rotateNow: (reference, options) => rotateNow(parts, viewer, reference, options),
    revokePrevious: (reference) => revokePrevious(parts, viewer, reference),
    refresh: (reference) => refreshCredential(parts, viewer, reference),
    rollBack: (reference, options) => rollBack(parts, viewer, reference, options),
  });
}
