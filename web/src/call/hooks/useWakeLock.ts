import { useEffect } from 'react';

/** Keeps the screen on; the browser takes the lock away whenever the page is hidden. */
export function useWakeLock(active: boolean): void {
  useEffect(() => {
    if (!active || !('wakeLock' in navigator)) return undefined;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = () => {
      if (document.hidden || (lock && !lock.released)) return;
      navigator.wakeLock
        .request('screen')
        .then((taken) => {
          if (over) void taken.release();
          else lock = taken;
        })
        .catch(() => undefined); // low battery, or not allowed here
    };
    take();
    document.addEventListener('visibilitychange', take);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', take);
      void lock?.release().catch(() => undefined);
    };
  }, [active]);
}
