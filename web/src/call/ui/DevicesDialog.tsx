import { Button } from '@vector-im/compound-web';
import type { Call } from 'ringback-client';
import { useId, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { settings } from '../../settings';
import { useStore } from '../../store';
import { quietly } from '../hooks/calling';
import { canChooseSpeaker, useDevices } from '../hooks/useDevices';
import { useLevel } from '../hooks/useLevel';
import styles from './Dialogs.module.css';
import { Modal } from './Modal';

/** Microphone, camera and speaker, chosen while the call goes on. What is plugged in meanwhile appears by itself. */
export function DevicesDialog({ call, onClose }: { call: Call; onClose: () => void }) {
  const { t } = useTranslation('call');
  const { local } = useStore(call);
  const { speakerId, microphoneId, cameraId } = useStore(settings);
  const { microphones, cameras, speakers } = useDevices(local.microphone ?? local.camera);
  const useMicrophone = (id: string | null) => {
    settings.change({ microphoneId: id });
    quietly(call.useMicrophone(id ?? 'default'));
  };
  const useCamera = (id: string | null) => {
    settings.change({ cameraId: id });
    const [first] = cameras;
    if (id ?? first) quietly(call.useCamera(id ?? first?.deviceId ?? ''));
  };
  return (
    <Modal title={t('devices.title')} closeLabel={t('devices.close')} onClose={onClose}>
      <Choice label={t('devices.microphone')} devices={microphones} value={local.microphoneId ?? microphoneId} empty={t('devices.noMicrophone')} onChoose={useMicrophone} />
      {local.microphone && <Meter stream={local.microphone} on={local.microphoneOn} />}
      <Choice label={t('devices.camera')} devices={cameras} value={local.cameraId ?? cameraId} empty={t('devices.noCamera')} onChoose={useCamera} />
      {canChooseSpeaker ? (
        <Choice
          label={t('devices.speaker')}
          devices={speakers}
          value={speakerId}
          empty={t('devices.default')}
          onChoose={(id) => settings.change({ speakerId: id })}
          withDefault
        />
      ) : (
        <p className={styles.plain}>{t('devices.noSpeakerChoice')}</p>
      )}
      <div className={styles.actions}>
        <Button kind="primary" size="sm" onClick={onClose}>
          {t('devices.close')}
        </Button>
      </div>
    </Modal>
  );
}

interface ChoiceProps {
  label: string;
  devices: readonly MediaDeviceInfo[];
  value: string | null;
  /** Stands there alone where there is no device. */
  empty: string;
  onChoose: (id: string | null) => void;
  /** Offers the system's choice too, as browsers list no speaker of that name. */
  withDefault?: boolean;
}

function Choice({ label, devices, value, empty, onChoose, withDefault = false }: ChoiceProps) {
  const { t } = useTranslation('call');
  const id = useId();
  const known = devices.some(({ deviceId }) => deviceId === value);
  const namesDefault = devices.some(({ deviceId }) => deviceId === 'default');
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={known ? (value ?? '') : ''}
        disabled={devices.length === 0}
        onChange={({ target }) => onChoose(target.value === '' || target.value === 'default' ? null : target.value)}
      >
        {devices.length === 0 ? (
          <option value="">{empty}</option>
        ) : (
          (withDefault || !known) && !namesDefault && <option value="">{t('devices.default')}</option>
        )}
        {devices.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || t('devices.unnamed', { kind: label, number: index + 1 })}
          </option>
        ))}
      </select>
    </div>
  );
}

function Meter({ stream, on }: { stream: MediaStream; on: boolean }) {
  const { t } = useTranslation('call');
  const meter = useRef<HTMLDivElement>(null);
  useLevel(meter, on ? stream : null);
  return (
    <div className={styles.level}>
      <span>{on ? t('devices.level') : t('devices.off')}</span>
      <div ref={meter} className={styles.meter} aria-hidden />
    </div>
  );
}
