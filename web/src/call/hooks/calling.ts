import type { Call, CallSnapshot, MediaChoice, RingbackClient } from 'ringback-client';
import { createContext, useContext } from 'react';
import type { People } from '../../people';
import { settings } from '../../settings';

/** What every part of the call layer needs. */
export interface Calling {
  client: RingbackClient;
  people: People;
}

export const CallingContext = createContext<Calling | null>(null);

export function useCalling(): Calling {
  const calling = useContext(CallingContext);
  if (!calling) throw new Error('only inside a CallLayer');
  return calling;
}

/** The microphone and the camera that the user has chosen, or the browser's. */
export function chosenMedia(type: CallSnapshot['type']): MediaChoice {
  const { microphoneId, cameraId } = settings.snapshot;
  const device = (deviceId: string | null) => (deviceId === null ? true : { deviceId });
  return { audio: device(microphoneId), video: type === 'video' && device(cameraId) };
}

/** For buttons: what a call's method rejects with stands in its snapshot too, where it is shown. */
export function quietly(done: Promise<unknown>): void {
  done.catch(() => undefined);
}

export function callAgain(client: RingbackClient, call: Call): void {
  const { roomId, type } = call.snapshot;
  call.dismiss();
  client.call(roomId, { type, media: chosenMedia(type) });
}
