import { Avatar } from '@vector-im/compound-web';
import type { CallSnapshot } from 'ringback-client';
import { useCalling } from '../hooks/calling';
import { nameOf, personName, soleOther } from '../model/words';

/** A user's picture. It says nothing that the name beside it does not. */
export function UserAvatar({ call, userId, size }: { call: CallSnapshot; userId: string; size: number }) {
  const { people } = useCalling();
  const { avatarUrl } = people.user(userId, call.roomId);
  return <Picture id={userId} name={personName(call, userId, people)} url={avatarUrl} size={size} />;
}

/** The picture of whom the call is with: the other one, or the room. */
export function CallAvatar({ call, size }: { call: CallSnapshot; size: number }) {
  const { people } = useCalling();
  const other = soleOther(call, people);
  if (other) return <UserAvatar call={call} userId={other} size={size} />;
  return <Picture id={call.roomId} name={nameOf(call, people)} url={people.room(call.roomId).avatarUrl} size={size} />;
}

function Picture({ id, name, url, size }: { id: string; name: string; url: string | null; size: number }) {
  return <Avatar aria-hidden id={id} name={name} size={`${Math.round(size)}px`} {...(url ? { src: url } : {})} />;
}
