import { describe, expect, it } from 'vitest';
import { findBackend, type FindOptions } from '../src/discovery.js';

const config = { baseUrl: 'https://ring.example', websocketUrl: 'https://ring.example', homeserverUrl: 'https://home.example', iceServers: [{ urls: ['stun:a'] }] };
type Answers = Record<string, unknown>;

/** An object is answered as JSON, a text as it is, a number is a status, an Error is thrown, and null never answers. */
function answering(answers: Answers): typeof fetch {
  return (input, init) => {
    const answer = answers[String(input)] ?? 404;
    if (answer === 'never') return new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)));
    if (answer instanceof Error) return Promise.reject(answer);
    if (typeof answer === 'number') return Promise.resolve(new Response('no', { status: answer }));
    return Promise.resolve(new Response(typeof answer === 'string' ? answer : JSON.stringify(answer)));
  };
}
const find = (answers: Answers, options: FindOptions) => findBackend({ timeoutMs: 20, ...options, fetch: answering(answers) });

describe('finding the server', () => {
  it('takes the page’s own origin first', async () => {
    const found = await find({ 'https://app.example/call-config.json': config }, { origin: 'https://app.example', homeserverUrl: 'https://home.example' });
    expect(found.config).toEqual(config);
    expect(found.attempts).toMatchObject([{ source: 'own-origin', ok: true }]);
  });

  it('then what the homeserver’s well-known file names', async () => {
    const answers = { 'https://home.example/.well-known/matrix/client': { 'dev.ringback.call': { base_url: 'https://ring.example/' } }, 'https://ring.example/call-config.json': config };
    const found = await find(answers, { origin: 'https://app.example', homeserverUrl: 'https://home.example' });
    expect(found.config).toEqual(config);
    expect(found.attempts).toMatchObject([
      { source: 'own-origin', ok: false, problem: 'status', status: 404 },
      { source: 'well-known', ok: true, url: 'https://ring.example/call-config.json' },
    ]);
  });

  it('then port 3000 of the homeserver’s host', async () => {
    const answers = { 'http://localhost:8008/.well-known/matrix/client': { 'm.homeserver': {} }, 'http://localhost:3000/call-config.json': config };
    const found = await find(answers, { homeserverUrl: 'http://localhost:8008' });
    expect(found.config).toEqual(config);
    expect(found.attempts).toMatchObject([{ source: 'well-known', ok: false, problem: 'no-entry' }, { source: 'port-3000', ok: true }]);
  });

  it('asks the server name where there is no homeserver URL', async () => {
    const found = await find({ 'https://example.org:3000/call-config.json': config }, { serverName: 'example.org' });
    expect(found.attempts.at(-1)).toMatchObject({ source: 'port-3000', ok: true });
  });

  it('asks an address that somebody typed, and it alone', async () => {
    const found = await find({ 'http://localhost:3000/call-config.json': config }, { backend: ' localhost:3000 ', homeserverUrl: 'https://home.example' });
    expect(found.attempts).toMatchObject([{ source: 'given', ok: true, url: 'http://localhost:3000/call-config.json' }]);
  });

  it('keeps a path that the server stands under', async () => {
    const found = await find({ 'https://a.example/calls/call-config.json': config }, { backend: 'https://a.example/calls/' });
    expect(found.config).not.toBeNull();
  });

  const failures: [string, unknown, object][] = [
    ['cannot be reached', new TypeError('Failed to fetch'), { problem: 'unreachable', detail: expect.stringContaining('Failed to fetch') as string }],
    ['does not answer', 'never', { problem: 'timeout', detail: 'Nothing came back within 0.02 s.' }],
    ['answers with an error', 502, { problem: 'status', status: 502, detail: 'The answer was 502.' }],
    ['answers with a page', '<!doctype html>', { problem: 'not-json', detail: expect.stringContaining('a web page') as string }],
    ['answers with a list', '[]', { problem: 'not-json' }],
    ['answers with something else', { hello: 1 }, { problem: 'no-call-config' }],
    ['names no ICE servers', { ...config, iceServers: undefined }, { problem: 'no-call-config' }],
    ['names no URL', { ...config, baseUrl: 'ring' }, { problem: 'no-call-config' }],
  ];
  it.each(failures)('says so when the server %s', async (_, answer, expected) => {
    const found = await find({ 'https://app.example/call-config.json': answer }, { origin: 'https://app.example' });
    expect(found.config).toBeNull();
    expect(found.attempts).toMatchObject([{ source: 'own-origin', ok: false, ...expected }]);
  });

  it('says so when the address is none', async () => {
    const found = await find({}, { backend: 'ftp://x' });
    expect(found.attempts).toMatchObject([{ source: 'given', ok: false, problem: 'not-a-url', url: 'ftp://x' }]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const finding = find({ 'https://app.example/call-config.json': 'never' }, { origin: 'https://app.example', timeoutMs: 5000, signal: stop.signal });
    stop.abort();
    expect((await finding).attempts).toMatchObject([{ problem: 'unreachable', detail: 'The search was given up.' }]);
  });

  it('asks nobody where nothing is known', async () => {
    expect(await find({}, {})).toEqual({ config: null, attempts: [] });
  });
});
