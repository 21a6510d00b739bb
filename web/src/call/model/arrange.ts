/** Which calls are shown where. Pure: everything else in this folder follows it. */
import type { Call, CallSnapshot } from 'ringback-client';

export interface Arrangement {
  /** This page is in it, or dials: the call screen, or the bar. */
  live: Call | null;
  /** They ring here, oldest first. */
  incoming: readonly Call[];
  /** This user is in them, but not in this page: a bar offers to come in. */
  waiting: readonly Call[];
  /** Just over: the call screen says how. */
  over: Call | null;
  /** Just over without having been taken here: a note. */
  notes: readonly Call[];
  /** Over, and nobody needs to hear of it: to be dismissed. */
  silent: readonly Call[];
}

export function isLive({ phase }: CallSnapshot): boolean {
  return phase === 'calling' || phase === 'ringing' || phase === 'connecting' || phase === 'connected' || phase === 'reconnecting';
}

/** `wasLive` remembers which calls this page has been in: how a call ends is told by where it stood. */
export function arrange(calls: readonly Call[], wasLive: (call: Call) => boolean): Arrangement {
  const phase = (call: Call) => call.snapshot.phase;
  const live = calls.findLast((call) => isLive(call.snapshot)) ?? null;
  const waiting = calls.filter((call) => phase(call) === 'rejoinable' || phase(call) === 'elsewhere');
  const incoming = calls.filter((call) => phase(call) === 'incoming');
  const finished = calls.filter((call) => phase(call) === 'over');
  const places = finished.map((call) => [call, placeOf(call.snapshot, wasLive(call))] as const);
  const at = (place: Place) => places.filter(([, found]) => found === place).map(([call]) => call);
  const screens = at('screen');
  // The next call matters more than how the last one ended.
  const over = live || incoming.length > 0 ? null : (screens.at(-1) ?? null);
  return { live, incoming, waiting, over, notes: at('note'), silent: [...at('nowhere'), ...screens.filter((call) => call !== over)] };
}

type Place = 'screen' | 'note' | 'nowhere';

function placeOf({ direction, outcome }: CallSnapshot, wasLive: boolean): Place {
  switch (outcome) {
    case 'failed':
      return 'screen';
    case 'missed':
    case 'unreachable':
    case 'cancelled':
      return direction === 'incoming' && !wasLive ? 'note' : 'screen';
    case 'answered-elsewhere':
    case 'rejected-elsewhere':
      return 'note';
    case 'rejected':
    case 'busy':
      // An incoming call was rejected here, by this user.
      return direction === 'incoming' && !wasLive ? 'nowhere' : 'screen';
    case 'ended':
    case 'left':
    case 'disconnected':
      return wasLive || direction === 'outgoing' ? 'screen' : 'nowhere';
    case null:
      return 'nowhere';
  }
}
