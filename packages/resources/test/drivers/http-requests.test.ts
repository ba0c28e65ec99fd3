import { describe, expect, it } from 'vitest';
import { failureOf } from '../support/open-resources.ts';
import { openHttp, openServer, reply, until } from './open-http.ts';

describe('a request', () => {
  it('reaches the server as it was meant', async () => {
    const server = await openServer((response) => reply(response, 201, '{"id":7}', { 'x-made': 'yes' }));
    const { api } = await openHttp({ baseUrl: `${server.origin}/v1` });
    const answer = await api.post('/orders?a=1', {
      query: { b: 'x y', c: [1, true], none: undefined },
      json: { product: 'tea' },
      headers: { 'X-One': '1' },
    });
    expect(answer).toMatchObject({ status: 201, ok: true, url: `${server.origin}/v1/orders?a=1&b=x+y&c=1&c=true` });
    expect(answer.headers['x-made']).toBe('yes');
    expect(await answer.json()).toEqual({ id: 7 });
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/orders?a=1&b=x+y&c=1&c=true',
      body: '{"product":"tea"}',
      headers: { 'x-one': '1', 'content-type': 'application/json', 'user-agent': 'tenon' },
    });
  });
});
void failureOf;
void until;
