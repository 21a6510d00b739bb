import { useEffect, useState } from 'react';

export interface Devices {
  microphones: readonly MediaDeviceInfo[];
  cameras: readonly MediaDeviceInfo[];
  speakers: readonly MediaDeviceInfo[];
}

const none: Devices = { microphones: [], cameras: [], speakers: [] };

/** What is plugged in, live. `again` (anything) asks anew: names are there only once a device may be used. */
export function useDevices(again: unknown): Devices {
  const [devices, setDevices] = useState(none);
  useEffect(() => {
    const { mediaDevices } = navigator as { mediaDevices?: MediaDevices };
    if (!mediaDevices) return undefined; // not a secure page
    let over = false;
    const ask = async () => {
      const all = await mediaDevices.enumerateDevices().catch(() => []);
      const of = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind && device.deviceId !== '');
      if (!over) setDevices({ microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') });
    };
    const changed = () => void ask();
    changed();
    mediaDevices.addEventListener('devicechange', changed);
    return () => {
      over = true;
      mediaDevices.removeEventListener('devicechange', changed);
    };
  }, [again]);
  return devices;
}

export const canChooseSpeaker = typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
