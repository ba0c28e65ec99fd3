import { CodedError, Secret } from '@tenon/core';
import { createResources, type CredentialReader } from '@tenon/resources';
import { resourceContract, type ResourceUnderTest } from '@tenon/resources/testing';
import { describe, expect, it } from 'vitest';
import { startMailServer } from '../../examples/custom-resource/mail-server.ts';
import { smtp, type SmtpFace } from '../../examples/custom-resource/smtp.ts';

const passwords: Readonly<Record<string, string>> = { login: 'pw-of-the-test', wrong: 'pw-that-is-wrong' };
const vault: CredentialReader = {
  retrieve: async ({ id }) => ({
    kind: 'basic',
    version: 1,
    secret: new Secret(passwords[id] ?? ''),
    value: { username: 'robot' },
    expiresAt: undefined,
  }),
};
const mail = { from: 'shop@acme.example', to: ['ada@acme.example'], text: 'Subject: hello\n\nhello' };

async function open(): Promise<ResourceUnderTest<SmtpFace>> {
  const server = await startMailServer({ current: `robot:${passwords['login']}` });
  const place = { port: server.port, replyTimeoutMs: 500 };
  let isRunning = true;
  return {
    token: smtp('mail', { ...place, login: 'login' }),
    refusedToken: smtp('mail-refused', { ...place, login: 'wrong' }),
    work: (face) => face.send(mail),
    vault,
    secrets: Object.values(passwords),
    async stopServer() {
      isRunning = false;
      await server.stop();
    },
    async startServer() {
      isRunning = true;
      await server.start();
    },
    close: async () => (isRunning ? server.stop() : undefined),
  };
}

describe('the driver of the guide', () => {
  it.each(resourceContract(open))('$name', ({ run }) => expect(run()).resolves.toBeUndefined());

  it.each([
    [{ ...mail, to: [] }, 'MAIL_INVALID'],
    [{ ...mail, to: ['ada@acme.example>\r\nRSET\r\nMAIL FROM:<x@y'] }, 'MAIL_INVALID'],
    [{ ...mail, to: ['nobody@acme.example'] }, 'MAIL_REFUSED'],
  ])('says what is wrong with %j', async (wrong, code) => {
    const opened = await open();
    await using resources = createResources({ vault, define: [opened.token] });
    const sending = resources.use(opened.token, (face) => face.send(wrong));
    await expect(sending).rejects.toMatchObject({ code, retryable: false });
    await expect(sending).rejects.toBeInstanceOf(CodedError);
    // What was begun is not the next borrower's.
    await resources.use(opened.token, (face) => face.send(mail));
    await resources.close();
    await opened.close();
  });
});
