import { Button } from '@vector-im/compound-web';
import EndCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/end-call';
import VideoCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VoiceCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { Text } from '@vector-im/compound-web';
import type { Call } from 'ringback-client';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { chosenMedia, quietly, useCalling } from '../hooks/calling';
import { callerOf, nameOf } from '../model/words';
import { incomingTitle } from './Incoming';
import styles from './Incoming.module.css';
import { UserAvatar } from './Person';

/** Calls that ring while one is going on. They do not take the focus: a key that mutes must not end the call. */
export function IncomingBanners({ calls, live }: { calls: readonly Call[]; live: Call }) {
  return (
    <div className={styles.banner}>
      {calls.map((call) => (
        <Banner key={call.snapshot.callId} call={call} live={live} />
      ))}
    </div>
  );
}

function Banner({ call, live }: { call: Call; live: Call }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(call);
  const title = useId();
  const name = callerOf(snapshot, people);
  const room = nameOf(snapshot, people);
  const accept = async () => {
    await live.hangUp().catch(() => undefined);
    live.dismiss();
    await call.accept({ media: chosenMedia(snapshot.type) });
  };
  const Icon = snapshot.type === 'video' ? VideoCallIcon : VoiceCallIcon;
  return (
    <div role="alertdialog" aria-labelledby={title} className={styles.bannerCall}>
      <UserAvatar call={snapshot} userId={snapshot.initiatorId} size={48} />
      <div className={styles.who}>
        <h2 id={title} className={styles.bannerTitle}>
          {incomingTitle(snapshot, name, t)}
        </h2>
        {room !== name && (
          <Text size="sm" as="span" className={styles.room}>
            {t('incoming.inRoom', { room })}
          </Text>
        )}
      </div>
      <div className={styles.bannerAnswers}>
        <Button kind="secondary" size="sm" destructive Icon={EndCallIcon} onClick={() => quietly(call.reject('busy'))}>
          {t('incoming.reject')}
        </Button>
        <Button kind="primary" size="sm" Icon={Icon} onClick={() => quietly(accept())}>
          {t('incoming.hangUpAndAccept')}
        </Button>
      </div>
    </div>
  );
}
