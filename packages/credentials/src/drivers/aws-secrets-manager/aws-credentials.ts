import { createSingleFlight, Secret, type Clock } from '@tenon/core';
import { beforeAbort } from '../../cache/before-abort.ts';
import type { SecretInput } from '../../kinds/define-kind.ts';
import { plainText } from '../../kinds/material.ts';
import { optionInvalid, sourceError } from '../../sources/source-error.ts';

/** With what requests to AWS are signed. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretInput;
  /** Of temporary credentials. */
  readonly sessionToken?: SecretInput;
  /** When temporary credentials end. Absent: they are used until AWS refuses them. */
  readonly expiration?: Date;
}

/** Credentials, checked. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  readonly endsAtMs: number;
}

/** Holds credentials that are good. */
export interface CredentialsKeeper {
  current(signal: AbortSignal): Promise<SigningCredentials>;
  /** Others for those that were refused; `undefined` when there is nobody to ask for others. */
  instead(refused: SigningCredentials, signal: AbortSignal): Promise<SigningCredentials | undefined>;
}

// So that they do not end on the way.
const EARLY_MS = 60_000;

/** Makes a keeper. A function is asked at the first use, a minute before what it gave ends, and when AWS refuses that. */
export function createCredentialsKeeper(
  source: string,
  given: AwsCredentials | (() => Promise<AwsCredentials>),
  clock: Clock,
): CredentialsKeeper {
  if (typeof given !== 'function') {
    const credentials = checkCredentials(given);
    return { current: () => Promise.resolve(credentials), instead: () => Promise.resolve(undefined) };
  }
  let held: SigningCredentials | undefined;
  const asks = createSingleFlight<'credentials', SigningCredentials>();
  const ask = async (): Promise<SigningCredentials> => {
    try {
      held = checkCredentials(await given());
      return held;
    } catch {
      // Without its cause: it is not known what the function says.
      throw sourceError(
        'CREDENTIAL_STORAGE_DENIED',
        source,
        'has nothing to sign with: the function of its option "credentials" failed, or returned none',
      );
    }
  };
  const askOnce = (signal: AbortSignal): Promise<SigningCredentials> =>
    beforeAbort(asks.run('credentials', ask), signal);
  return {
    async current(signal) {
      if (held !== undefined && clock.now() < held.endsAtMs - EARLY_MS) return held;
      return askOnce(signal);
    },
    async instead(refused, signal) {
      if (held !== undefined && held !== refused) return held;
      return askOnce(signal);
    },
  };
}

const ACCESS_KEY_ID = /^\w{1,128}$/;
const PRINTABLE = /^[\u0021-\u007e]+$/;

/** @throws `CREDENTIALS_OPTIONS_INVALID` naming the option */
function checkCredentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expiration,
}: AwsCredentials): SigningCredentials {
  if (typeof accessKeyId !== 'string' || !ACCESS_KEY_ID.test(accessKeyId)) {
    throw optionInvalid('credentials.accessKeyId', 'must be an access key id: up to 128 letters, digits and "_"');
  }
  return {
    accessKeyId,
    secretAccessKey: printable('credentials.secretAccessKey', secretAccessKey),
    sessionToken: sessionToken === undefined ? undefined : printable('credentials.sessionToken', sessionToken),
    endsAtMs: expiration?.getTime() ?? Infinity,
  };
}

function printable(option: string, given: SecretInput): Secret {
  const text = plainText(given);
  if (PRINTABLE.test(text)) return new Secret(text);
  throw optionInvalid(option, 'must be text without spaces: was a line break read with it?');
}
