import type { MediaChoice } from './types.js';

/** What a page that was reloaded finds of the call that it was in. */
export interface Remembered {
  /** Null while the request that starts the call is under way. */
  callId: string | null;
  roomId: string;
  audio: boolean;
  video: boolean;
}

/** This tab among the tabs of the same device: which of them is in a call. */
export class Tab {
  readonly #key: string | null;
  readonly #me = Math.random().toString(36).slice(2);
  #channel: BroadcastChannel | null = null;
  #written = '';

  constructor(key: string | null) {
    this.#key = key;
  }

  /** Calls back when another tab of the device comes into a call. */
  open(name: string, taken: (callId: string) => void): void {
    if (this.#channel || typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(`ringback:${name}`);
    this.#channel.onmessage = ({ data }: MessageEvent<{ callId?: string; from?: string }>) => {
      if (data.callId && data.from !== this.#me) taken(data.callId);
    };
  }

  close(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  /** The call is in this tab: the others let go of it, and a reload comes back. */
  enter(callId: string): void {
    this.#channel?.postMessage({ callId, from: this.#me });
  }

  remember(remembered: Remembered): void {
    const text = JSON.stringify(remembered);
    if (text === this.#written) return;
    this.#written = text;
    this.#storage((storage, key) => storage.setItem(key, text));
  }

  forget({ callId, roomId }: Pick<Remembered, 'callId' | 'roomId'>): void {
    const present = this.remembered();
    if (!present || (present.callId === null ? present.roomId !== roomId : present.callId !== callId)) return;
    this.#written = '';
    this.#storage((storage, key) => storage.removeItem(key));
  }

  remembered(): Remembered | null {
    const text = this.#storage((storage, key) => storage.getItem(key));
    try {
      const { callId = null, roomId, audio = true, video = false } = JSON.parse(text ?? '{}') as Partial<Remembered>;
      return roomId === undefined ? null : { callId, roomId, audio, video };
    } catch {
      return null;
    }
  }

  /** A page may be forbidden to store anything: then a reload asks before it rejoins. */
  #storage<T>(use: (storage: Storage, key: string) => T): T | null {
    try {
      return this.#key === null ? null : use(sessionStorage, this.#key);
    } catch {
      return null;
    }
  }
}

export const choiceOf = ({ audio, video }: Remembered): MediaChoice => ({ audio, video });
