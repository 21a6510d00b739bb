import { useEffect } from 'react';

const BLINK_MS = 1000;

/** Lets the page's title change to `text` and back, once a second, while `text` is given. */
export function useBlinkingTitle(text: string | null): void {
  useEffect(() => {
    if (text === null) return undefined;
    return blinkTitle(text);
  }, [text]);
}

export function blinkTitle(text: string): () => void {
  let own = document.title;
  const blink = () => {
    if (document.title === text) {
      document.title = own;
    } else {
      own = document.title; // the page may have changed it meanwhile
      document.title = text;
    }
  };
  blink();
  const timer = setInterval(blink, BLINK_MS);
  return () => {
    clearInterval(timer);
    if (document.title === text) document.title = own;
  };
}
