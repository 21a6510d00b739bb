/**
 * Single sign-on: away to the homeserver, and back with a `loginToken` in the address. A random state in the address
 * of return, kept by this tab, shows that the login was begun here: otherwise a link could log somebody into a
 * stranger's account.
 */
const KEY = 'ringback.sso';

interface Pending {
  state: string;
  homeserverUrl: string;
  ringbackUrl: string;
}

export interface SsoReturn {
  loginToken: string;
  /** null: this tab did not begin it, so the token must not be used. */
  pending: Pending | null;
}

export function ssoAddress(homeserverUrl: string, ringbackUrl: string, providerId?: string): string {
  const state = crypto.randomUUID();
  const pending: Pending = { state, homeserverUrl, ringbackUrl };
  sessionStorage.setItem(KEY, JSON.stringify(pending));
  const back = new URL(location.pathname, location.origin);
  back.searchParams.set('state', state);
  const provider = providerId ? `/${encodeURIComponent(providerId)}` : '';
  return `${homeserverUrl}/_matrix/client/v3/login/sso/redirect${provider}?redirectUrl=${encodeURIComponent(back.href)}`;
}

/** Takes the token out of the address at once, so that it gets into no history, link or screenshot. */
export function takeSsoReturn(): SsoReturn | null {
  const url = new URL(location.href);
  const loginToken = url.searchParams.get('loginToken');
  const state = url.searchParams.get('state');
  if (loginToken === null && state === null) return null;
  url.searchParams.delete('loginToken');
  url.searchParams.delete('state');
  history.replaceState(null, '', url.pathname + url.search + url.hash);
  const pending = takePending();
  if (loginToken === null) return null;
  return { loginToken, pending: pending?.state === state ? pending : null };
}

function takePending(): Pending | null {
  try {
    const text = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    return text ? (JSON.parse(text) as Pending) : null;
  } catch {
    return null;
  }
}
