/**
 * Group calls that go on without this user: left, declined or missed, and open to be joined. The server tells only who is
 * in a call how it goes on, so each is asked for again now and then.
 */
import type { Call, CallConfig, CallSnapshot, RingbackClient } from 'ringback-client';
import type { Session } from '../account/session';
import { Value } from '../store';

export interface OngoingCall {
  callId: string;
  type: 'voice' | 'video';
  /** The others who are in it. */
  joined: readonly string[];
}

export type AskStatus = (callId: string) => Promise<OngoingCall | null>;

const AGAIN_MS = 10_000;
const over: readonly CallSnapshot['outcome'][] = ['left', 'rejected', 'missed', 'busy', 'disconnected', 'answered-elsewhere', 'rejected-elsewhere'];

export class OngoingCalls extends Value<ReadonlyMap<string, OngoingCall>> {
  readonly #ask: AskStatus;
  readonly #client: Pick<RingbackClient, 'on'>;
  #timer: ReturnType<typeof setInterval> | null = null;
  #stop: (() => void) | null = null;

  constructor(client: Pick<RingbackClient, 'on'>, ask: AskStatus) {
    super(new Map());
    this.#client = client;
    this.#ask = ask;
  }

  start(): void {
    this.#stop = this.#client.on('over', ({ call }) => void this.#onOver(call));
    this.#timer = setInterval(() => {
      if (!document.hidden) for (const [roomId, { callId }] of this.snapshot) void this.#look(roomId, callId);
    }, AGAIN_MS);
  }

  close(): void {
    this.#stop?.();
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async #onOver(call: Call): Promise<void> {
    const { callId, roomId, isGroup, outcome } = call.snapshot;
    if (!callId) return;
    if (isGroup && over.includes(outcome)) await this.#look(roomId, callId);
    else this.#put(roomId, callId, null);
  }

  async #look(roomId: string, callId: string): Promise<void> {
    try {
      this.#put(roomId, callId, await this.#ask(callId));
    } catch {
      // Not reachable now: what is shown stays, and is asked for again.
    }
  }

  #put(roomId: string, callId: string, call: OngoingCall | null): void {
    const known = this.snapshot.get(roomId);
    if (!call && known?.callId !== callId) return;
    const next = new Map(this.snapshot);
    if (call) next.set(roomId, call);
    else next.delete(roomId);
    this.set(next);
  }
}

/**
 * `GET /api/calls/{callId}/status`; null where the call is not active (any more). The user who has just left may be
 * named still, so does not count.
 */
export function askStatus(config: CallConfig, { userId, accessToken }: Session): AskStatus {
  return async (callId) => {
    const response = await fetch(`${config.baseUrl}/api/calls/${callId}/status`, { headers: { Authorization: `Bearer ${accessToken}` }, credentials: 'omit' });
    if (response.status === 404 || response.status === 403) return null;
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { session, participants } = (await response.json()) as {
      session: { status: string; call_type: 'voice' | 'video' };
      participants: { matrix_user_id: string; status: string }[];
    };
    if (session.status !== 'active') return null;
    const joined = participants.filter((one) => one.status === 'joined' && one.matrix_user_id !== userId).map((one) => one.matrix_user_id);
    return joined.length === 0 ? null : { callId, type: session.call_type, joined };
  };
}
