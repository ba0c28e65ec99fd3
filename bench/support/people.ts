import type { Account } from '@tenon/auth';
import { runAs } from '@tenon/core';
import type { Services } from '@tenon/server';

/** The password of everyone in a bench. */
export const PASSWORD = 'a bench needs people';

/** The address of a person, counted from 0. */
export const emailOf = (person: number): string => `person-${person}@bench.example`;

/**
 * Makes the tenant `main` with so many people: the first its owner, the others admins.
 *
 * @returns the ids of the people as users of the tenant
 */
export async function addPeople({ auth, tenancy }: Services, people: number): Promise<readonly string[]> {
  const register = (person: number): Promise<Account> =>
    auth.register({ email: emailOf(person), password: PASSWORD, name: `Person ${person}` });
  const { id: accountId, email, name } = await register(0);
  const { owner } = await tenancy.tenants.create({ id: 'main', name: 'Bench', owner: { accountId, email, name } });
  const userIds = [owner.id];
  for (let person = 1; person < people; person += 1) {
    const account = await register(person);
    const user = await runAs({ tenant: 'main' }, () =>
      tenancy.users.create({ email: account.email, name: account.name, role: 'admin' }, { accountId: account.id }),
    );
    userIds.push(user.id);
  }
  return userIds;
}

/** Signs people in, one after the other. @returns an access token for each */
export async function signInAll(url: string, people: number): Promise<readonly string[]> {
  const tokens: string[] = [];
  for (let person = 0; person < people; person += 1) {
    const response = await fetch(`${url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: emailOf(person), password: PASSWORD }),
    });
    if (!response.ok) throw new Error(`signing in was answered with ${response.status}: ${await response.text()}`);
    const { accessToken } = (await response.json()) as { readonly accessToken: string };
    tokens.push(accessToken);
  }
  return tokens;
}
