import { useEffect, useRef, useState } from 'react';
import { type Box, mayFill } from '../model/tiles';
import styles from './Video.module.css';

interface Props {
  stream: MediaStream;
  /** Where it is shown: decides whether the picture may be cropped. */
  box: Box;
  mirrored?: boolean;
  /** Show all of it, whatever is left free: for screens. */
  whole?: boolean;
  /** Fill the place, whatever is cropped: for a backdrop, and where it is small. */
  filling?: boolean | undefined;
}

/** A picture without its sound, which `RemoteAudio` plays. */
export function Video({ stream, box, mirrored = false, whole = false, filling = false }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [picture, setPicture] = useState<Box>({ width: 0, height: 0 });
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    element.srcObject = stream;
    element.play().catch(() => undefined); // muted, so it may; or it was taken away meanwhile
    return () => {
      element.srcObject = null;
    };
  }, [stream]);
  const measure = () => {
    const { videoWidth: width = 0, videoHeight: height = 0 } = video.current ?? {};
    setPicture({ width, height });
  };
  const fit = whole || (!filling && !mayFill(picture, box)) ? styles.whole : styles.filled;
  return (
    <video
      ref={video}
      className={`${styles.video} ${fit} ${mirrored ? styles.mirrored : ''}`}
      onResize={measure}
      onLoadedMetadata={measure}
      muted
      autoPlay
      playsInline
      disableRemotePlayback
      aria-hidden
      tabIndex={-1}
    />
  );
}

/** The picture of a camera that looks at the user is shown as in a mirror. */
export function looksAtUser(stream: MediaStream): boolean {
  return stream.getVideoTracks()[0]?.getSettings().facingMode !== 'environment';
}
