import { beforeEach, expect, test } from 'vitest';
import { ssoAddress, takeSsoReturn } from './sso';

beforeEach(() => {
  history.replaceState(null, '', '/');
});

/** Where the homeserver sends the browser back to. */
function wayBack(address: string): URL {
  return new URL(new URL(address).searchParams.get('redirectUrl') ?? '');
}

test('the provider is named in the address', () => {
  expect(ssoAddress('https://hs', 'https://calls', 'oidc-a b')).toContain('https://hs/_matrix/client/v3/login/sso/redirect/oidc-a%20b?redirectUrl=');
});

test('a login that was begun here comes back with its homeserver, and leaves no token in the address', () => {
  const back = wayBack(ssoAddress('https://hs', 'https://calls'));
  history.replaceState(null, '', `/${back.search}&loginToken=secret#/calls`);
  expect(takeSsoReturn()).toMatchObject({ loginToken: 'secret', pending: { homeserverUrl: 'https://hs', ringbackUrl: 'https://calls' } });
  expect(location.href).not.toContain('secret');
  expect(location.search).toBe('');
  expect(location.hash).toBe('#/calls');
});

test('a login that somebody else began is told apart', () => {
  ssoAddress('https://hs', 'https://calls');
  history.replaceState(null, '', '/?state=forged&loginToken=secret');
  expect(takeSsoReturn()).toEqual({ loginToken: 'secret', pending: null });
  expect(location.href).not.toContain('secret');
});

test('the same return cannot be used twice', () => {
  const back = wayBack(ssoAddress('https://hs', 'https://calls'));
  const address = `/${back.search}&loginToken=secret`;
  history.replaceState(null, '', address);
  takeSsoReturn();
  history.replaceState(null, '', address);
  expect(takeSsoReturn()?.pending).toBeNull();
});

test('an ordinary start is none', () => {
  expect(takeSsoReturn()).toBeNull();
});
