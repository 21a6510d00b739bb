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
  attempts: Attempt[];
}

export interface FindOptions {
  /** The page's own origin; null where the page does not come from a Ringback server. */
  origin?: string | null;
  homeserverUrl?: string | null;
  /** The part of a user id after the first colon; its `.well-known` is asked where there is no homeserver URL. */
  serverName?: string | null;
  timeoutMs?: number;
  fetch?: typeof fetch;
  signal?: AbortSignal;
}

export function findBackend(_options: FindOptions): Promise<Discovery> {
  return Promise.resolve({ config: null, attempts: [] });
}
