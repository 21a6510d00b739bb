import { Button, Heading, Text } from '@vector-im/compound-web';
import ChatIcon from '@vector-im/compound-design-tokens/assets/web/icons/chat';
import CallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call';
import NewIcon from '@vector-im/compound-design-tokens/assets/web/icons/chat-new';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RoomSummary } from '../matrix/account';
import { useStore } from '../store';
import { Empty } from '../ui/Empty';
import { IconAction } from '../ui/IconAction';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { useHome } from './context';
import { Invitations } from './Invitations';
import { NewChat } from './NewChat';
import { RoomList } from './RoomList';
import { RoomPage } from './RoomPage';
import { SearchField } from './SearchField';
import { go, hrefs } from './router';
import styles from './RoomsPage.module.css';

/** The list at the left and a room at the right; on a phone one of the two. */
export function RoomsPage({ roomId, fresh }: { roomId: string | null; fresh: boolean }) {
  const { t } = useTranslation('rooms');
  const detail = roomId !== null || fresh;
  return (
    <main className={styles.split} data-detail={detail || undefined} id="content" tabIndex={-1}>
      <div className={styles.list}>
        <Sidebar present={roomId} arrived={!detail} />
      </div>
      <div className={styles.detail}>
        {fresh && <NewChat />}
        {roomId !== null && <RoomPage key={roomId} roomId={roomId} />}
        {!detail && <Empty Icon={CallIcon} title={t('choose')} text={t('chooseText')} />}
      </div>
    </main>
  );
}

function Sidebar({ present, arrived }: { present: string | null; arrived: boolean }) {
  const { t } = useTranslation('rooms');
  const { account } = useHome();
  const { rooms, invitations, loaded, sync } = useStore(account);
  const [wanted, setWanted] = useState('');
  const heading = useFocusOnArrival<HTMLHeadingElement>(arrived);
  const found = rooms.filter((room) => matches(room, wanted));
  return (
    <>
      <header className={styles.header}>
        <Heading as={arrived ? 'h1' : 'h2'} size="md" weight="semibold" ref={heading} tabIndex={-1}>
          {t('title')}
        </Heading>
        <IconAction
          label={t('new')}
          Icon={NewIcon}
          onClick={() => {
            go(hrefs.fresh);
          }}
        />
      </header>
      {rooms.length > 0 && <SearchField label={t('search')} value={wanted} onChange={setWanted} />}
      <div className={styles.scroll}>
        <Invitations invitations={invitations} />
        {!loaded && (
          <Text as="p" role="status" className={styles.status}>
            {sync === 'retrying' ? t('away') : t('loading')}
          </Text>
        )}
        {loaded && rooms.length === 0 && invitations.length === 0 && (
          <Empty Icon={ChatIcon} title={t('empty')} text={t('emptyText')}>
            <Button as="a" href={hrefs.fresh} size="sm" kind="secondary">
              {t('new')}
            </Button>
          </Empty>
        )}
        {rooms.length > 0 && found.length === 0 && (
          <Text as="p" role="status" className={styles.status}>
            {t('noMatch', { text: wanted.trim() })}
          </Text>
        )}
        <RoomList title={t('direct')} rooms={found.filter((room) => room.directUserId !== null)} present={present} />
        <RoomList title={t('groups')} rooms={found.filter((room) => room.directUserId === null)} present={present} />
      </div>
    </>
  );
}

function matches(room: RoomSummary, wanted: string): boolean {
  const text = `${room.name} ${room.directUserId ?? ''}`.toLocaleLowerCase();
  return wanted
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

