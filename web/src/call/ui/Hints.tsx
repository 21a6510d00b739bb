import CloseIcon from '@vector-im/compound-design-tokens/assets/web/icons/close';
import MicOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-off-solid';
import OfflineIcon from '@vector-im/compound-design-tokens/assets/web/icons/offline';
import ShareScreenIcon from '@vector-im/compound-design-tokens/assets/web/icons/share-screen-solid';
import VolumeOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/volume-off-solid';
import WarningIcon from '@vector-im/compound-design-tokens/assets/web/icons/warning';
import { Button } from '@vector-im/compound-web';
import type { Call, MediaProblem } from 'ringback-client';
import type { ComponentType, ReactNode, SVGAttributes } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { quietly, useCalling } from '../hooks/calling';
import { useMutedSpeech } from '../hooks/useLevel';
import { browserKind } from '../model/browser';
import type { Words } from '../model/words';
import styles from './Hints.module.css';
import { playAll, soundBlocked } from './RemoteAudio';

/** What the user should know just now, over the top of the pictures. */
export function Hints({ call }: { call: Call }) {
  const { t } = useTranslation('call');
  const { client } = useCalling();
  const { connection } = useStore(client);
  const { local, phase } = useStore(call);
  const silent = useStore(soundBlocked);
  const mutedSpeech = useMutedSpeech(local.microphone, local.microphoneOn);
  const serverAway = connection === 'reconnecting' && phase === 'connected';
  return (
    <div className={styles.hints}>
      {phase === 'reconnecting' && (
        <Hint Icon={OfflineIcon} tone="bad" role="status">
          {t('status.reconnecting')}
        </Hint>
      )}
      {serverAway && (
        <Hint Icon={OfflineIcon} role="status">
          {t('hint.serverAway')}
        </Hint>
      )}
      {silent && (
        <Hint
          Icon={VolumeOffIcon}
          role="alert"
          actions={
            <Button kind="primary" size="sm" onClick={playAll}>
              {t('hint.clickToHear')}
            </Button>
          }
        >
          {t('hint.soundOfCallBlocked')}
        </Hint>
      )}
      {local.problem && local.problem.reason !== 'cancelled' && <Problem call={call} problem={local.problem} />}
      {local.screenOn && (
        <Hint
          Icon={ShareScreenIcon}
          actions={
            <Button kind="secondary" size="sm" onClick={() => quietly(call.setScreen(false))}>
              {t('controls.stopSharing')}
            </Button>
          }
        >
          {t('stage.youShare')}
        </Hint>
      )}
      {mutedSpeech && (
        <Hint Icon={MicOffIcon} role="status">
          {t('hint.mutedButTalking')}
        </Hint>
      )}
    </div>
  );
}

interface HintProps {
  Icon: ComponentType<SVGAttributes<SVGElement>>;
  children: ReactNode;
  tone?: 'plain' | 'bad';
  role?: 'status' | 'alert';
  actions?: ReactNode;
  onClose?: () => void;
}

function Hint({ Icon, children, tone = 'plain', role, actions, onClose }: HintProps) {
  const { t } = useTranslation('call');
  return (
    <div className={styles.hint} data-tone={tone} role={role}>
      <div className={styles.lead}>
        <Icon aria-hidden className={styles.icon} />
        <div className={styles.text}>{children}</div>
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
      {onClose && (
        <button type="button" className={styles.close} aria-label={t('problem.close')} onClick={onClose}>
          <CloseIcon aria-hidden />
        </button>
      )}
    </div>
  );
}

/** A device that cannot be had: why, what helps in this browser, and that the call goes on. */
function Problem({ call, problem }: { call: Call; problem: MediaProblem }) {
  const { t } = useTranslation('call');
  const help = helpText(problem, t);
  const again = () => {
    call.clearProblem();
    const { device } = problem;
    quietly(device === 'microphone' ? call.setMicrophone(true) : device === 'camera' ? call.setCamera(true) : call.setScreen(true));
  };
  return (
    <Hint
      Icon={WarningIcon}
      tone="bad"
      role="alert"
      onClose={() => call.clearProblem()}
      actions={
        problem.reason !== 'insecure' && (
          <Button kind="secondary" size="sm" onClick={again}>
            {t('problem.tryAgain')}
          </Button>
        )
      }
    >
      <strong>{problemText(problem, t)}</strong>
      <span>
        {help ?? problem.detail} {problem.device !== 'screen' && t('problem.goesOn')}
      </span>
    </Hint>
  );
}

export function problemText({ device, reason }: MediaProblem, t: Words): string {
  const texts = {
    microphone: {
      denied: t('problem.microphone.denied'),
      'not-found': t('problem.microphone.not-found'),
      'in-use': t('problem.microphone.in-use'),
      insecure: t('problem.microphone.insecure'),
      cancelled: t('problem.microphone.cancelled'),
      other: t('problem.microphone.other'),
    },
    camera: {
      denied: t('problem.camera.denied'),
      'not-found': t('problem.camera.not-found'),
      'in-use': t('problem.camera.in-use'),
      insecure: t('problem.camera.insecure'),
      cancelled: t('problem.camera.cancelled'),
      other: t('problem.camera.other'),
    },
    screen: {
      denied: t('problem.screen.denied'),
      'not-found': t('problem.screen.not-found'),
      'in-use': t('problem.screen.in-use'),
      insecure: t('problem.screen.insecure'),
      cancelled: t('problem.screen.cancelled'),
      other: t('problem.screen.other'),
    },
  };
  return texts[device][reason];
}

/** What to do about it; null where nobody can say. */
export function helpText({ device, reason }: MediaProblem, t: Words, browser = browserKind()): string | null {
  if (reason === 'denied' && device === 'screen') return t('problem.help.screen');
  if (reason === 'denied') {
    const places = {
      chromium: t('problem.help.chromium'),
      firefox: t('problem.help.firefox'),
      safari: t('problem.help.safari'),
      ios: t('problem.help.ios'),
      android: t('problem.help.android'),
    };
    return places[browser];
  }
  if (reason === 'not-found') return t('problem.help.not-found');
  if (reason === 'in-use') return t('problem.help.in-use');
  return reason === 'insecure' ? t('problem.help.insecure') : null;
}
