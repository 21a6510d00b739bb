import { Avatar, Text } from '@vector-im/compound-web';
import CallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { RoomSummary } from '../matrix/account';
import { useStore } from '../store';
import { useHome, usePeople } from './context';
import { hrefs } from './router';
import styles from './RoomList.module.css';

export function RoomList({ title, rooms, present }: { title: string; rooms: readonly RoomSummary[]; present: string | null }) {
  const id = useId();
  const { client } = useHome();
  const { calls } = useStore(client);
  if (rooms.length === 0) return null;
  const busy = new Set(calls.filter((call) => call.snapshot.phase !== 'over').map((call) => call.snapshot.roomId));
  return (
    <div>
      <Text as="h2" size="sm" weight="semibold" id={id} className={styles.title}>
        {title}
      </Text>
      <ul className={styles.list} aria-labelledby={id}>
        {rooms.map((room) => (
          <RoomItem key={room.roomId} room={room} present={room.roomId === present} inCall={busy.has(room.roomId)} />
        ))}
      </ul>
    </div>
  );
}

function RoomItem({ room, present, inCall }: { room: RoomSummary; present: boolean; inCall: boolean }) {
  const { t } = useTranslation('rooms');
  const people = usePeople();
  return (
    <li>
      <a href={hrefs.room(room.roomId)} className={styles.item} aria-current={present ? 'page' : undefined}>
        <Avatar id={room.avatarId} name={room.name} src={people.picture(room.avatarMxc) ?? undefined} size="44px" aria-hidden />
        <span className={styles.texts}>
          <span className={styles.name}>{room.name}</span>
          <span className={styles.about}>{room.directUserId ?? t('members', { count: room.memberCount })}</span>
        </span>
        {inCall && (
          <span className={styles.call} role="img" aria-label={t('inCall')}>
            <CallIcon aria-hidden />
          </span>
        )}
      </a>
    </li>
  );
}
