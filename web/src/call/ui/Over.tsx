import CloseIcon from '@vector-im/compound-design-tokens/assets/web/icons/close';
import VideoCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VoiceCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { Heading, Text } from '@vector-im/compound-web';
import type { Call, CallSnapshot } from 'ringback-client';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { callAgain, chosenMedia, useCalling } from '../hooks/calling';
import { useAutoClose } from '../hooks/useAutoClose';
import { detailText, nameOf, outcomeText } from '../model/words';
import { ControlButton } from './ControlButton';
import styles from './Over.module.css';
import { CallAvatar } from './Person';

/** How the call ended, and what one may do next. */
export function Over({ call }: { call: Call }) {
  const { t } = useTranslation('call');
  const { people, client } = useCalling();
  const snapshot = useStore(call);
  useAutoClose(call);
  const { type, outcome, roomId } = snapshot;
  const detail = detailText(snapshot, people, t);
  const there = joinable(snapshot);
  const Icon = type === 'video' ? VideoCallIcon : VoiceCallIcon;
  const join = (callId: string) => {
    call.dismiss();
    client.join(callId, { roomId, type, media: chosenMedia(type) });
  };
  return (
    <div className={styles.over}>
      <div className={styles.what}>
        <span className={styles.picture}>
          <CallAvatar call={snapshot} size={120} />
        </span>
        <Heading as="h1" size="xl" weight="semibold" className={styles.name}>
          {nameOf(snapshot, people)}
        </Heading>
        <Text as="p" size="lg" weight="medium" role="status" className={styles.outcome} data-bad={outcome === 'failed' || undefined}>
          {outcomeText(outcome ?? 'ended', t)}
        </Text>
        {detail !== null && (
          <Text as="p" size="md" className={styles.detail}>
            {detail}
          </Text>
        )}
      </div>
      <div className={styles.next}>
        <ControlButton captioned size="lg" Icon={CloseIcon} label={t('over.close')} onClick={() => call.dismiss()} />
        {there === null ? (
          <ControlButton captioned size="lg" look="accept" Icon={Icon} label={t('over.again')} onClick={() => callAgain(client, call)} />
        ) : (
          <ControlButton captioned size="lg" look="accept" Icon={Icon} label={outcome === 'left' ? t('waiting.rejoin') : t('over.join')} onClick={() => join(there)} />
        )}
      </div>
    </div>
  );
}

/** The call that goes on, and that one may come into: the one that was left, or the one that was in the way. */
function joinable({ callId, outcome, error }: CallSnapshot): string | null {
  if (outcome === 'left') return callId;
  if (!(error && 'errcode' in error && error.errcode === 'RINGBACK_CALL_EXISTS')) return null;
  return error.callId ?? null;
}
