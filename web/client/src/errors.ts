/** Codes of this package, beside those of the server (docs/protocol.md, "Errors"). */
export type LocalErrcode = 'CLIENT_NETWORK' | 'CLIENT_TIMEOUT' | 'CLIENT_NOT_RINGBACK' | 'CLIENT_STATE';

export interface Refusal {
  errcode: string;
  error: string;
  status?: number;
  retryAfterMs?: number;
  callId?: string;
  callStatus?: string;
}

/** A refusal by the server, or (with a `CLIENT_…` code) a request that never got an answer. */
export class RingbackError extends Error {
  override readonly name = 'RingbackError';
  readonly errcode: string;
  /** The HTTP status; absent for refusals on the socket and for what never got an answer. */
  readonly status?: number;
  /** How long to wait before the next try (429). */
  readonly retryAfterMs?: number;
  /** `RINGBACK_CALL_EXISTS`: the call to answer or join instead. */
  readonly callId?: string;
  /** `RINGBACK_CALL_STATE`: where the call stands. */
  readonly callStatus?: string;

  constructor({ errcode, error, ...more }: Refusal) {
    super(error);
    this.errcode = errcode;
    Object.assign(this, more);
  }

  /** The same request may go through later. */
  get mayRetry(): boolean {
    if (this.errcode === 'CLIENT_NETWORK' || this.errcode === 'CLIENT_TIMEOUT') return true;
    if (this.errcode === 'M_LIMIT_EXCEEDED') return false; // for whoever dials: to be told, not to be waited for
    return ['RINGBACK_HOMESERVER', 'RINGBACK_UNAVAILABLE'].includes(this.errcode) || [502, 503, 504].includes(this.status ?? 0);
  }

  /** The homeserver does not take the token any more: log in again. */
  get isTokenRefused(): boolean {
    return this.errcode === 'M_UNKNOWN_TOKEN' || this.errcode === 'M_MISSING_TOKEN';
  }
}

/** Makes an error of `{"errcode": …, "error": …}`, wherever it came from. */
export function refusal(body: unknown, status?: number): RingbackError {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { errcode, error, retry_after_ms, callId, status: callStatus } = fields;
  const made: Refusal = {
    errcode: typeof errcode === 'string' ? errcode : 'CLIENT_NOT_RINGBACK',
    error: typeof error === 'string' ? error : `The server answered with ${status ?? 'something'} that no Ringback server sends.`,
  };
  if (status !== undefined) made.status = status;
  if (typeof retry_after_ms === 'number') made.retryAfterMs = retry_after_ms;
  if (typeof callId === 'string') made.callId = callId;
  if (typeof callStatus === 'string') made.callStatus = callStatus;
  return new RingbackError(made);
}

export function local(errcode: LocalErrcode, error: string): RingbackError {
  return new RingbackError({ errcode, error });
}
