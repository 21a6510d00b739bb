import { type RefObject, useEffect, useState } from 'react';

interface DocumentPictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

const documentPip = (globalThis as { documentPictureInPicture?: DocumentPictureInPicture }).documentPictureInPicture;
const videoPip = typeof document !== 'undefined' && document.pictureInPictureEnabled;

export interface PictureInPicture {
  /** The window to render into, where the browser has such windows (Chrome, Edge). */
  window: Window | null;
  /** Opens it or closes it; null where there is none. Elsewhere the largest picture of `screen` floats by itself. */
  toggle: (() => void) | null;
}

export function usePictureInPicture(screen: RefObject<HTMLElement | null>): PictureInPicture {
  const [own, setOwn] = useState<Window | null>(null);
  useEffect(() => () => own?.close(), [own]);
  if (documentPip) return { window: own, toggle: () => void (own ? setOwn(null) : openWindow(documentPip, setOwn)) };
  if (videoPip) return { window: null, toggle: () => void floatLargest(screen.current) };
  return { window: null, toggle: null };
}

async function openWindow(pip: DocumentPictureInPicture, set: (own: Window | null) => void): Promise<void> {
  try {
    const own = await pip.requestWindow({ width: 360, height: 240 });
    copyStyles(own.document);
    own.addEventListener('pagehide', () => set(null));
    set(own);
  } catch {
    // Not now: without a gesture, say.
  }
}

/** The new window keeps our content policy, which allows our own style sheets. */
function copyStyles(into: Document): void {
  into.documentElement.lang = document.documentElement.lang;
  into.documentElement.className = 'cpd-theme-dark';
  for (const element of document.querySelectorAll('link[rel="stylesheet"], style')) into.head.append(element.cloneNode(true));
}

async function floatLargest(screen: HTMLElement | null): Promise<void> {
  if (document.pictureInPictureElement) {
    await document.exitPictureInPicture();
    return;
  }
  const area = (video: HTMLVideoElement) => video.clientWidth * video.clientHeight;
  const [largest] = [...(screen?.querySelectorAll('video') ?? [])].sort((one, other) => area(other) - area(one));
  await largest?.requestPictureInPicture().catch(() => undefined);
}
