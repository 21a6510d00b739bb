import type { Call, CallOutcome } from 'ringback-client';
import { useEffect } from 'react';
import { useStore } from '../../store';

/** What nobody needs to read twice goes by itself; what went wrong stays until it is closed. */
export function closesItself(outcome: CallOutcome | null): boolean {
  return outcome === 'ended' || outcome === 'left' || outcome === 'cancelled' || outcome === 'answered-elsewhere' || outcome === 'rejected-elsewhere';
}

/** Dismisses a call that is over after some seconds, unless somebody has begun to do something about it. */
export function useAutoClose(call: Call, seconds = 5): void {
  const { outcome, phase } = useStore(call);
  const closes = phase === 'over' && closesItself(outcome);
  useEffect(() => {
    if (!closes) return undefined;
    const timer = setTimeout(() => call.dismiss(), seconds * 1000);
    const stay = (event: KeyboardEvent) => {
      if (event.key === 'Tab') clearTimeout(timer);
    };
    document.addEventListener('keydown', stay);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('keydown', stay);
    };
  }, [call, closes, seconds]);
}
