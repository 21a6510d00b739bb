import ChartIcon from '@vector-im/compound-design-tokens/assets/web/icons/chart';
import EndCallIcon from '@vector-im/compound-design-tokens/assets/web/icons/end-call';
import KeyboardIcon from '@vector-im/compound-design-tokens/assets/web/icons/keyboard';
import MicOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-off-solid';
import MicOnIcon from '@vector-im/compound-design-tokens/assets/web/icons/mic-on-solid';
import OverflowIcon from '@vector-im/compound-design-tokens/assets/web/icons/overflow-horizontal';
import PopOutIcon from '@vector-im/compound-design-tokens/assets/web/icons/pop-out';
import SettingsIcon from '@vector-im/compound-design-tokens/assets/web/icons/settings-solid';
import ShareScreenIcon from '@vector-im/compound-design-tokens/assets/web/icons/share-screen-solid';
import SwitchCameraIcon from '@vector-im/compound-design-tokens/assets/web/icons/switch-camera-solid';
import UserAddIcon from '@vector-im/compound-design-tokens/assets/web/icons/user-add-solid';
import VideoOffIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-off-solid';
import VideoOnIcon from '@vector-im/compound-design-tokens/assets/web/icons/video-call-solid';
import type { Call } from 'ringback-client';
import { type ComponentType, type SVGAttributes, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { quietly } from '../hooks/calling';
import { useLevel } from '../hooks/useLevel';
import { ControlButton } from './ControlButton';
import styles from './Controls.module.css';
import { ExitFullScreenIcon, FullScreenIcon } from './icons';

export type DialogName = 'devices' | 'details' | 'invite' | 'shortcuts';

interface Props {
  call: Call;
  narrow: boolean;
  onOpen: (dialog: DialogName) => void;
  onHangUp: () => void;
  fullScreen: boolean | null;
  onFullScreen: () => void;
  /** Absent where the browser has no picture in picture. */
  onPip: (() => void) | null;
}

export const canShareScreen = typeof navigator !== 'undefined' && Boolean((navigator.mediaDevices as MediaDevices | undefined)?.getDisplayMedia);

interface Extra {
  key: string;
  label: string;
  Icon: ComponentType<SVGAttributes<SVGElement>>;
  onClick: () => void;
  opens?: boolean;
}

/** The row of buttons below a call. What is needed less often goes behind «More» where there is no room. */
export function Controls({ call, narrow, onOpen, onHangUp, fullScreen, onFullScreen, onPip }: Props) {
  const { t } = useTranslation('call');
  const { local, direction, isGroup, phase } = useStore(call);
  const running = phase === 'connected' || phase === 'connecting' || phase === 'reconnecting';
  const canShare = canShareScreen && running;
  const share: Extra = {
    key: 'share',
    label: local.screenOn ? t('controls.stopSharing') : t('controls.share'),
    Icon: ShareScreenIcon,
    onClick: () => quietly(call.setScreen(!local.screenOn)),
  };
  const extras: Extra[] = [
    ...(canShare && narrow ? [share] : []),
    ...(fullScreen === null
      ? []
      : [
          {
            key: 'full-screen',
            label: fullScreen ? t('controls.exitFullScreen') : t('controls.fullScreen'),
            Icon: fullScreen ? ExitFullScreenIcon : FullScreenIcon,
            onClick: onFullScreen,
          },
        ]),
    ...(onPip && running ? [{ key: 'pip', label: t('controls.pip'), Icon: PopOutIcon, onClick: onPip }] : []),
    ...(running ? [{ key: 'details', label: t('controls.details'), Icon: ChartIcon, onClick: () => onOpen('details'), opens: true }] : []),
    ...(isGroup ? [{ key: 'invite', label: t('controls.invite'), Icon: UserAddIcon, onClick: () => onOpen('invite'), opens: true }] : []),
    { key: 'shortcuts', label: t('controls.shortcuts'), Icon: KeyboardIcon, onClick: () => onOpen('shortcuts'), opens: true },
  ];
  const forAll: Extra = { key: 'for-all', label: t('controls.endForAll'), Icon: EndCallIcon, onClick: () => quietly(call.hangUp({ forAll: true })) };
  const mayEndForAll = isGroup && running && direction === 'outgoing';
  return (
    <div role="toolbar" aria-label={t('controls.label')} className={styles.bar} data-narrow={narrow || undefined}>
      <div className={styles.main}>
        <MicrophoneButton call={call} />
        <ControlButton
          look={local.cameraOn ? 'plain' : 'off'}
          Icon={local.cameraOn ? VideoOnIcon : VideoOffIcon}
          label={local.cameraOn ? t('controls.cameraOff') : t('controls.cameraOn')}
          onClick={() => quietly(call.setCamera(!local.cameraOn))}
        />
        {local.canSwitchCamera && local.cameraOn && (
          <ControlButton Icon={SwitchCameraIcon} label={t('controls.switchCamera')} onClick={() => quietly(call.switchCamera())} />
        )}
        {canShare && !narrow && <ControlButton look={local.screenOn ? 'on' : 'plain'} Icon={share.Icon} label={share.label} onClick={share.onClick} />}
        <ControlButton Icon={SettingsIcon} label={t('controls.devices')} onClick={() => onOpen('devices')} opens />
        {(narrow || mayEndForAll) && <More extras={[...(narrow ? extras : []), ...(mayEndForAll ? [forAll] : [])]} />}
        <ControlButton look="hang-up" Icon={EndCallIcon} label={t('controls.hangUp')} onClick={onHangUp} className={styles.hangUp} />
      </div>
      {!narrow && (
        <div className={styles.extras}>
          {extras.map(({ key, ...extra }) => (
            <ControlButton key={key} size="sm" {...extra} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Its ring shows how loud the user is. */
function MicrophoneButton({ call }: { call: Call }) {
  const { t } = useTranslation('call');
  const { local } = useStore(call);
  const ring = useRef<HTMLSpanElement>(null);
  useLevel(ring, local.microphoneOn ? local.microphone : null);
  return (
    <span ref={ring} className={styles.microphone}>
      <ControlButton
        look={local.microphoneOn ? 'plain' : 'off'}
        Icon={local.microphoneOn ? MicOnIcon : MicOffIcon}
        label={local.microphoneOn ? t('controls.mute') : t('controls.unmute')}
        onClick={() => quietly(call.setMicrophone(!local.microphoneOn))}
      />
    </span>
  );
}

function More({ extras }: { extras: readonly Extra[] }) {
  const { t } = useTranslation('call');
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    menu.current?.querySelector('button')?.focus();
    const leave = (event: Event) => {
      if (event.target instanceof Node && !menu.current?.parentElement?.contains(event.target)) setOpen(false);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.preventDefault();
      setOpen(false);
      menu.current?.parentElement?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', leave);
    document.addEventListener('focusin', leave);
    document.addEventListener('keydown', key, true);
    return () => {
      document.removeEventListener('pointerdown', leave);
      document.removeEventListener('focusin', leave);
      document.removeEventListener('keydown', key, true);
    };
  }, [open]);
  return (
    <div className={styles.more}>
      <ControlButton Icon={OverflowIcon} label={t('controls.more')} expanded={open} onClick={() => setOpen(!open)} />
      {open && (
        <div ref={menu} className={styles.menu}>
          {extras.map(({ key, label, Icon, onClick, opens }) => (
            <button
              key={key}
              type="button"
              className={styles.item}
              onClick={() => {
                setOpen(false);
                onClick();
              }}
              {...(opens ? { 'aria-haspopup': 'dialog' as const } : {})}
            >
              <Icon aria-hidden />
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
