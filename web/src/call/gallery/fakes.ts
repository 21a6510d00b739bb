/** Calls that only look as if: for the gallery, and for tests. */
import type { Call, CallSnapshot, ClientSnapshot, LocalMedia, PeerSnapshot, RingbackClient } from 'ringback-client';
import type { People } from '../../people';
import { Value } from '../../store';

export const me = '@alice:example.org';
const names: Record<string, string> = {
  '@alice:example.org': 'Alice',
  '@bob:example.org': 'Bob',
  '@carol:example.org': 'Carol Winterbottom',
  '@dave:example.org': 'Dave',
  '@erin:example.org': 'Erin Ó Súilleabháin-Featherstonehaugh',
  '@frank:example.org': 'Frank',
};
export const everyone = Object.keys(names);

export const noMedia: LocalMedia = {
  camera: null,
  screen: null,
  microphone: null,
  microphoneOn: true,
  cameraOn: false,
  screenOn: false,
  microphoneId: null,
  cameraId: null,
  canSwitchCamera: false,
  problem: null,
};

export function snapshot(some: Partial<CallSnapshot> = {}): CallSnapshot {
  return {
    callId: '0'.repeat(32),
    roomId: '!pair:example.org',
    type: 'video',
    direction: 'outgoing',
    phase: 'connected',
    outcome: null,
    error: null,
    initiatorId: some.direction === 'incoming' ? '@bob:example.org' : me,
    callerName: null,
    busy: false,
    ringingDevices: 0,
    pendingUsers: 0,
    expiresAt: null,
    answeredAt: null,
    endedAt: null,
    isGroup: false,
    local: noMedia,
    peers: [],
    others: [{ userId: '@bob:example.org', status: 'ringing' }],
    ...some,
  };
}

export function peer(userId: string, some: Partial<PeerSnapshot> = {}): PeerSnapshot {
  return {
    id: `${userId}|DEVICE`,
    userId,
    deviceId: 'DEVICE',
    audio: null,
    camera: null,
    screen: null,
    microphoneOn: true,
    cameraOn: false,
    screenOn: false,
    state: 'connected',
    quality: 'good',
    numbers: null,
    ...some,
  };
}

/** What was asked of it stands in `asked`, and the switches switch. */
export class FakeCall extends Value<CallSnapshot> {
  readonly asked: string[] = [];
  onDismiss: () => void = () => undefined;

  change(some: Partial<CallSnapshot>): void {
    this.set({ ...this.snapshot, ...some });
  }

  local(some: Partial<LocalMedia>): void {
    this.change({ local: { ...this.snapshot.local, ...some } });
  }

  accept = (o?: { media?: { video?: unknown } }) => this.#ask(o?.media?.video ? 'accept with video' : 'accept');
  reject = (reason?: string) => this.#ask(reason ? `reject ${reason}` : 'reject');
  hangUp = (o?: { forAll?: boolean }) => this.#ask(o?.forAll ? 'hang up for all' : 'hang up');
  rejoin = () => this.#ask('rejoin');
  invite = (userIds: string[]) => this.#ask(`invite ${userIds.join()}`);
  switchCamera = () => this.#ask('switch camera');
  useMicrophone = (id: string) => this.#ask(`microphone ${id}`);
  useCamera = (id: string) => this.#ask(`camera ${id}`);
  setMicrophone = (on: boolean) => this.#ask('microphone', () => this.local({ microphoneOn: on }));
  setCamera = (on: boolean) => this.#ask('camera', () => this.local({ cameraOn: on }));
  setScreen = (on: boolean) => this.#ask('screen', () => this.local({ screenOn: on }));
  clearProblem = () => this.local({ problem: null });
  dismiss = () => {
    this.asked.push('dismiss');
    this.onDismiss();
  };

  get asCall(): Call {
    return this as unknown as Call;
  }

  #ask(what: string, then?: () => void): Promise<void> {
    this.asked.push(what);
    then?.();
    return Promise.resolve();
  }
}

export class FakeClient extends Value<ClientSnapshot> {
  readonly userId = me;
  readonly dialled: string[] = [];

  constructor(calls: readonly FakeCall[] = []) {
    super({ connection: 'online', deviceId: 'MINE', retryInMs: null, calls: [] });
    this.show(...calls);
  }

  show(...calls: readonly FakeCall[]): void {
    for (const call of calls) call.onDismiss = () => this.show(...calls.filter((other) => other !== call));
    this.set({ ...this.snapshot, calls: calls.map((call) => call.asCall) });
  }

  call = (roomId: string, { type }: { type: string }) => this.#dialled(`${type} ${roomId}`);
  join = (callId: string) => this.#dialled(`join ${callId}`);

  get asClient(): RingbackClient {
    return this as unknown as RingbackClient;
  }

  #dialled(what: string): Call {
    this.dialled.push(what);
    return new FakeCall(snapshot()).asCall;
  }
}

export const people: People = {
  room: (roomId) =>
    roomId.startsWith('!pair')
      ? { name: 'Bob', avatarUrl: null, isDirect: true, members: [{ userId: me }, { userId: '@bob:example.org' }] }
      : { name: 'Garden planning committee', avatarUrl: null, isDirect: false, members: everyone.map((userId) => ({ userId })) },
  user: (userId) => ({ name: names[userId] ?? userId, avatarUrl: null }),
  subscribe: () => () => undefined,
  version: 1,
};
