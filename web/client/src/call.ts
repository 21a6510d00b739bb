import { Observable } from './store.js';
import type { CallSnapshot, MediaChoice } from './types.js';

const soon = (): Promise<never> => Promise.reject(new Error('not there yet'));

export class Call extends Observable<CallSnapshot> {
  accept(_o: { media?: MediaChoice } = {}): Promise<void> { return soon(); }
  reject(_reason?: string): Promise<void> { return soon(); }
  hangUp(_o: { forAll?: boolean } = {}): Promise<void> { return soon(); }
  rejoin(_o: { media?: MediaChoice } = {}): Promise<void> { return soon(); }
  dismiss(): void {}
  invite(_userIds: string[]): Promise<void> { return soon(); }
  setMicrophone(_on: boolean): Promise<void> { return soon(); }
  setCamera(_on: boolean): Promise<void> { return soon(); }
  setScreen(_on: boolean): Promise<void> { return soon(); }
  switchCamera(): Promise<void> { return soon(); }
  useMicrophone(_deviceId: string): Promise<void> { return soon(); }
  useCamera(_deviceId: string): Promise<void> { return soon(); }
  clearProblem(): void {}
}
