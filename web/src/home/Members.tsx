import { Avatar, Button, Heading, Text } from '@vector-im/compound-web';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RoomSummary } from '../matrix/account';
import { useHome, usePeople } from './context';
import { SearchField } from './SearchField';
import list from './RoomList.module.css';
import styles from './Members.module.css';

/** A longer list is shown on request, as each member brings a picture. */
const FIRST = 30;
const MANY = 12;

interface Props {
  room: RoomSummary;
  /** Who is to be called, where one has to choose; else null. */
  chosen: ReadonlySet<string> | null;
  most: number;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

export function Members({ room, chosen, most, onChoose }: Props) {
  const { t } = useTranslation('rooms');
  const { session } = useHome();
  const people = usePeople();
  const [wanted, setWanted] = useState('');
  const [all, setAll] = useState(false);
  const id = useId();

  const members = people
    .room(room.roomId)
    .members.map(({ userId }) => ({ userId, ...people.user(userId, room.roomId) }))
    .sort((a, b) => Number(b.userId === session.userId) - Number(a.userId === session.userId) || a.name.localeCompare(b.name));
  const found = members.filter(({ name, userId }) => `${name} ${userId}`.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase()));
  const shown = all ? found : found.slice(0, FIRST);
  const toggle = (userId: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(userId);
    else next.delete(userId);
    onChoose(next);
  };

  return (
    <section className={styles.members} aria-labelledby={id}>
      <Heading as="h2" size="sm" weight="semibold" id={id}>
        {t('room.members')}
      </Heading>
      {members.length > MANY && <SearchField label={t('room.searchMembers')} value={wanted} onChange={setWanted} />}
      <ul className={styles.list} aria-labelledby={id}>
        {shown.map(({ userId, name, avatarUrl }) => (
          <li key={userId}>
            <MemberRow choosable={chosen !== null && userId !== session.userId}>
              {chosen !== null && userId !== session.userId && (
                <input
                  type="checkbox"
                  checked={chosen.has(userId)}
                  disabled={!chosen.has(userId) && chosen.size >= most}
                  onChange={(event) => {
                    toggle(userId, event.currentTarget.checked);
                  }}
                />
              )}
              <Avatar id={userId} name={name} src={avatarUrl ?? undefined} size="36px" aria-hidden />
              <span className={list.texts}>
                <span className={list.name}>
                  {name}
                  {userId === session.userId && <span className={styles.you}>{t('room.you')}</span>}
                </span>
                <span className={list.about}>{userId}</span>
              </span>
            </MemberRow>
          </li>
        ))}
      </ul>
      {found.length === 0 && <Text as="p">{t('noMatch', { text: wanted.trim() })}</Text>}
      {found.length > shown.length && (
        <Button
          kind="secondary"
          size="sm"
          onClick={() => {
            setAll(true);
          }}
        >
          {t('room.showAll', { count: found.length })}
        </Button>
      )}
    </section>
  );
}

function MemberRow({ choosable, children }: { choosable: boolean; children: React.ReactNode }) {
  return choosable ? <label className={styles.row}>{children}</label> : <div className={styles.row}>{children}</div>;
}
