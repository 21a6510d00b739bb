import { Avatar, Button, Text } from '@vector-im/compound-web';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Invitation } from '../matrix/account';
import { useHome, usePeople } from './context';
import { go, hrefs } from './router';
import list from './RoomList.module.css';
import page from './page.module.css';
import styles from './Invitations.module.css';

export function Invitations({ invitations }: { invitations: readonly Invitation[] }) {
  const { t } = useTranslation('rooms');
  const id = useId();
  if (invitations.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <Text as="h2" size="sm" weight="semibold" id={id} className={list.title}>
        {t('invitations')}
      </Text>
      <ul className={styles.list}>
        {invitations.map((invitation) => (
          <InvitationItem key={invitation.roomId} invitation={invitation} />
        ))}
      </ul>
    </section>
  );
}

function InvitationItem({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation('rooms');
  const { account } = useHome();
  const people = usePeople();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { roomId, name, inviterId } = invitation;

  const act = async (action: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await action();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const accept = async () => {
    await account.accept(invitation);
    go(hrefs.room(roomId));
  };

  return (
    <li className={styles.item}>
      <div className={page.row}>
        <Avatar id={roomId} name={name} src={people.picture(invitation.avatarMxc) ?? undefined} size="44px" aria-hidden />
        <div className={list.texts}>
          <span className={list.name}>{name}</span>
          {inviterId && <span className={list.about}>{t('invitedBy', { name: people.user(inviterId, roomId).name })}</span>}
        </div>
      </div>
      <div className={styles.actions}>
        <Button size="sm" aria-label={t('acceptRoom', { room: name })} disabled={busy} onClick={() => void act(accept)}>
          {t('accept')}
        </Button>
        <Button size="sm" kind="secondary" aria-label={t('declineRoom', { room: name })} disabled={busy} onClick={() => void act(() => account.decline(roomId))}>
          {t('decline')}
        </Button>
      </div>
      {problem && (
        <p role="alert" className={page.problem}>
          {t('failed', { said: problem })}
        </p>
      )}
    </li>
  );
}
