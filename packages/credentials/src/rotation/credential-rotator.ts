import type { CredentialMaterial } from '../kinds/material.ts';

/** What a rotator is given. */
export interface RotationRequest {
  readonly tenant: string;
  readonly scope: string;
  readonly id: string;
  /** The version that is to be replaced. */
  readonly version: number;
  /** Its material, as it was stored. Keep no reference to it. */
  readonly material: Readonly<Record<string, unknown>>;
  /** Aborts when the rotation has taken too long. */
  readonly signal: AbortSignal;
}

/** Makes new credentials of one kind at whoever issues them. */
export interface CredentialRotator {
  /** The name of the kind. */
  readonly kind: string;
  /** Makes new material. The old one must go on working: it is ended by `revoke`, or by its issuer, when its grace is over. */
  rotate(request: RotationRequest): Promise<CredentialMaterial>;
  /** Tries the new material out; rejects when it does not work. Then nothing is stored. Default: it is taken as it is. */
  verify?(material: CredentialMaterial, request: RotationRequest): Promise<void>;
}

/** What came of {@link CredentialVault.rotateDue}. */
export interface RotationReport {
  readonly rotated: number;
  /** Those that could not be rotated: the old material is still there and in use. */
  readonly failed: readonly { readonly scope: string; readonly id: string; readonly code: string }[];
  /** Due, and of a kind that no rotator is there for: somebody has to do it. */
  readonly manual: readonly { readonly scope: string; readonly id: string }[];
}
