import { afterEach, expect, test, vi } from 'vitest';
import { findHomeserver, homeserverUrlIn, readFlows, serverNameIn } from './homeserver';

const passwordFlow = { flows: [{ type: 'm.login.password' }] };

/** Answers by URL; everything else cannot be reached. */
function network(answers: Record<string, unknown>) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return url in answers ? Promise.resolve(Response.json(answers[url])) : Promise.reject(new TypeError('Failed to fetch'));
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  ['example.org', 'example.org'],
  [' Matrix.Example.org:8448 ', 'matrix.example.org:8448'],
  ['@me:example.org', 'example.org'],
  ['localhost:8008', 'localhost:8008'],
  ['two words', null],
  ['example.org/path', null],
  ['', null],
])('«%s» is the server %s', (typed, name) => {
  expect(serverNameIn(typed)).toBe(name);
});

test('a URL is taken without what follows its path', () => {
  expect(homeserverUrlIn(' https://hs.example.org/matrix/?x=1#y ')).toBe('https://hs.example.org/matrix');
  expect(homeserverUrlIn('ftp://example.org')).toBeNull();
});

test('a name is looked up in the server’s own file', async () => {
  network({
    'https://example.org/.well-known/matrix/client': { 'm.homeserver': { base_url: 'https://hs.example.org/' } },
    'https://hs.example.org/_matrix/client/v3/login': passwordFlow,
  });
  const flows = { password: true, sso: false, providers: [] };
  expect(await findHomeserver('example.org')).toEqual({ homeserver: { url: 'https://hs.example.org', serverName: 'example.org', flows } });
});

test('a URL is taken as it is, whatever the homeserver calls itself', async () => {
  const asked = network({
    'http://192.168.1.22:8008/.well-known/matrix/client': { 'm.homeserver': { base_url: 'http://localhost:8008/' } },
    'http://192.168.1.22:8008/_matrix/client/v3/login': passwordFlow,
    'https://example.org/.well-known/matrix/client': { 'm.homeserver': { base_url: 'https://hs.example.org/' } },
    'https://example.org/_matrix/client/v3/login': { hello: 'web' },
    'https://hs.example.org/_matrix/client/v3/login': passwordFlow,
  });
  expect(await findHomeserver('http://192.168.1.22:8008')).toMatchObject({ homeserver: { url: 'http://192.168.1.22:8008' } });
  expect(asked).toEqual(['http://192.168.1.22:8008/_matrix/client/v3/login']);
  expect(await findHomeserver('https://example.org')).toMatchObject({ homeserver: { url: 'https://hs.example.org' } });
});

test('without such a file the name itself is asked, a loopback by http', async () => {
  network({ 'https://example.org/_matrix/client/v3/login': passwordFlow, 'http://localhost:8008/_matrix/client/v3/login': passwordFlow });
  expect(await findHomeserver('example.org')).toMatchObject({ homeserver: { url: 'https://example.org' } });
  expect(await findHomeserver('localhost:8008')).toMatchObject({ homeserver: { url: 'http://localhost:8008' } });
});

test.each([
  ['no name', {}, 'not-a-name'],
  ['away.example.org', {}, 'unreachable'],
  ['web.example.org', { 'https://web.example.org/_matrix/client/v3/login': { hello: 'web' } }, 'not-matrix'],
  ['odd.example.org', { 'https://odd.example.org/_matrix/client/v3/login': { flows: [{ type: 'm.login.other' }] } }, 'no-login'],
])('«%s» is refused', async (typed, answers, problem) => {
  network(answers);
  expect(await findHomeserver(typed)).toEqual({ problem });
});

test('single sign-on may name several providers', () => {
  const providers = [{ id: 'oidc-a', name: 'A', icon: 'mxc://x/y' }, { id: 'oidc-b', name: 'B' }, { name: 'without id' }];
  expect(readFlows({ flows: [{ type: 'm.login.sso', identity_providers: providers }] })).toEqual({
    password: false,
    sso: true,
    providers: [
      { id: 'oidc-a', name: 'A' },
      { id: 'oidc-b', name: 'B' },
    ],
  });
});
