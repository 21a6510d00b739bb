import type { CallConfig } from './types.js';

export interface Attempt {
  url: string;
  source: 'own-origin' | 'well-known' | 'port-3000' | 'given';
  ok: boolean;
  problem?: 'unreachable' | 'timeout' | 'status' | 'not-json' | 'no-call-config' | 'no-entry' | 'not-a-url';
  status?: number;
  /** One English sentence: what came back. */
  detail: string;
}

export interface Discovery {
  config: CallConfig | null;
  /** What was asked, in this order; the last one is the one that worked, if any did. */
  attempts: Attempt[];
}

export interface FindOptions {
  /** The address of a Ringback server that somebody typed: it alone is asked. */
  backend?: string | null;
  /** The page's own origin; null where the page does not come from a Ringback server. */
  origin?: string | null;
  homeserverUrl?: string | null;
  /** The part of a user id after the first colon; its `.well-known` is asked where there is no homeserver URL. */
  serverName?: string | null;
  /** For each request; 5 s if left out. */
  timeoutMs?: number;
  fetch?: typeof fetch;
  signal?: AbortSignal;
}

/** What one request brought: a JSON object, or why there is none. */
type Fetched = { body: Record<string, unknown> } | { problem: NonNullable<Attempt['problem']>; status?: number; detail: string };
type Source = Attempt['source'];

/**
 * Finds the Ringback server: on the page's own origin, else where the homeserver's `.well-known/matrix/client` says
 * (`dev.ringback.call`), else on port 3000 of the homeserver's host. Never throws; `attempts` says what came back from where.
 */
export async function findBackend(options: FindOptions): Promise<Discovery> {
  const search = new Search(options);
  const config = await search.run();
  return { config, attempts: search.attempts };
}

class Search {
  readonly attempts: Attempt[] = [];
  readonly #options: FindOptions;

  constructor(options: FindOptions) {
    this.#options = options;
  }

  async run(): Promise<CallConfig | null> {
    const { backend, origin } = this.#options;
    if (backend) return this.#config(withScheme(backend), 'given');
    const own = origin ? await this.#config(origin, 'own-origin') : null;
    if (own) return own;
    const home = withScheme(this.#options.homeserverUrl ?? this.#options.serverName ?? '');
    if (!home) return null;
    const named = await this.#wellKnown(home);
    const byName = named ? await this.#config(named, 'well-known') : null;
    return byName ?? this.#config(portOf(home, '3000'), 'port-3000');
  }

  /** The server's address by the homeserver's own file. */
  async #wellKnown(home: string): Promise<string | null> {
    const url = join(home, '/.well-known/matrix/client');
    const fetched = url ? await this.#fetch(url) : notUrl(home);
    if ('problem' in fetched) return this.#failed('well-known', url ?? home, fetched);
    const entry = fetched.body['dev.ringback.call'];
    const base = isObject(entry) ? entry['base_url'] : undefined;
    if (typeof base === 'string') return base;
    const detail = 'The file does not name a Ringback server: there is no dev.ringback.call with a base_url.';
    return this.#failed('well-known', url ?? home, { problem: 'no-entry', detail });
  }

  async #config(base: string, source: Source): Promise<CallConfig | null> {
    const url = join(base, '/call-config.json');
    const fetched = url ? await this.#fetch(url) : notUrl(base);
    if ('problem' in fetched) return this.#failed(source, url ?? base, fetched);
    const config = readConfig(fetched.body);
    if (!config) {
      const detail = 'What came back is not the configuration of a Ringback server: a URL or the list of ICE servers is missing.';
      return this.#failed(source, url ?? base, { problem: 'no-call-config', detail });
    }
    this.attempts.push({ url: url ?? base, source, ok: true, detail: 'This is a Ringback server.' });
    return config;
  }

  #failed(source: Source, url: string, why: Exclude<Fetched, { body: unknown }>): null {
    this.attempts.push({ url, source, ok: false, ...why });
    return null;
  }

  async #fetch(url: string): Promise<Fetched> {
    const { timeoutMs = 5000, signal } = this.#options;
    const fetching = this.#options.fetch ?? fetch;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const init = { credentials: 'omit', cache: 'no-cache', signal: signal ? AbortSignal.any([signal, timeout]) : timeout } as const;
      const response = await fetching(url, init);
      const text = await response.text();
      if (!response.ok) return { problem: 'status', status: response.status, detail: `The answer was ${response.status}.` };
      return readJson(text);
    } catch (error) {
      if (timeout.aborted) return { problem: 'timeout', detail: `Nothing came back within ${timeoutMs / 1000} s.` };
      if (signal?.aborted) return { problem: 'unreachable', detail: 'The search was given up.' };
      const hint = mixedContent(url) ? ' A page from https may not ask an http address.' : '';
      return { problem: 'unreachable', detail: `The address cannot be reached (${(error as Error).message}).${hint}` };
    }
  }
}

function readJson(text: string): Fetched {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body)) return { body };
  } catch {
    // said below
  }
  const what = /^\s*</.test(text) ? 'a web page' : 'something else';
  return { problem: 'not-json', detail: `The answer is ${what}, not a JSON object.` };
}

/** The configuration in the shape that is promised, or null. Fields that a later server adds are dropped. */
function readConfig(body: Record<string, unknown>): CallConfig | null {
  const { baseUrl, websocketUrl, homeserverUrl, iceServers } = body;
  if (!isUrl(baseUrl) || !isUrl(websocketUrl) || typeof homeserverUrl !== 'string' || !Array.isArray(iceServers)) return null;
  return { baseUrl, websocketUrl, homeserverUrl, iceServers: iceServers.filter(isObject) as unknown as RTCIceServer[] };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isUrl = (value: unknown): value is string => typeof value === 'string' && /^(https?|wss?):$/.test(parse(value)?.protocol ?? '');

function parse(url: string): URL | null {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

/** What people type has no scheme: the loopback speaks http, everything else https. */
function withScheme(address: string): string {
  const typed = address.trim();
  if (!typed || /^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return typed;
  return `${/^(localhost|127\.|\[::1\])/.test(typed) ? 'http' : 'https'}://${typed}`;
}

function join(base: string, path: string): string | null {
  const url = parse(base);
  if (!url || !/^https?:$/.test(url.protocol)) return null;
  return url.origin + url.pathname.replace(/\/+$/, '') + path;
}

function portOf(base: string, port: string): string {
  const url = parse(base);
  if (!url) return base;
  url.port = port;
  return url.origin;
}

const notUrl = (address: string) => ({ problem: 'not-a-url' as const, detail: `“${address}” is not an address with http or https.` });
const mixedContent = (url: string) => globalThis.location?.protocol === 'https:' && url.startsWith('http:');
