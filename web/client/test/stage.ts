// A client of Alice's beside a scripted server, up to "registered".
import { vi } from 'vitest';
import type { Call } from '../src/call.js';
import { RingbackClient } from '../src/client.js';
import { browser, FakeSocket, settle } from './fakes.js';

export const hold: { socket: FakeSocket } = { socket: new FakeSocket() };
export const NOW = Date.parse('2026-11-22T12:00:00Z');
export const at = (ms: number): string => new Date(NOW + ms).toISOString();
export const ALICE = '@alice:localhost';
export const BOB = '@bob:localhost';
export const ICE = [{ urls: ['turn:127.0.0.1'], username: 'u', credential: 'c' }];
export const CONFIG = { baseUrl: 'http://ring', websocketUrl: 'http://ring', homeserverUrl: 'http://home', iceServers: [] };

export async function stage(options: { accessToken?: string | (() => string) } = {}) {
  vi.useFakeTimers({ now: NOW });
  const world = browser();
  hold.socket = world.socket;
  const client = new RingbackClient({ config: CONFIG, userId: ALICE, accessToken: 'secret', ...options });
  const heard: string[] = [];
  for (const name of ['incoming', 'stopped-ringing', 'over', 'refused'] as const) client.on(name, () => heard.push(name));
  const phone = { client, heard, ...world, register, status, last, phase };

  /** The socket connects and the server takes the registration. */
  async function register(sessionId = 's1', more: object = {}): Promise<void> {
    world.socket.open();
    await settle();
    const fields = { userId: ALICE, deviceId: 'PHONE', sessionId, gracePeriodMs: 20_000, serverTime: at(Date.now() - NOW), ...more };
    world.socket.says('registered', fields);
    world.socket.last('register-user').ack({ ok: true, ...fields });
    await settle();
  }

  function status(callId: string, others: Record<string, object> = { [BOB]: {} }, started: string | null = null): void {
    const row = (userId: string, more: object) => ({ matrix_user_id: userId, status: 'ringing', audio_enabled: true, video_enabled: false, screen_enabled: false, ...more });
    const participants = [row(ALICE, { status: 'joined' }), ...Object.entries(others).map(([userId, more]) => row(userId, more))];
    world.server.on(`/api/calls/${callId}/status`, () => ({ body: { session: { initiator_id: ALICE, started_at: started }, participants } }));
  }

  function last(): Call {
    const call = client.snapshot.calls.at(-1);
    if (!call) throw new Error('there is no call');
    return call;
  }

  function phase(): string {
    const { phase: now, outcome } = last().snapshot;
    return outcome ? `${now}: ${outcome}` : now;
  }

  client.start();
  await register();
  return phone;
}

export type Phone = Awaited<ReturnType<typeof stage>>;

/** Alice calls, and the server says yes. */
export async function dial(phone: Phone, callId = 'c1', delivery = { live: 1, pending: 0, devices: 2 }): Promise<Call> {
  phone.server.on('/api/calls/initiate', () => ({ status: 201, body: initiated(callId, delivery) }));
  phone.status(callId);
  const call = phone.client.call('!room', { type: 'voice' });
  await settle();
  await settle();
  return call;
}

export const initiated = (callId: string, delivery = { live: 1, pending: 0, devices: 2 }) => ({
  callId,
  roomId: '!room',
  callType: 'voice',
  status: 'ringing',
  iceServers: ICE,
  expiresAt: at(60_000),
  delivery,
});

export const ring = (callId: string, more: object = {}) => ({
  eventType: 'incoming_call',
  callId,
  callType: 'voice',
  roomId: '!room',
  callerName: 'Bob',
  callerId: BOB,
  initiatorId: BOB,
  iceServers: [],
  baseUrl: 'http://ring',
  expiresAt: at(60_000),
  createdAt: at(0),
  ...more,
});

export const entered = (callId: string, status = 'active') => ({ callId, status, roomId: '!room', callType: 'voice', iceServers: ICE });

/** Alice answers Bob's call and is in it. */
export async function answer(phone: Phone, callId = 'c1'): Promise<Call> {
  phone.socket.says('incoming-call', ring(callId));
  phone.server.on(`/api/calls/${callId}/answer`, () => ({ body: entered(callId) }));
  phone.status(callId, { [BOB]: { status: 'joined' } });
  const call = phone.last();
  void call.accept();
  await settle();
  phone.socket.last('join-call').ack({ ok: true, ...entered(callId) });
  await settle();
  return call;
}
