import { Button } from '@vector-im/compound-web';
import type { Call, CallSnapshot } from 'ringback-client';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { useCalling } from '../hooks/calling';
import { errorText, personName } from '../model/words';
import styles from './Dialogs.module.css';
import { Modal } from './Modal';
import { UserAvatar } from './Person';

/** Beyond this many members one looks for a name rather than down a list. */
const SEARCH_FROM = 7;

/** Rings members of the room who are not in the call. */
export function InviteDialog({ call, onClose }: { call: Call; onClose: () => void }) {
  const { t } = useTranslation('call');
  const { people, client } = useCalling();
  const snapshot = useStore(call);
  const [search, setSearch] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const field = useId();
  const free = invitable(snapshot, people.room(snapshot.roomId).members, client.userId);
  const name = (userId: string) => personName(snapshot, userId, people);
  const found = free.filter((userId) => name(userId).toLowerCase().includes(search.trim().toLowerCase())).sort((one, other) => name(one).localeCompare(name(other)));
  const ring = async (userId: string) => {
    setProblem(null);
    try {
      await call.invite([userId]);
    } catch (error) {
      setProblem(t('invite.failed', { name: name(userId), error: errorText(error, t) }));
    }
  };
  return (
    <Modal title={t('invite.title')} closeLabel={t('invite.close')} onClose={onClose}>
      <p className={styles.plain}>{free.length > 0 ? t('invite.explain', { room: people.room(snapshot.roomId).name }) : t('invite.empty')}</p>
      {problem !== null && (
        <p role="alert" className={styles.problem}>
          {problem}
        </p>
      )}
      {free.length >= SEARCH_FROM && (
        <div className={styles.field}>
          <label htmlFor={field}>{t('invite.search')}</label>
          <input id={field} type="search" value={search} onChange={({ target }) => setSearch(target.value)} />
        </div>
      )}
      {free.length > 0 && found.length === 0 && <p className={styles.plain}>{t('invite.noMatch')}</p>}
      <ul className={styles.people}>
        {found.map((userId) => (
          <Candidate key={userId} name={name(userId)} onRing={() => ring(userId)}>
            <UserAvatar call={snapshot} userId={userId} size={36} />
          </Candidate>
        ))}
      </ul>
    </Modal>
  );
}

function Candidate({ name, onRing, children }: { name: string; onRing: () => Promise<void>; children: React.ReactNode }) {
  const { t } = useTranslation('call');
  const [asked, setAsked] = useState(false);
  const ring = async () => {
    setAsked(true);
    await onRing();
    setAsked(false);
  };
  return (
    <li>
      {children}
      <span className={styles.personName}>{name}</span>
      <Button kind="secondary" size="sm" disabled={asked} aria-label={t('invite.ring', { name })} onClick={() => void ring()}>
        {asked ? t('invite.ringing') : t('invite.ringShort')}
      </Button>
    </li>
  );
}

/** Members who are neither in the call nor being rung. */
export function invitable(call: CallSnapshot, members: readonly { userId: string }[], self: string): string[] {
  const busy = new Set([self]);
  const others = call.others.filter(({ status }) => status === 'joined' || status === 'ringing' || status === 'invited');
  for (const { userId } of [...others, ...call.peers]) busy.add(userId);
  return members.map(({ userId }) => userId).filter((userId) => !busy.has(userId));
}
