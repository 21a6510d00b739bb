/** Finds the Ringback server and the homeserver: at start, and again when somebody names another homeserver. */
import { type Attempt, type CallConfig, findBackend } from 'ringback-client';
import { Value } from '../store';
import { findHomeserver, type Homeserver, homeserverUrlIn, type HomeserverProblem, serverNameIn } from './homeserver';
import type { Session } from './session';

export type Setup =
  | { stage: 'looking' }
  /** No Ringback server answers (or none can be asked for yet, as no homeserver is known). */
  | { stage: 'none'; typed: string; attempts: readonly Attempt[]; problem: HomeserverProblem | null }
  | { stage: 'found'; config: CallConfig; typed: string; homeserver: Homeserver | null; problem: HomeserverProblem | null; checking: boolean };

const KEY = 'ringback.homeserver';

class SetupStore extends Value<Setup> {
  #round = 0;
  #homeserver: Promise<Homeserver | null> = Promise.resolve(null);

  constructor() {
    super({ stage: 'looking' });
  }

  /** With a session it stops at the Ringback server; without, it asks the homeserver how one logs in. */
  async look(session: Session | null): Promise<void> {
    const round = this.#begin();
    const own = location.origin;
    const typed = session?.homeserverUrl ?? remembered();
    const named = await search(session?.ringbackUrl ?? null, own, typed);
    if (round !== this.#round) return;
    if (!named.config) {
      this.set({ stage: 'none', typed, attempts: named.attempts, problem: null });
      return;
    }
    const homeserver = session?.homeserverUrl ?? (remembered() || named.config.homeserverUrl);
    this.set({ stage: 'found', config: named.config, typed: homeserver, homeserver: null, problem: null, checking: !session });
    if (!session) await this.#check(round, homeserver, homeserver === named.config.homeserverUrl ? named.config : null, this.snapshot);
  }

  /** Somebody names a homeserver. Its own Ringback server is asked for first, then the page's. */
  async change(typed: string): Promise<Homeserver | null> {
    const before = this.snapshot;
    if (before.stage === 'found') {
      if (typed.trim() === before.typed && (before.checking || before.homeserver)) return this.#homeserver;
      this.set({ ...before, typed: typed.trim(), homeserver: null, problem: null, checking: true });
    }
    const round = this.#begin(before.stage !== 'found');
    return this.#check(round, typed.trim(), null, before);
  }

  #begin(visible = true): number {
    if (visible) this.set({ stage: 'looking' });
    return ++this.#round;
  }

  #check(...about: [round: number, typed: string, known: CallConfig | null, before: Setup]): Promise<Homeserver | null> {
    this.#homeserver = this.#checkNow(...about);
    return this.#homeserver;
  }

  async #checkNow(round: number, typed: string, known: CallConfig | null, before: Setup): Promise<Homeserver | null> {
    const answer = await findHomeserver(typed);
    const homeserver = 'homeserver' in answer ? answer.homeserver : null;
    const problem = 'problem' in answer ? answer.problem : null;
    let config = known;
    let attempts = before.stage === 'none' ? before.attempts : [];
    if (!config && homeserver) {
      const found = await search(null, null, homeserver.serverName ?? homeserver.url, homeserver.url);
      const fallback = found.config ? null : await search(null, location.origin, '');
      config = found.config ?? fallback?.config ?? null;
      attempts = [...found.attempts, ...(fallback?.attempts ?? [])];
    }
    if (round !== this.#round) return null;
    if (!config && before.stage === 'found' && !homeserver) config = before.config;
    if (config) {
      this.set({ stage: 'found', config, typed, homeserver, problem, checking: false });
      if (homeserver) remember(typed);
    } else {
      this.set({ stage: 'none', typed, attempts, problem });
    }
    return config ? homeserver : null;
  }
}

async function search(backend: string | null, origin: string | null, home: string, homeserverUrl = homeserverUrlIn(home)) {
  const attempts: Attempt[] = [];
  if (backend) {
    const found = await findBackend({ backend });
    if (found.config) return found;
    attempts.push(...found.attempts);
  }
  const found = await findBackend({ origin: origin === backend ? null : origin, homeserverUrl, serverName: serverNameIn(home) });
  return { config: found.config, attempts: [...attempts, ...found.attempts] };
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

function remember(typed: string): void {
  try {
    localStorage.setItem(KEY, typed);
  } catch {
    // It is only a convenience.
  }
}

export const setup = new SetupStore();
