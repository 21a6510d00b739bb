import { Button, Text } from '@vector-im/compound-web';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { settings } from '../settings';
import { useStore } from '../store';
import { Choice } from './fields';
import page from './page.module.css';

type Kind = MediaDeviceInfo['kind'];

export function DeviceSettings() {
  const { t } = useTranslation('settings');
  const { microphoneId, cameraId, speakerId } = useStore(settings);
  const { devices, named, problem, show } = useMediaDevices();
  const of = (kind: Kind) => devices.filter((device) => device.kind === kind);
  const speakers = 'setSinkId' in HTMLMediaElement.prototype;
  return (
    <>
      <Text as="p" size="sm" className={page.quiet}>
        {t('devicesHelp')}
      </Text>
      {!named && (
        <>
          <Text as="p" size="sm" className={page.quiet}>
            {t('showNamesHelp')}
          </Text>
          <Button size="sm" kind="secondary" onClick={() => void show()}>
            {t('showNames')}
          </Button>
        </>
      )}
      {problem && (
        <p role="alert" className={page.problem}>
          {t('devicesDenied')}
        </p>
      )}
      {named && (
        <>
          <DeviceChoice label={t('microphone')} devices={of('audioinput')} chosen={microphoneId} onChoose={(id) => { settings.change({ microphoneId: id }); }} />
          <DeviceChoice label={t('camera')} devices={of('videoinput')} chosen={cameraId} onChoose={(id) => { settings.change({ cameraId: id }); }} />
          {speakers ? (
            <DeviceChoice label={t('speaker')} devices={of('audiooutput')} chosen={speakerId} onChoose={(id) => { settings.change({ speakerId: id }); }} />
          ) : (
            <Text as="p" size="sm" className={page.quiet}>
              {t('speakerMissing')}
            </Text>
          )}
        </>
      )}
    </>
  );
}

interface DeviceChoiceProps {
  label: string;
  devices: readonly MediaDeviceInfo[];
  chosen: string | null;
  onChoose: (id: string | null) => void;
}

function DeviceChoice({ label, devices, chosen, onChoose }: DeviceChoiceProps) {
  const { t } = useTranslation('settings');
  // The browser's own entry for its default is the empty choice here.
  const real = devices.filter(({ deviceId }) => deviceId !== '' && deviceId !== 'default');
  const gone = chosen !== null && !real.some(({ deviceId }) => deviceId === chosen);
  const options = [
    { value: '', label: t('byDefault') },
    ...real.map((device, index) => ({ value: device.deviceId, label: device.label || t('unnamed', { number: index + 1 }) })),
    ...(gone ? [{ value: chosen, label: t('gone') }] : []),
  ];
  return (
    <Choice
      label={label}
      value={chosen ?? ''}
      options={options}
      onChange={(value) => {
        onChoose(value || null);
      }}
    />
  );
}

/** The devices, and whether the browser gives their names, which it does once it has been allowed to use one. */
function useMediaDevices() {
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([]);
  const [problem, setProblem] = useState(false);

  const refresh = useCallback(async () => {
    // Absent on a page that came neither by https nor from this machine.
    const media = navigator.mediaDevices as MediaDevices | undefined;
    setDevices((await media?.enumerateDevices().catch(() => [])) ?? []);
  }, []);

  useEffect(() => {
    const media = navigator.mediaDevices as MediaDevices | undefined;
    const changed = () => void refresh();
    changed();
    media?.addEventListener('devicechange', changed);
    return () => {
      media?.removeEventListener('devicechange', changed);
    };
  }, [refresh]);

  /** Asks for both, else for either: a computer without a camera has a microphone still. */
  const show = async () => {
    const media = navigator.mediaDevices as MediaDevices | undefined;
    const wishes = [{ audio: true, video: true }, { audio: true }, { video: true }];
    let allowed = false;
    for (const wish of wishes) {
      try {
        const stream = await media?.getUserMedia(wish);
        for (const track of stream?.getTracks() ?? []) track.stop();
        allowed = stream !== undefined;
      } catch {
        continue;
      }
      break;
    }
    setProblem(!allowed);
    await refresh();
  };

  return { devices, named: devices.some(({ label }) => label !== ''), problem, show };
}
