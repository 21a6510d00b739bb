import { useEffect, useState } from 'react';

/** Whether the whole page is shown full screen; null where the browser cannot (on an iPhone). */
export function useFullScreen(): [on: boolean | null, toggle: () => void] {
  const can = document.fullscreenEnabled;
  const [on, setOn] = useState(() => document.fullscreenElement !== null);
  useEffect(() => {
    const changed = () => setOn(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  const toggle = () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
    done.catch(() => undefined);
  };
  return [can ? on : null, toggle];
}
