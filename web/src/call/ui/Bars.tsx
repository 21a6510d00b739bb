import CloseIcon from '@vector-im/compound-design-tokens/assets/web/icons/close';
import EndCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/end-call';
import ExpandIcon from '@vector-im/compound-design-tokens/assets/web/icons/expand';
import MicOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-off-solid';
import MicOnIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-on-solid';
import VideoCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import VoiceCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/voice-call-solid';
import { Button } from '@vector-im/compound-web';
import type { Call } from 'ringback-client';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { callAgain, chosenMedia, quietly, useCalling } from '../hooks/calling';
import { useAutoClose } from '../hooks/useAutoClose';
import { useSize } from '../hooks/useSize';
import { nameOf, noteText, outcomeText, status } from '../model/words';
import styles from './Bars.module.css';
import { StatusLine } from './CallScreen';
import { ControlButton } from './ControlButton';
import { CallAvatar } from './Person';

/** What stands above the app. The app keeps `--call-bar-height` free for it. */
export function Bars({ children }: { children: ReactNode }) {
  const bars = useRef<HTMLDivElement>(null);
  const { height } = useSize(bars);
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    style.setProperty('--call-bar-height', `${height}px`);
    return () => {
      style.removeProperty('--call-bar-height');
    };
  }, [height]);
  return (
    <div ref={bars} className={styles.bars}>
      {children}
    </div>
  );
}

/** The call made small, so that the app can be used meanwhile. */
export function CallBar({ call, onRestore }: { call: Call; onRestore: () => void }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(call);
  useAutoClose(call);
  const restore = useRef<HTMLButtonElement>(null);
  useEffect(() => restore.current?.focus(), []);
  const { local, phase, outcome } = snapshot;
  const over = phase === 'over';
  const name = nameOf(snapshot, people);
  const text = status(snapshot, people, t);
  return (
    <section className={styles.bar} data-kind="call" aria-label={t('stage.label', { name })}>
      <button type="button" ref={restore} className={styles.restore} aria-label={t('controls.restore')} onClick={onRestore}>
        <CallAvatar call={snapshot} size={36} />
        <ExpandIcon aria-hidden />
      </button>
      <div className={styles.text}>
        <strong className={styles.name}>{name}</strong>
        {over ? (
          <span role="status">{outcomeText(outcome ?? 'ended', t)}</span>
        ) : text !== null ? (
          <span role="status">{text}</span>
        ) : (
          <StatusLine call={snapshot} />
        )}
      </div>
      {over ? (
        <ControlButton size="sm" Icon={CloseIcon} label={t('over.close')} onClick={() => call.dismiss()} />
      ) : (
        <>
          <ControlButton
            size="sm"
            look={local.microphoneOn ? 'plain' : 'off'}
            Icon={local.microphoneOn ? MicOnIcon : MicOffIcon}
            label={local.microphoneOn ? t('controls.mute') : t('controls.unmute')}
            onClick={() => quietly(call.setMicrophone(!local.microphoneOn))}
          />
          <ControlButton size="sm" look="hang-up" Icon={EndCallIcon} label={t('controls.hangUp')} onClick={() => quietly(call.hangUp())} />
        </>
      )}
    </section>
  );
}

/** A call of this user that goes on in another page, or on another device. */
export function WaitingBar({ call, live }: { call: Call; live: Call | null }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(call);
  const name = nameOf(snapshot, people);
  const rejoin = async () => {
    if (live) await live.hangUp().catch(() => undefined);
    await call.rejoin({ media: chosenMedia(snapshot.type) });
  };
  const here = snapshot.phase === 'rejoinable';
  const Icon = snapshot.type === 'video' ? VideoCallIcon : VoiceCallIcon;
  return (
    <section className={styles.bar} aria-label={here ? t('waiting.rejoinable', { name }) : t('waiting.elsewhere', { name })}>
      <CallAvatar call={snapshot} size={36} />
      <div className={styles.text} role="status">
        {here ? t('waiting.rejoinable', { name }) : t('waiting.elsewhere', { name })}
      </div>
      <div className={styles.actions}>
        {here && (
          <Button kind="tertiary" size="sm" destructive onClick={() => quietly(call.hangUp())}>
            {t('waiting.hangUp')}
          </Button>
        )}
        <Button kind="primary" size="sm" Icon={Icon} onClick={() => quietly(rejoin())}>
          {here ? t('waiting.rejoin') : t('waiting.takeOver')}
        </Button>
      </div>
    </section>
  );
}

/** A call that rang here and has stopped. */
export function Note({ call, mayDial }: { call: Call; mayDial: boolean }) {
  const { t } = useTranslation('call');
  const { people, client } = useCalling();
  const snapshot = useStore(call);
  useAutoClose(call, 10);
  const { callId, roomId, type, outcome } = snapshot;
  const missed = outcome === 'missed' || outcome === 'unreachable';
  const takeOver = (id: string) => {
    call.dismiss();
    client.join(id, { roomId, type, media: chosenMedia(type) });
  };
  return (
    <div className={styles.bar}>
      <CallAvatar call={snapshot} size={36} />
      <div className={styles.text} role="status">
        {noteText(snapshot, people, t)}
      </div>
      <div className={styles.actions}>
        {missed && mayDial && (
          <Button kind="secondary" size="sm" onClick={() => callAgain(client, call)}>
            {t('over.back')}
          </Button>
        )}
        {outcome === 'answered-elsewhere' && callId !== null && mayDial && (
          <Button kind="secondary" size="sm" onClick={() => takeOver(callId)}>
            {t('waiting.takeOver')}
          </Button>
        )}
        <ControlButton size="sm" Icon={CloseIcon} label={t('over.close')} onClick={() => call.dismiss()} />
      </div>
    </div>
  );
}
