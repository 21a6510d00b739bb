import { type RefObject, useEffect, useRef } from 'react';
import { KeyGuard } from '../model/guard';

/** Puts the focus on Accept when ringing starts, and sees to it that no key meant for something else presses it. */
export function useKeyGuard(call: unknown): { screen: RefObject<HTMLDivElement | null>; accept: RefObject<HTMLButtonElement | null> } {
  const screen = useRef<HTMLDivElement>(null);
  const accept = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const element = screen.current;
    const guard = new KeyGuard(performance.now());
    accept.current?.focus();
    const key = (event: KeyboardEvent) => {
      if (guard.key(event.key, performance.now())) return;
      event.preventDefault();
      event.stopPropagation();
    };
    // Space presses a button when it is let go. Such a click has no `detail`: a pointer's counts its clicks.
    const click = (event: MouseEvent) => {
      if (event.detail !== 0 || guard.allows(performance.now())) return;
      event.preventDefault();
      event.stopPropagation();
    };
    element?.addEventListener('keydown', key, true);
    element?.addEventListener('click', click, true);
    return () => {
      element?.removeEventListener('keydown', key, true);
      element?.removeEventListener('click', click, true);
    };
  }, [call]);
  return { screen, accept };
}
