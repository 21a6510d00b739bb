/** What is said about a call. `t` is that of the namespace `call`. */
import type { TFunction } from 'i18next';
import type { CallOutcome, CallSnapshot } from 'ringback-client';
import type { People } from '../../people';

export type Words = TFunction<'call'>;

/** Who the call is with: the other one of two, else the room. */
export function nameOf(call: CallSnapshot, people: People): string {
  const other = soleOther(call, people);
  if (other) return personName(call, other, people);
  const room = people.room(call.roomId);
  if (room.name !== call.roomId) return room.name;
  // The rooms are not loaded yet: better somebody who is in it than an id.
  return personName(call, call.others[0]?.userId ?? call.initiatorId, people);
}

/** The user whose picture stands for the call, or null where that is the room's. */
export function soleOther(call: CallSnapshot, people: People): string | null {
  if (call.isGroup) return null;
  if (call.direction === 'incoming') return call.initiatorId;
  const [first, ...more] = call.others;
  if (first && more.length === 0) return first.userId;
  const members = people.room(call.roomId).members.filter(({ userId }) => userId !== call.initiatorId);
  return members.length === 1 && call.direction === 'outgoing' ? (members[0]?.userId ?? null) : null;
}

export function callerOf(call: CallSnapshot, people: People): string {
  return personName(call, call.initiatorId, people);
}

/** A user whose profile is not there yet is named as the server named it. */
export function personName(call: CallSnapshot, userId: string, people: People): string {
  const { name } = people.user(userId, call.roomId);
  const local = userId.slice(1).split(':')[0];
  const unknown = name === '' || name === userId || name === local;
  return unknown && userId === call.initiatorId && call.callerName ? call.callerName : name;
}

/** `3:07`, `1:00:09` */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** The line under the name, while the call is not over; null where the time stands there. */
export function status(call: CallSnapshot, people: People, t: Words): string | null {
  switch (call.phase) {
    case 'calling':
      return t('status.calling');
    case 'ringing':
      if (call.ringingDevices > 0) return t('status.ringing', { count: call.ringingDevices });
      return call.isGroup ? t('status.waitingGroup') : t('status.waiting', { name: nameOf(call, people) });
    case 'connecting':
      return t('status.connecting');
    case 'reconnecting':
      return t('status.reconnecting');
    case 'connected':
    case 'incoming':
    case 'rejoinable':
    case 'elsewhere':
    case 'over':
      return null;
  }
}

export function outcomeText(outcome: CallOutcome, t: Words): string {
  switch (outcome) {
    case 'ended':
      return t('outcome.ended');
    case 'cancelled':
      return t('outcome.cancelled');
    case 'rejected':
      return t('outcome.rejected');
    case 'busy':
      return t('outcome.busy');
    case 'missed':
      return t('outcome.missed');
    case 'unreachable':
      return t('outcome.unreachable');
    case 'answered-elsewhere':
      return t('outcome.answered-elsewhere');
    case 'rejected-elsewhere':
      return t('outcome.rejected-elsewhere');
    case 'disconnected':
      return t('outcome.disconnected');
    case 'left':
      return t('outcome.left');
    case 'failed':
      return t('outcome.failed');
  }
}

/** A call that rang here and stopped: what the caller's side calls «No answer» is a missed call here. */
export function noteText(call: CallSnapshot, people: People, t: Words): string {
  const name = callerOf(call, people);
  if (call.outcome === 'missed' || call.outcome === 'unreachable') return t('outcome.missedIncoming', { name });
  if (call.outcome === 'cancelled') return t('outcome.cancelledIncoming', { name });
  return outcomeText(call.outcome ?? 'ended', t);
}

/** One sentence more about how it ended, or null. */
export function detailText(call: CallSnapshot, people: People, t: Words): string | null {
  if (call.outcome === 'failed') return errorText(call.error, t);
  const name = nameOf(call, people);
  switch (call.outcome) {
    case 'rejected':
      return call.isGroup ? t('detail.rejectedGroup') : t('detail.rejected', { name });
    case 'busy':
      return call.isGroup ? null : t('detail.busy', { name });
    case 'missed':
      return call.isGroup ? t('detail.missedGroup') : t('detail.missed', { name });
    case 'unreachable':
      return call.isGroup ? t('detail.unreachableGroup') : t('detail.unreachable', { name });
    case 'disconnected':
      return t('detail.disconnected');
    case 'ended':
    case 'left':
      if (call.answeredAt === null || call.endedAt === null) return null;
      return t('detail.duration', { time: duration(call.endedAt - call.answeredAt) });
    case 'cancelled':
    case 'answered-elsewhere':
    case 'rejected-elsewhere':
    case null:
      return null;
  }
}

/** Our own sentence for a refusal that we know, else the server's. */
export function errorText(error: unknown, t: Words): string {
  if (!(error instanceof Error)) return t('error.unknown');
  const code = 'errcode' in error ? String(error.errcode) : '';
  switch (code) {
    case 'RINGBACK_CALL_EXISTS':
      return t('error.RINGBACK_CALL_EXISTS');
    case 'RINGBACK_CALL_STATE':
      return t('error.RINGBACK_CALL_STATE');
    case 'RINGBACK_HOMESERVER':
      return t('error.RINGBACK_HOMESERVER');
    case 'RINGBACK_UNAVAILABLE':
      return t('error.RINGBACK_UNAVAILABLE');
    case 'M_FORBIDDEN':
      return t('error.M_FORBIDDEN');
    case 'M_NOT_FOUND':
      return t('error.M_NOT_FOUND');
    case 'M_UNKNOWN_TOKEN':
      return t('error.M_UNKNOWN_TOKEN');
    case 'M_LIMIT_EXCEEDED': {
      const wait = 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? Math.ceil(error.retryAfterMs / 1000) : 0;
      const first = t('error.M_LIMIT_EXCEEDED');
      return wait > 0 ? `${first} ${t('error.retryIn', { count: wait })}` : first;
    }
    default:
      return error.message || t('error.unknown');
  }
}
