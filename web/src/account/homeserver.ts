/** From what somebody types («example.org», «@me:example.org», a URL) to the address of a homeserver that answers. */

export interface LoginFlows {
  password: boolean;
  sso: boolean;
  providers: readonly { id: string; name: string }[];
}

export interface Homeserver {
  url: string;
  /** What its own file is asked for, where a name was typed rather than a URL. */
  serverName: string | null;
  flows: LoginFlows;
}

export type HomeserverProblem = 'not-a-name' | 'unreachable' | 'not-matrix' | 'no-login';

export type HomeserverAnswer = { homeserver: Homeserver } | { problem: HomeserverProblem };

interface Json {
  status: number;
  body: Record<string, unknown> | null;
}

const TIMEOUT_MS = 8000;

async function getJson(url: string): Promise<Json> {
  const response = await fetch(url, { credentials: 'omit', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body: unknown = await response.json().catch(() => null);
  return { status: response.status, body: typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null };
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** A host with an optional port; null where the text cannot be one. */
export function serverNameIn(typed: string): string | null {
  const name = typed.trim().replace(/^@[^:]*:/, '');
  try {
    const url = new URL(`https://${name}`);
    const bare = url.host !== '' && url.pathname === '/' && !url.username && !url.search && !url.hash;
    return bare && name !== '' && !/[\s/@]/.test(name) ? name.toLowerCase() : null;
  } catch {
    return null;
  }
}

export function homeserverUrlIn(typed: string): string | null {
  const text = typed.trim();
  if (!/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    return (url.origin + url.pathname).replace(/\/+$/, '');
  } catch {
    return null;
  }
}

/** Where the server's own file says its homeserver is; null where it says nothing. */
async function delegated(origin: string): Promise<string | null> {
  try {
    const { body } = await getJson(`${origin}/.well-known/matrix/client`);
    const entry = body?.['m.homeserver'];
    const base = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>).base_url : null;
    return typeof base === 'string' ? homeserverUrlIn(base) : null;
  } catch {
    return null;
  }
}

export function readFlows(body: Record<string, unknown> | null): LoginFlows | null {
  if (!Array.isArray(body?.flows)) return null;
  const flows = body.flows.map((flow) => Object(flow) as Record<string, unknown>);
  const sso = flows.find((flow) => flow.type === 'm.login.sso');
  const listed = Array.isArray(sso?.identity_providers) ? sso.identity_providers : [];
  const providers = listed
    .map((provider) => Object(provider) as Record<string, unknown>)
    .filter((provider): provider is { id: string; name: string } => typeof provider.id === 'string' && typeof provider.name === 'string')
    .map(({ id, name }) => ({ id, name }));
  return { password: flows.some((flow) => flow.type === 'm.login.password'), sso: sso !== undefined, providers };
}

/** Looks the homeserver up, asks it how one logs in, and says what is wrong otherwise. Never throws. */
export async function findHomeserver(typed: string): Promise<HomeserverAnswer> {
  const url = homeserverUrlIn(typed);
  const serverName = url ? null : serverNameIn(typed);
  if (!url && !serverName) return { problem: 'not-a-name' };
  const isLoopback = loopback.test(serverName ?? '');
  const origin = url ?? `${isLoopback ? 'http' : 'https'}://${serverName ?? ''}`;
  // Whoever gives a URL means it, whatever the homeserver calls itself: it may be reached by another address from here.
  // And a loopback has neither a certificate nor such a file.
  const asGiven = url || isLoopback ? await ask(origin, serverName) : null;
  if (asGiven && (isLoopback || !('problem' in asGiven))) return asGiven;
  const base = await delegated(new URL(origin).origin);
  return asGiven && (base === null || base === origin) ? asGiven : ask(base ?? origin, serverName);
}

async function ask(base: string, serverName: string | null): Promise<HomeserverAnswer> {
  try {
    const { status, body } = await getJson(`${base}/_matrix/client/v3/login`);
    const flows = readFlows(body);
    if (!flows) return { problem: status >= 500 ? 'unreachable' : 'not-matrix' };
    if (!flows.password && !flows.sso) return { problem: 'no-login' };
    return { homeserver: { url: base, serverName, flows } };
  } catch {
    return { problem: 'unreachable' };
  }
}
