import type { Candidate, Description } from './wire.js';

/** A description as the browser wants it: other clients send an object, its JSON, or the SDP alone. */
export function readDescription(type: 'offer' | 'answer', raw: Description): (RTCSessionDescriptionInit & Mark) | null {
  if (typeof raw === 'string') {
    if (!raw.trimStart().startsWith('{')) return raw.startsWith('v=0') ? { type, sdp: raw } : null;
    try {
      return readDescription(type, JSON.parse(raw) as Description);
    } catch {
      return null;
    }
  }
  if (typeof raw !== 'object' || raw === null || typeof raw.sdp !== 'string') return null;
  const { mark } = raw as Mark;
  return { type, sdp: raw.sdp, ...(typeof mark === 'string' && { mark }) };
}

/** Names an offer; an answer repeats it, so that a late one is not taken for the answer to a newer offer. */
export interface Mark {
  mark?: string;
}

/** What this package's clients send in place of an offer: they want so many video lines, or new directions. */
export function readRequest(raw: unknown): number | null {
  const { type, lines } = (typeof raw === 'object' && raw !== null ? raw : {}) as { type?: unknown; lines?: unknown };
  return type === 'request' && typeof lines === 'number' ? lines : null;
}

/** A candidate as the browser wants it; null for the end of candidates and what is none. */
export function readCandidate(raw: Candidate['candidate']): RTCIceCandidateInit | null {
  const init = typeof raw === 'string' ? { candidate: raw } : raw;
  if (typeof init !== 'object' || init === null || typeof init.candidate !== 'string' || init.candidate === '') return null;
  const placed = typeof init.sdpMid === 'string' || typeof init.sdpMLineIndex === 'number';
  return placed ? init : { ...init, sdpMLineIndex: 0 };
}

/** The DTLS identity: another one is another RTCPeerConnection. */
export function fingerprint(sdp: string): string | null {
  return /^a=fingerprint:(.+?)\s*$/m.exec(sdp)?.[1]?.toLowerCase() ?? null;
}

/** The mids in the order of the m-lines. */
export function mids(sdp: string): string[] {
  return [...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid]) => mid ?? '');
}
