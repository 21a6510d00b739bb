import { Button, Text } from '@vector-im/compound-web';
import CallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { useTranslation } from 'react-i18next';
import { useStore } from '../store';
import { useHome } from './context';
import { chosenMedia } from '../call/hooks/calling';
import styles from './RoomPage.module.css';

/** The call that goes on in the room without this device. */
export function ActiveCall({ roomId }: { roomId: string }) {
  const { t } = useTranslation('rooms');
  const { client, ongoing } = useHome();
  const { calls } = useStore(client);
  const call = useStore(ongoing).get(roomId);
  const here = calls.some(({ snapshot }) => snapshot.roomId === roomId && snapshot.phase !== 'over');
  if (!call || here) return null;
  const people = call.joined.length;
  return (
    <section className={styles.active} aria-label={t('room.active')}>
      <CallIcon aria-hidden />
      <div className={styles.activeText}>
        <Text as="p" weight="semibold">
          {t('room.active')}
        </Text>
        <Text as="p" size="sm">
          {t('room.activeText', { count: people })}
        </Text>
      </div>
      <Button
        size="sm"
        onClick={() => {
          client.join(call.callId, { roomId, type: call.type, media: chosenMedia(call.type) });
        }}
      >
        {t('room.join')}
      </Button>
    </section>
  );
}
