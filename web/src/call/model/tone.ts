/** What is heard, for what is shown. */
import type { CallOutcome } from 'ringback-client';
import type { Lasting, Once } from '../../sound/tones';
import type { Arrangement } from './arrange';

export function lastingTone({ live, incoming }: Pick<Arrangement, 'live' | 'incoming'>, ringtone: boolean): Lasting | null {
  if (incoming.length > 0) {
    if (live) return 'knock';
    return ringtone ? 'ringtone' : null;
  }
  return live?.snapshot.phase === 'ringing' ? 'ringback' : null;
}

/** The tone at the end of a call that this page was in. */
export function endTone(outcome: CallOutcome | null): Once | null {
  switch (outcome) {
    case 'busy':
    case 'rejected':
      return 'busy';
    case 'ended':
    case 'left':
    case 'disconnected':
      return 'ended';
    case 'missed':
    case 'unreachable':
    case 'failed':
      return 'failed';
    case 'cancelled':
    case 'answered-elsewhere':
    case 'rejected-elsewhere':
    case null:
      return null;
  }
}
