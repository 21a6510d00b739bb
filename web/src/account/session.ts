/**
 * Who is logged in on this device. Kept in localStorage, the only place where the access token is stored.
 * No refresh token is asked for: the token lives until it is revoked, and a refused one leads to a new login.
 */
import { Value } from '../store';

export interface Session {
  homeserverUrl: string;
  /** The Ringback server that was found for this account, asked first at the next start. */
  ringbackUrl: string;
  userId: string;
  deviceId: string;
  accessToken: string;
}

const KEY = 'ringback.session';
const fields = ['homeserverUrl', 'ringbackUrl', 'userId', 'deviceId', 'accessToken'] as const;

export function parseSession(text: string | null): Session | null {
  if (!text) return null;
  try {
    const stored = Object(JSON.parse(text)) as Record<string, unknown>;
    const values = fields.map((field) => stored[field]);
    if (!values.every((value) => typeof value === 'string' && value !== '')) return null;
    return Object.fromEntries(fields.map((field, i) => [field, values[i]])) as unknown as Session;
  } catch {
    return null;
  }
}

function stored(): Session | null {
  try {
    return parseSession(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

class SessionStore extends Value<Session | null> {
  constructor() {
    super(stored());
    // Logged in or out in another tab.
    addEventListener('storage', (event) => {
      if (event.key === KEY || event.key === null) this.set(stored());
    });
  }

  keep(session: Session): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(session));
    } catch {
      // Storage may be forbidden: the session then lasts as long as the page.
    }
    this.set(session);
  }

  forget(): void {
    try {
      localStorage.removeItem(KEY);
    } catch {
      // as above
    }
    this.set(null);
  }
}

export const session = new SessionStore();
