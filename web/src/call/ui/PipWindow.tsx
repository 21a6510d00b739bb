import EndCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/end-call';
import MicOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-off-solid';
import MicOnIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-on-solid';
import type { Call, CallSnapshot } from 'ringback-client';
import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { quietly } from '../hooks/calling';
import type { Box } from '../model/tiles';
import { ControlButton } from './ControlButton';
import styles from './PipWindow.module.css';
import { CallAvatar } from './Person';
import { Video } from './Video';

/** A small window over all others: the picture that matters most, and the two buttons. */
export function PipWindow({ call, window: own }: { call: Call; window: Window }) {
  const { t } = useTranslation('call');
  const snapshot = useStore(call);
  const box = useInnerSize(own);
  const picture = mostImportant(snapshot);
  const { microphoneOn } = snapshot.local;
  return createPortal(
    <main className={styles.pip}>
      {picture ? <Video stream={picture.stream} box={box} whole={picture.whole} /> : <CallAvatar call={snapshot} size={96} />}
      <div className={styles.buttons}>
        <ControlButton
          size="sm"
          look={microphoneOn ? 'plain' : 'off'}
          Icon={microphoneOn ? MicOnIcon : MicOffIcon}
          label={microphoneOn ? t('controls.mute') : t('controls.unmute')}
          onClick={() => quietly(call.setMicrophone(!microphoneOn))}
        />
        <ControlButton size="sm" look="hang-up" Icon={EndCallIcon} label={t('controls.hangUp')} onClick={() => quietly(call.hangUp())} />
      </div>
    </main>,
    own.document.body,
  );
}

function mostImportant({ peers }: CallSnapshot): { stream: MediaStream; whole: boolean } | null {
  for (const { screenOn, screen } of peers) if (screenOn && screen) return { stream: screen, whole: true };
  for (const { cameraOn, camera } of peers) if (cameraOn && camera) return { stream: camera, whole: false };
  return null;
}

function useInnerSize(own: Window): Box {
  const [size, setSize] = useState<Box>({ width: own.innerWidth, height: own.innerHeight });
  useEffect(() => {
    const measure = () => setSize({ width: own.innerWidth, height: own.innerHeight });
    own.addEventListener('resize', measure);
    return () => own.removeEventListener('resize', measure);
  }, [own]);
  return size;
}
