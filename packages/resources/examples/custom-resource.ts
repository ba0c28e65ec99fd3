/**
 * A driver of your own: an SMTP client, in `custom-resource/smtp.ts`, used like any other. How it was written:
 * docs/how-to/implement-a-resource.md.
 *
 * Run: node --conditions=@tenon/source packages/resources/examples/custom-resource.ts
 */
import { isCodedError, Secret } from '@tenon/core';
import { createResources } from '@tenon/resources';
import { startMailServer } from './custom-resource/mail-server.ts';
import { smtp } from './custom-resource/smtp.ts';

const server = await startMailServer({ current: 'robot:pw-1234' });
// In the place of a vault: whatever reads like one.
const vault = {
  retrieve: async () => ({
    kind: 'basic',
    version: 1,
    secret: new Secret('pw-1234'),
    value: { username: 'robot' },
    expiresAt: undefined,
  }),
};

const mail = smtp('mail', { port: server.port, login: 'mail-login' });
await using resources = createResources({ vault, define: [mail] });

const [from, to] = ['shop@acme.example', ['ada@acme.example']] as const;
{
  await using session = await resources.acquire(mail);
  console.log('sent:     ', await session.send({ from, to, text: 'Subject: hello\n\n.it begins with a dot' }));
  console.log('sent:     ', await session.send({ from, to, text: 'Subject: again\n\nthe same session' }));
}
console.log('received: ', server.mails[0]?.split('\n').at(-1));

const [seen] = await resources.check(mail);
console.log('checked:  ', seen?.health.status);

try {
  await resources.use(mail, (session) => session.send({ from, to: ['nobody@acme.example'], text: 'hello?' }));
} catch (error) {
  console.log('refused:  ', isCodedError(error) && `${error.code}, retryable: ${error.retryable}`);
}

// The server goes away under a borrower, and comes back. A session that broke is not lent again.
{
  await using session = await resources.acquire(mail);
  await server.stop();
  try {
    await session.send({ from, to, text: 'is anybody there?' });
  } catch (error) {
    console.log('broken:   ', isCodedError(error) && `${error.code}, retryable: ${error.retryable}`);
  }
}
await server.start();
await resources.use(mail, async (session) => {
  console.log('back:     ', await session.send({ from, to, text: 'Subject: back\n\nwelcome back' }));
});

const { resources: ended } = await resources.close();
console.log(
  'ended:    ',
  ended.map(({ resource, forced, left }) => `${resource}, forced ${forced}, left ${left}`).join(),
);
await server.stop();
