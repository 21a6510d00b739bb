import type { PeerSnapshot } from 'ringback-client';
import { useEffect, useRef } from 'react';
import { settings } from '../../settings';
import { useStore, Value } from '../../store';
import { canChooseSpeaker } from '../hooks/useDevices';

/** True while the browser keeps the sound of a call back until somebody clicks. */
export const soundBlocked = new Value(false);
const playing = new Set<HTMLAudioElement>();

async function play(element: HTMLAudioElement): Promise<void> {
  try {
    await element.play();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotAllowedError' && playing.has(element)) soundBlocked.set(true);
  }
}

/** In a click: lets the sound out. */
export function playAll(): void {
  soundBlocked.set(false);
  for (const element of playing) void play(element);
}

/** What the others say, in elements that nobody sees: they stay while the call is small. */
export function RemoteAudio({ peers }: { peers: readonly PeerSnapshot[] }) {
  const blocked = useStore(soundBlocked);
  useEffect(() => {
    if (!blocked) return undefined;
    document.addEventListener('pointerup', playAll);
    document.addEventListener('keyup', playAll);
    return () => {
      document.removeEventListener('pointerup', playAll);
      document.removeEventListener('keyup', playAll);
    };
  }, [blocked]);
  const streams = peers.flatMap(({ id, audio, screen }) => [
    ...(audio ? [{ key: id, stream: audio }] : []),
    ...(screen?.getAudioTracks().length ? [{ key: `${id}|screen`, stream: screen }] : []),
  ]);
  return streams.map(({ key, stream }) => <Sound key={key} stream={stream} />);
}

function Sound({ stream }: { stream: MediaStream }) {
  const audio = useRef<HTMLAudioElement>(null);
  const { speakerId } = useStore(settings);
  useEffect(() => {
    const element = audio.current;
    if (!element) return undefined;
    playing.add(element);
    element.srcObject = stream;
    void play(element);
    return () => {
      playing.delete(element);
      element.srcObject = null;
      if (playing.size === 0) soundBlocked.set(false);
    };
  }, [stream]);
  useEffect(() => {
    // A speaker that was unplugged: the system's is used.
    if (canChooseSpeaker) audio.current?.setSinkId(speakerId ?? '').catch(() => undefined);
  }, [speakerId]);
  // eslint-disable-next-line jsx-a11y/media-has-caption -- live speech: there are no captions to load
  return <audio ref={audio} autoPlay hidden />;
}
