import type { RingbackClient } from 'ringback-client';
import { chosenMedia } from '../call/hooks/calling';

/** Starts a call; what becomes of it, refusals too, is shown by the call layer. `invitees`: null rings everybody. */
export function dial(client: RingbackClient, roomId: string, type: 'voice' | 'video', invitees: string[] | null = null): void {
  client.call(roomId, { type, media: chosenMedia(type), ...(invitees ? { invitees } : {}) });
}
