import type { Call } from './call.js';
import { Observable } from './store.js';
import type { ClientEvents, ClientOptions, ClientSnapshot, DialOptions, JoinOptions } from './types.js';
import type { HistoryPage } from './wire.js';

export class RingbackClient extends Observable<ClientSnapshot> {
  constructor(_options: ClientOptions) {
    super({ connection: 'idle', deviceId: null, retryInMs: null, calls: [] });
  }
  start(): void {}
  stop(): void {}
  reconnectNow(): void {}
  call(_roomId: string, _o: DialOptions): Call { throw new Error('not there yet'); }
  join(_callId: string, _o: JoinOptions = {}): Call { throw new Error('not there yet'); }
  history(_o: { limit?: number; from?: string } = {}): Promise<HistoryPage> { return Promise.resolve({ calls: [] }); }
  missedCount(): Promise<number> { return Promise.resolve(0); }
  markSeen(_callIds?: string[]): Promise<void> { return Promise.resolve(); }
  on<E extends keyof ClientEvents>(_event: E, _listener: (e: ClientEvents[E]) => void): () => void { return () => {}; }
}
