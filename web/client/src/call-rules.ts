import type { Call } from './call.js';
import type { Connection } from './connection.js';
import { RingbackError } from './errors.js';
import type { Http } from './http.js';
import type { CallOutcome, CallPhase, CallSnapshot, Other } from './types.js';
import type { EndReason, StatusAnswer } from './wire.js';

/** What a call asks of the client that it belongs to. */
export interface CallHost {
  readonly userId: string;
  readonly deviceId: string | null;
  readonly http: Http;
  readonly connection: Connection;
  readonly rtc: RTCConfiguration;
  /** Of the server's time, in ms of the local clock. */
  localTime(time: string): number;
  /** The id of a call that this page started is known now: what came for it meanwhile follows. */
  identified(call: Call): void;
  /** This page is in the call: other tabs of the device are not, and a reload comes back to it. */
  entered(call: Call): void;
  /** What a reload should find as it is now. */
  stateChanged(call: Call): void;
  stoppedRinging(call: Call): void;
  /** Requests of this page that end a call and are under way, by call id. */
  readonly endings: Map<string, Promise<unknown>>;
  over(call: Call): void;
  dismiss(call: Call): void;
}

/** A call of which nothing is known yet. */
export const UNKNOWN = {
  callId: null,
  outcome: null,
  error: null,
  callerName: null,
  busy: false,
  ringingDevices: 0,
  pendingUsers: 0,
  expiresAt: null,
  answeredAt: null,
  endedAt: null,
  isGroup: false,
  peers: [],
  others: [],
} satisfies Partial<CallSnapshot>;

/** How long an action waits for the socket. */
export const READY_MS = 10_000;
/** How long a request is tried again. */
export const RETRY_MS = 20_000;
/** Ending is worth more patience: the others wait for it. */
export const END_RETRY_MS = 60_000;
/** The server's word that ringing is over comes first, if the connection is up. */
export const OVERDUE_MS = 1500;

/** This page takes part, or is just about to. */
export const isLivePhase = (phase: CallPhase): boolean => ['ringing', 'connecting', 'connected', 'reconnecting'].includes(phase);

/** @param unreached the call is ours, and no device was connected to ring */
export function outcomeOf(reason: EndReason, rejectedBecause: string | undefined, unreached: boolean): CallOutcome {
  if (reason === 'hangup') return 'ended';
  if (reason === 'timeout') return unreached ? 'unreachable' : 'missed';
  if (reason === 'rejected') return rejectedBecause === 'busy' ? 'busy' : 'rejected';
  return reason;
}

/** Where a refusal only says that the call has gone on without us. */
export function settledOutcome(error: unknown): CallOutcome | null {
  if (!(error instanceof RingbackError) || error.errcode !== 'RINGBACK_CALL_STATE') return null;
  if (error.callStatus === 'active') return 'answered-elsewhere';
  if (error.callStatus === 'rejected') return 'rejected-elsewhere';
  return error.callStatus === 'missed' ? 'missed' : 'cancelled';
}

export function othersWith(others: readonly Other[], changed: Other): readonly Other[] {
  const known = others.some(({ userId }) => userId === changed.userId);
  return known ? others.map((other) => (other.userId === changed.userId ? changed : other)) : [...others, changed];
}

/** `GET …/status` in this package's words. */
export function readStatus({ session, participants }: StatusAnswer) {
  return {
    initiatorId: session.initiator_id,
    startedAt: session.started_at,
    participants: participants.map((row) => ({
      userId: row.matrix_user_id,
      status: row.status,
      audio: row.audio_enabled,
      video: row.video_enabled,
      screen: row.screen_enabled,
    })),
  };
}

/** For ending what is over already, or cannot be ended any more: there is nothing left to do. */
export function ignoreRefusal(error: unknown): void {
  if (!(error instanceof RingbackError)) throw error;
}

/** For `Idempotency-Key`. `crypto.randomUUID` is missing where a page is not secure. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
