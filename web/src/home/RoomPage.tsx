import { Avatar, Button, Heading, InlineSpinner, Text } from '@vector-im/compound-web';
import BackIcon from '@vector-im/compound-design-tokens/assets/web/icons/arrow-left';
import LockIcon from '@vector-im/compound-design-tokens/assets/web/icons/lock-solid';
import RoomIcon from '@vector-im/compound-design-tokens/assets/web/icons/room';
import VideoIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VoiceIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RoomSummary } from '../matrix/account';
import { useStore } from '../store';
import { Empty } from '../ui/Empty';
import { IconAction } from '../ui/IconAction';
import { useFocusOnArrival } from '../ui/useFocusOnArrival';
import { ActiveCall } from './ActiveCall';
import { useHome, usePeople } from './context';
import { Members } from './Members';
import { dial } from './dial';
import { go, hrefs } from './router';
import page from './page.module.css';
import styles from './RoomPage.module.css';

/** Above this, the server wants to be told whom to ring; and so many it rings at most. */
const MOST_RUNG = 100;

export function RoomPage({ roomId }: { roomId: string }) {
  const { t } = useTranslation();
  const { t: say } = useTranslation('rooms');
  const { account } = useHome();
  const { rooms, loaded, sync } = useStore(account);
  const room = rooms.find((one) => one.roomId === roomId);
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <IconAction
          label={t('back')}
          Icon={BackIcon}
          onClick={() => {
            go(hrefs.rooms);
          }}
        />
      </div>
      {room && <Known room={room} />}
      {!room && loaded && <Unknown />}
      {!room && !loaded && (
        <Text as="p" role="status" className={page.empty}>
          {sync === 'retrying' ? say('away') : t('loading')}
        </Text>
      )}
    </div>
  );
}

function Unknown() {
  const { t } = useTranslation('rooms');
  return (
    <Empty Icon={RoomIcon} level="h1" title={t('room.unknown')} text={t('room.unknownText')}>
      <Button as="a" href={hrefs.rooms} kind="secondary" size="sm">
        {t('room.toRooms')}
      </Button>
    </Empty>
  );
}

function Known({ room }: { room: RoomSummary }) {
  const { t } = useTranslation('rooms');
  const people = usePeople();
  const heading = useFocusOnArrival<HTMLHeadingElement>(room.roomId);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const large = room.memberCount > MOST_RUNG;
  return (
    <div className={styles.content}>
      <header className={styles.head}>
        <Avatar id={room.avatarId} name={room.name} src={people.picture(room.avatarMxc) ?? undefined} size="96px" aria-hidden />
        <Heading as="h1" size="md" weight="semibold" ref={heading} tabIndex={-1} className={styles.name}>
          {room.name}
        </Heading>
        <Text as="p" className={page.quiet}>
          {room.directUserId ?? t('members', { count: room.memberCount })}
        </Text>
      </header>
      <CallButtons room={room} invitees={large ? [...chosen] : null} />
      <ActiveCall roomId={room.roomId} />
      {room.encrypted && (
        <Text as="p" size="sm" className={styles.note}>
          <LockIcon aria-hidden />
          <span>{t('room.encrypted')}</span>
        </Text>
      )}
      <MembersOf room={room} chosen={large ? chosen : null} onChoose={setChosen} />
    </div>
  );
}

function MembersOf({ room, chosen, onChoose }: { room: RoomSummary; chosen: ReadonlySet<string> | null; onChoose: (chosen: ReadonlySet<string>) => void }) {
  const { t } = useTranslation('rooms');
  const { account } = useHome();
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let shown = true;
    const done = () => {
      if (shown) setLoading(false);
    };
    account.loadMembers(room.roomId).then(done, done);
    return () => {
      shown = false;
    };
  }, [account, room.roomId]);
  if (loading) {
    return (
      <Text as="p" role="status" className={page.quiet}>
        <InlineSpinner aria-hidden /> {t('room.loadingMembers')}
      </Text>
    );
  }
  return <Members room={room} chosen={chosen} most={MOST_RUNG} onChoose={onChoose} />;
}

/** `invitees`: null rings everybody. */
function CallButtons({ room, invitees }: { room: RoomSummary; invitees: string[] | null }) {
  const { t } = useTranslation('rooms');
  const { client } = useHome();
  const alone = room.memberCount <= 1;
  const unchosen = invitees?.length === 0;
  const start = (type: 'voice' | 'video') => {
    dial(client, room.roomId, type, invitees);
  };
  return (
    <div className={styles.calls}>
      <div className={styles.buttons}>
        <Button Icon={VoiceIcon} disabled={alone || unchosen} onClick={() => { start('voice'); }}>
          {t('room.voice')}
        </Button>
        <Button Icon={VideoIcon} kind="secondary" disabled={alone || unchosen} onClick={() => { start('video'); }}>
          {t('room.video')}
        </Button>
      </div>
      {alone && <Text as="p" size="sm" className={page.quiet}>{t('room.alone')}</Text>}
      {invitees && (
        <Text as="p" size="sm" className={page.quiet} role="status">
          {t('room.large', { count: room.memberCount, most: MOST_RUNG })}{' '}
          <strong>{unchosen ? t('room.chooseFirst') : t('room.chosen', { count: invitees.length })}</strong>
        </Text>
      )}
    </div>
  );
}
