import { type RefObject, useEffect, useState } from 'react';
import { listen } from '../model/levels';

/** Whether somebody speaks in the stream. */
export function useSpeaking(stream: MediaStream | null): boolean {
  const [speaking, setSpeaking] = useState(false);
  useEffect(() => (stream ? listen(stream, { speaking: setSpeaking }) : undefined), [stream]);
  return speaking && stream !== null;
}

/** Keeps `--level` (0 to 1) of an element at the loudness of the stream, without rendering anything again. */
export function useLevel(ref: RefObject<HTMLElement | null>, stream: MediaStream | null): void {
  useEffect(() => {
    if (!stream) return undefined;
    const show = (level: number) => ref.current?.style.setProperty('--level', level.toFixed(2));
    return listen(stream, { level: show });
  }, [ref, stream]);
}

/** Whether the user speaks while the microphone is off: heard by a copy of its track, which goes nowhere. */
export function useMutedSpeech(microphone: MediaStream | null, on: boolean): boolean {
  const [speaking, setSpeaking] = useState(false);
  useEffect(() => {
    const [track] = microphone?.getAudioTracks() ?? [];
    if (on || track?.readyState !== 'live') return undefined;
    const copy = track.clone();
    copy.enabled = true;
    const leave = listen(new MediaStream([copy]), { speaking: setSpeaking });
    return () => {
      leave();
      copy.stop();
    };
  }, [microphone, on]);
  return speaking && !on;
}
