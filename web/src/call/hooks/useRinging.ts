import { useEffect, useRef } from 'react';
import type { Call } from 'ringback-client';
import { player } from '../../sound/player';
import type { Arrangement } from '../model/arrange';
import { endTone, lastingTone } from '../model/tone';

/** Two short pulls and a pause, in ms. */
const PULLS = [400, 200, 400];
const EVERY_MS = 2500;

/** Tones and vibration of what is shown. */
export function useRinging(arrangement: Arrangement, ringtone: boolean): void {
  const tone = lastingTone(arrangement, ringtone);
  useEffect(() => {
    player.lasting(tone);
    return () => player.lasting(null);
  }, [tone]);

  const vibrate = arrangement.incoming.length > 0 && !arrangement.live;
  useEffect(() => {
    if (!vibrate || !('vibrate' in navigator)) return undefined;
    const pull = () => {
      // Without a gesture before it the browser refuses, and says so in its console.
      if (!('userActivation' in navigator) || navigator.userActivation.hasBeenActive) navigator.vibrate(PULLS);
    };
    pull();
    const timer = setInterval(pull, EVERY_MS);
    return () => {
      clearInterval(timer);
      if (!('userActivation' in navigator) || navigator.userActivation.hasBeenActive) navigator.vibrate(0);
    };
  }, [vibrate]);

  const told = useRef(new WeakSet<Call>());
  const { over } = arrangement;
  useEffect(() => {
    if (!over || told.current.has(over)) return;
    told.current.add(over);
    const end = endTone(over.snapshot.outcome);
    if (end) player.once(end);
  }, [over]);
}
