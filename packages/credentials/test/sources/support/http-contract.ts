import { codeOf, createTestClock, failureOf, type TestClock } from '@tenon/core/testing';
import type { CredentialKey } from '@tenon/credentials';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFakeServer, type Fault, type SeenRequest } from './fake-server.ts';
import { printOut } from './print-out.ts';
import type { SourceRig } from './source-contract.ts';

/** A source that reads over HTTP. */
export interface HttpRig extends SourceRig {
  /** Spoils the next read of a secret. */
  fault(fault: Fault): void;
  arrived(count: number): Promise<void>;
  readonly requests: readonly SeenRequest[];
  readonly connections: number;
  readonly timeoutMs: number;
  /** Ends the server. */
  goAway(): Promise<void>;
}

const idle = new AbortController().signal;
const key: CredentialKey = { tenant: 'acme', scope: 'org:acme/team:eng', id: 'github' };

/** What every source has to do about what can happen on the way. */
export function httpContract(name: string, open: (clock: TestClock) => Promise<HttpRig>): void {
  describe(`${name} over HTTP`, () => {
    let clock: TestClock;
    let rig: HttpRig;

    beforeEach(async () => {
      clock = createTestClock();
      rig = await open(clock);
      await rig.put(key, 'canary-secret');
      // What comes before the first read, such as signing in, is behind.
      await get();
    });
    afterEach(() => rig.stop());

    const get = () => rig.source.get(key, { signal: idle });
    const failsWith = async (fault: Fault) => {
      rig.fault(fault);
      const failure = await failureOf(get());
      expect(failure.details['source']).toBe(rig.source.name);
      const shown = printOut(failure);
      for (const secret of [...rig.own, 'canary']) expect(shown).not.toContain(secret);
      return failure;
    };

    it.each(['hang', 'hang-in-body', 'drip'] as const)(
      'gives up an answer that does not end in time: %s',
      async (fault) => {
        rig.fault(fault);
        const before = rig.requests.length;
        const reading = failureOf(get());
        await rig.arrived(before + 1);
        await clock.advance(rig.timeoutMs - 1);
        await clock.advance(1);
        expect(await reading).toMatchObject({
          code: 'CREDENTIAL_STORAGE_TIMEOUT',
          retryable: true,
          details: { source: rig.source.name, timeoutMs: rig.timeoutMs },
        });
      },
    );

    it('leaves no timer behind', async () => {
      const waiting = clock.pending();
      await get();
      await failsWith('reset');
      expect(clock.pending()).toBe(waiting);
    });

    it.each(['reset', 'reset-in-body', 'too-short'] as const)(
      'can be tried again when the connection breaks: %s',
      async (fault) => {
        expect(await failsWith(fault)).toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true });
        expect(await codeOf(get())).toBe('none');
      },
    );

    it('fails on what is not HTTP, and repeats nothing of it', async () => {
      expect(await failsWith('not-http')).toMatchObject({ code: 'CREDENTIAL_STORAGE_FAILED', retryable: false });
    });

    it.each(['announce-too-much', 'send-too-much'] as const)('reads no more than 1 MiB: %s', async (fault) => {
      expect(await failsWith(fault)).toMatchObject({ code: 'CREDENTIAL_TOO_LARGE', details: { limit: 1_048_576 } });
      expect(await codeOf(get())).toBe('none');
    });

    it.each([301, 302, 307, 308])(
      'does not follow a redirect with %i, and tells nobody else its token',
      async (status) => {
        const elsewhere = await openFakeServer(() => ({ status: 200, body: '{}' }));
        expect(await failsWith({ status, headers: { location: `${elsewhere.url}/` } })).toMatchObject({
          code: 'CREDENTIAL_STORAGE_FAILED',
          details: { status },
        });
        expect(elsewhere.requests).toEqual([]);
        await elsewhere.stop();
      },
    );

    it.each([
      ['text', '<html>canary</html>'],
      ['broken JSON', '{"data":{"key":"canary"'],
      ['a list', '["canary"]'],
      ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
      ['nothing', ''],
      ['an object of another form', '{"canary":{"key":1}}'],
    ])('finds an answer corrupt that is %s', async (_, body) => {
      expect(await failsWith({ status: 200, body })).toMatchObject({
        code: 'CREDENTIAL_STORAGE_CORRUPT',
        retryable: false,
      });
    });

    it.each([
      ['a page', '<html>canary</html>'],
      ['nothing', ''],
      ['an object', '{"canary":1}'],
    ])('does not take %s with the status 404 for there being no secret: something else answered', async (_, body) => {
      expect(await codeOf(failsWith({ status: 404, body }))).toBe('none');
    });

    it.each([500, 502, 503, 504])('can be tried again after the status %i, whatever comes with it', async (status) => {
      expect(await failsWith({ status, body: '<html>canary</html>' })).toMatchObject({
        code: 'CREDENTIAL_STORAGE_UNAVAILABLE',
        retryable: true,
        retryAfterMs: undefined,
      });
    });

    it.each([
      ['seconds', '7', 7_000],
      ['a date', 'Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
      ['a date that is over', 'Wed, 31 Dec 2025 00:00:00 GMT', 0],
      ['nonsense', 'soon', undefined],
    ])('tells how long it is asked to wait, in %s', async (_, value, retryAfterMs) => {
      const failure = await failsWith({ status: 429, headers: { 'retry-after': value }, body: '{}' });
      expect(failure).toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true, retryAfterMs });
    });

    it.each([400, 405, 418])('fails for good with the status %i', async (status) => {
      expect(await failsWith({ status, body: '{"canary":1}' })).toMatchObject({
        code: 'CREDENTIAL_STORAGE_FAILED',
        retryable: false,
      });
    });

    it('uses a connection more than once', async () => {
      const before = rig.connections;
      for (let at = 0; at < 5; at += 1) await get();
      expect(rig.connections).toBe(before);
    });

    it('can be tried again when nobody listens any more', async () => {
      await rig.goAway();
      expect(await failureOf(get())).toMatchObject({ code: 'CREDENTIAL_STORAGE_UNAVAILABLE', retryable: true });
    });
  });
}
