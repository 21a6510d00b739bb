import { local, refusal, RingbackError } from './errors.js';

/** Gives the present token; `refused` is one that the server has just refused: is there a newer one? */
export type TokenSource = (refused?: string) => Promise<string | null>;

/** Of a fixed token or a function. A refused token is never handed out again. */
export function tokenSource(token: string | (() => string | Promise<string>)): TokenSource {
  return async (refused) => {
    const present = typeof token === 'string' ? token : await token();
    return present === refused || present === '' ? null : present;
  };
}

export interface RequestOptions {
  /** `Idempotency-Key`: with it a repeated `initiate` rings nobody twice. */
  key?: string;
  timeoutMs?: number;
  /** Tries again for this long where the network or the server fails for a time. */
  retryForMs?: number;
}

const TIMEOUT_MS = 15_000;
const RETRY_MS = [300, 1000, 2000, 4000];

/** Requests to one Ringback server; the token goes into the header and nowhere else. */
export class Http {
  readonly #base: string;
  readonly #token: TokenSource;

  constructor(baseUrl: string, token: TokenSource) {
    this.#base = baseUrl.replace(/\/+$/, '');
    this.#token = token;
  }

  get<T>(path: string, options?: RequestOptions): Promise<T> {
    return this.#retrying('GET', path, undefined, options);
  }

  post<T>(path: string, body: object = {}, options?: RequestOptions): Promise<T> {
    return this.#retrying('POST', path, body, options);
  }

  async #retrying<T>(method: string, path: string, body: object | undefined, options: RequestOptions = {}): Promise<T> {
    const until = Date.now() + (options.retryForMs ?? 0);
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#asking<T>(method, path, body, options);
      } catch (error) {
        const pause = RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? 0;
        if (!(error instanceof RingbackError && error.mayRetry) || Date.now() + pause > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  /** With a token that is refused once, a newer one is tried. */
  async #asking<T>(method: string, path: string, body: object | undefined, options: RequestOptions): Promise<T> {
    const token = await this.#token();
    if (token === null) throw noToken();
    try {
      return await this.#once<T>(method, path, body, token, options);
    } catch (error) {
      if (!(error instanceof RingbackError && error.errcode === 'M_UNKNOWN_TOKEN')) throw error;
      const newer = await this.#token(token);
      if (newer === null) throw error;
      return this.#once<T>(method, path, body, newer, options);
    }
  }

  async #once<T>(method: string, path: string, body: object | undefined, token: string, options: RequestOptions): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (body) headers['Content-Type'] = 'application/json';
    if (options.key) headers['Idempotency-Key'] = options.key;
    const timeout = options.timeoutMs ?? TIMEOUT_MS;
    const init: RequestInit = { method, headers, credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(timeout) };
    if (body) init.body = JSON.stringify(body);
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#base + path, init);
      text = await response.text();
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw local('CLIENT_TIMEOUT', `The server did not answer within ${timeout / 1000} s.`);
      throw local('CLIENT_NETWORK', 'The server cannot be reached.');
    }
    const answer = parsed(text);
    if (!response.ok || answer === undefined) throw refusal(answer, response.status);
    return answer as T;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function noToken(): RingbackError {
  return new RingbackError({ errcode: 'M_MISSING_TOKEN', error: 'There is no access token: log in.' });
}
