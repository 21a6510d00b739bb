import CollapseIcon from '@vector-im/compound-design-tokens/assets/web/icons/collapse';
import { Text } from '@vector-im/compound-web';
import type { Call, CallSnapshot } from 'ringback-client';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../store';
import { quietly, useCalling } from '../hooks/calling';
import { useFullScreen } from '../hooks/useFullScreen';
import { useNow } from '../hooks/useNow';
import { usePictureInPicture } from '../hooks/usePictureInPicture';
import { useShortcuts } from '../hooks/useShortcuts';
import { useSize } from '../hooks/useSize';
import { duration, nameOf, status } from '../model/words';
import { ConnectionDetails } from './ConnectionDetails';
import { ControlButton } from './ControlButton';
import { canShareScreen, Controls, type DialogName } from './Controls';
import styles from './CallScreen.module.css';
import { DevicesDialog } from './DevicesDialog';
import { Hints } from './Hints';
import { InviteDialog } from './InviteDialog';
import { Over } from './Over';
import { PipWindow } from './PipWindow';
import { ShortcutsDialog } from './ShortcutsDialog';
import { Stage } from './Stage';

const NARROW = 720;

/** The whole screen of a call that this page dials or is in, until it is closed after its end. Always dark, like a cinema. */
export function CallScreen({ call, onMinimise }: { call: Call; onMinimise: () => void }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  const snapshot = useStore(call);
  const screen = useRef<HTMLElement>(null);
  const { width } = useSize(screen);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const [fullScreen, toggleFullScreen] = useFullScreen();
  const pip = usePictureInPicture(screen);
  const over = snapshot.phase === 'over';
  const shown = over ? null : dialog;
  const { local } = snapshot;

  useEffect(() => screen.current?.focus(), [over]);
  useShortcuts(!over && shown === null, {
    m: () => quietly(call.setMicrophone(!local.microphoneOn)),
    v: () => quietly(call.setCamera(!local.cameraOn)),
    ...(canShareScreen ? { s: () => quietly(call.setScreen(!local.screenOn)) } : {}),
    ...(fullScreen === null ? {} : { f: toggleFullScreen }),
    d: () => setDialog('devices'),
    '?': () => setDialog('shortcuts'),
    Escape: onMinimise,
  });
  const close = () => setDialog(null);
  return (
    <section ref={screen} tabIndex={-1} aria-label={t('stage.label', { name: nameOf(snapshot, people) })} className={`cpd-theme-dark ${styles.screen}`}>
      {over ? (
        <Over call={call} />
      ) : (
        <div className={styles.inner} inert={shown !== null}>
          <Header call={snapshot} onMinimise={onMinimise} />
          <div className={styles.middle}>
            <Stage call={snapshot} />
            <Hints call={call} />
          </div>
          <Controls
            call={call}
            narrow={width < NARROW}
            onOpen={setDialog}
            onHangUp={() => quietly(call.hangUp())}
            fullScreen={fullScreen}
            onFullScreen={toggleFullScreen}
            onPip={pip.toggle}
          />
        </div>
      )}
      {shown === 'devices' && <DevicesDialog call={call} onClose={close} />}
      {shown === 'details' && <ConnectionDetails call={snapshot} onClose={close} />}
      {shown === 'invite' && <InviteDialog call={call} onClose={close} />}
      {shown === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {pip.window && !over && <PipWindow call={call} window={pip.window} />}
    </section>
  );
}

function Header({ call, onMinimise }: { call: CallSnapshot; onMinimise: () => void }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  return (
    <header className={styles.header}>
      <ControlButton size="sm" Icon={CollapseIcon} label={t('controls.minimise')} onClick={onMinimise} className={styles.minimise} />
      {/* Before that, both stand large in the middle. */}
      {call.peers.length > 0 && (
        <div className={styles.title}>
          <Text as="h1" size="lg" weight="semibold" className={styles.name}>
            {nameOf(call, people)}
          </Text>
          <StatusLine call={call} />
        </div>
      )}
    </header>
  );
}

/** The phase in words, or how long the call has lasted. */
export function StatusLine({ call }: { call: CallSnapshot }) {
  const { t } = useTranslation('call');
  const { people } = useCalling();
  // A hint says so already, and the time goes on.
  const text = call.phase === 'reconnecting' && call.answeredAt !== null ? null : status(call, people, t);
  return (
    <Text as="p" size="sm" className={styles.status}>
      {text !== null && <span role="status">{text}</span>}
      {text === null && call.answeredAt !== null && <Timer since={call.answeredAt} />}
    </Text>
  );
}

function Timer({ since }: { since: number }) {
  const { t } = useTranslation('call');
  const time = duration(useNow(true) - since);
  return (
    <span role="timer" aria-label={t('status.duration', { time })} className={styles.timer}>
      {time}
    </span>
  );
}
