import EndCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/end-call';
import VideoCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VideoOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-off-solid';
import VoiceCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import VolumeOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/volume-off-solid';
import { Heading, Text } from '@vector-im/compound-web';
import type { Call, CallSnapshot } from 'ringback-client';
import type { Ref } from 'react';
import { useTranslation } from 'react-i18next';
import { player } from '../../sound/player';
import { useStore } from '../../store';
import { chosenMedia, quietly, useCalling } from '../hooks/calling';
import { useKeyGuard } from '../hooks/useKeyGuard';
import { callerOf, nameOf, type Words } from '../model/words';
import { ControlButton } from './ControlButton';
import styles from './Incoming.module.css';
import { UserAvatar } from './Person';

export function incomingTitle(call: CallSnapshot, name: string, t: Words): string {
  return call.type === 'video' ? t('incoming.video', { name }) : t('incoming.voice', { name });
}

/** The whole screen, while calls ring and there is no other. */
export function Incoming({ calls: [first, ...more] }: { calls: readonly [Call, ...Call[]] }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(first);
  const blocked = useStore(player.blocked);
  const { screen, accept } = useKeyGuard(first);
  const title = incomingTitle(snapshot, callerOf(snapshot, people), t);
  return (
    <div ref={screen} role="dialog" aria-modal="true" aria-label={title} tabIndex={-1} className={styles.screen}>
      <div className={styles.middle}>
        <Caller call={snapshot} />
        {blocked && (
          <p className={styles.blocked} role="status">
            <VolumeOffIcon aria-hidden /> {t('incoming.soundBlocked')}
          </p>
        )}
      </div>
      <Answers call={first} acceptRef={accept} size="lg" />
      {more.length > 0 && (
        <section className={styles.more} aria-label={t('incoming.also')}>
          <Text as="h2" size="sm" weight="semibold" className={styles.also}>
            {t('incoming.also')}
          </Text>
          {more.map((call) => (
            <Also key={call.snapshot.callId} call={call} />
          ))}
        </section>
      )}
    </div>
  );
}

function Caller({ call }: { call: CallSnapshot }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const name = callerOf(call, people);
  const room = nameOf(call, people);
  const video = call.type === 'video';
  return (
    <div className={styles.caller}>
      <span className={styles.kind}>
        {video ? <VideoCallIcon aria-hidden /> : <VoiceCallIcon aria-hidden />}
        {video ? t('kind.video') : t('kind.voice')}
      </span>
      <span className={styles.picture}>
        <UserAvatar call={call} userId={call.initiatorId} size={128} />
      </span>
      <Heading as="h1" size="xl" weight="semibold" className={styles.name}>
        {name}
      </Heading>
      {room !== name && (
        <Text size="lg" className={styles.room}>
          {t('incoming.inRoom', { room })}
        </Text>
      )}
    </div>
  );
}

function Answers({ call, acceptRef, size }: { call: Call; acceptRef?: Ref<HTMLButtonElement>; size: 'lg' | 'md' }) {
  const { t } = useTranslation('call');
  const { type } = useStore(call);
  const answer = (video: boolean) => {
    const media = chosenMedia(type);
    quietly(call.accept({ media: video ? media : { ...media, video: false } }));
  };
  const captioned = size === 'lg';
  return (
    <div className={styles.answers} data-size={size}>
      <ControlButton captioned={captioned} size={size} look="hang-up" Icon={EndCallIcon} label={t('incoming.reject')} onClick={() => quietly(call.reject())} />
      {type === 'video' && (
        <ControlButton captioned={captioned} size={size} Icon={VideoOffIcon} label={t('incoming.acceptWithoutVideo')} onClick={() => answer(false)} />
      )}
      <ControlButton
        captioned={captioned}
        size={size}
        look="accept"
        {...(acceptRef ? { ref: acceptRef } : {})}
        Icon={type === 'video' ? VideoCallIcon : VoiceCallIcon}
        label={t('incoming.accept')}
        className={styles.accept}
        onClick={() => answer(true)}
      />
    </div>
  );
}

/** A second call that rings at the same time. */
function Also({ call }: { call: Call }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(call);
  const name = callerOf(snapshot, people);
  return (
    <div role="group" aria-label={incomingTitle(snapshot, name, t)} className={styles.row}>
      <UserAvatar call={snapshot} userId={snapshot.initiatorId} size={48} />
      <div className={styles.who}>
        <Text size="lg" weight="semibold" as="span">
          {name}
        </Text>
        <Text size="sm" as="span" className={styles.room}>
          {snapshot.type === 'video' ? t('kind.video') : t('kind.voice')}
        </Text>
      </div>
      <Answers call={call} size="md" />
    </div>
  );
}
