/** Every state of a call, by a name that stands in the address: `?scene=grid4`. */
import type { CallSnapshot, LocalMedia, PeerSnapshot, QualityNumbers } from 'ringback-client';
import { FakeCall, me, noMedia, peer, snapshot } from './fakes';
import { desktop, person } from './pictures';

const [bob, carol, dave, erin, frank] = ['@bob:example.org', '@carol:example.org', '@dave:example.org', '@erin:example.org', '@frank:example.org'];
const group = { roomId: '!garden:example.org', isGroup: true } as const;
const joined = (...userIds: string[]) => userIds.map((userId) => ({ userId, status: 'joined' as const }));
const answeredAt = Date.now() - 187_000;

const numbers: QualityNumbers = {
  rttMs: 38.4,
  lossPercent: 0.2,
  jitterMs: 4.1,
  receiveKbps: 1834,
  sendKbps: 1720,
  framesPerSecond: 30,
  width: 1280,
  height: 720,
  localCandidate: 'host',
  remoteCandidate: 'srflx',
  protocol: 'udp',
  framesDecoded: 5120,
  audioBytes: 184_000,
};

const filmed = (hue = 210): LocalMedia => ({ ...noMedia, camera: person(hue), cameraOn: true, canSwitchCamera: true });
const seen = (userId: string, hue: number, some: Partial<PeerSnapshot> = {}) => peer(userId, { camera: person(hue), cameraOn: true, numbers, ...some });
const one = (some: Partial<CallSnapshot>) => () => [new FakeCall(snapshot(some))];
const pair = (some: Partial<CallSnapshot> = {}, other: Partial<PeerSnapshot> = {}) => () => [
  new FakeCall(snapshot({ answeredAt, others: joined(bob), local: filmed(), peers: [seen(bob, 30, other)], ...some })),
];
const many = (peers: () => PeerSnapshot[], some: Partial<CallSnapshot> = {}) => () => {
  const all = peers();
  return [new FakeCall(snapshot({ ...group, answeredAt, local: filmed(), peers: all, others: joined(...all.map(({ userId }) => userId)), ...some }))];
};
const over = (outcome: CallSnapshot['outcome'], some: Partial<CallSnapshot> = {}) => one({ phase: 'over', outcome, ...some });
const incoming = (some: Partial<CallSnapshot> = {}) => new FakeCall(snapshot({ direction: 'incoming', phase: 'incoming', ...some }));
const refused = (errcode: string, message: string, more: object = {}) => Object.assign(new Error(message), { errcode, ...more });
const problem = (device: 'microphone' | 'camera' | 'screen', reason: 'denied' | 'not-found' | 'in-use') => ({ device, reason, detail: 'NotAllowedError: Permission denied' });

export const scenes: Record<string, () => FakeCall[]> = {
  'incoming-video': () => [incoming()],
  'incoming-voice': () => [incoming({ type: 'voice' })],
  'incoming-group': () => [incoming({ ...group, initiatorId: erin })],
  'incoming-many': () => [incoming(), incoming({ callId: '1'.repeat(32), ...group, initiatorId: carol, type: 'voice' }), incoming({ callId: '2'.repeat(32), ...group, initiatorId: erin })],
  'incoming-busy': () => [...pair()(), incoming({ callId: '1'.repeat(32), ...group, initiatorId: erin, busy: true })],
  calling: one({ phase: 'calling', callId: null, local: noMedia }),
  ringing: one({ phase: 'ringing', ringingDevices: 2, local: filmed() }),
  'ringing-voice': one({ phase: 'ringing', ringingDevices: 1, type: 'voice' }),
  'ringing-pending': one({ phase: 'ringing', pendingUsers: 1, type: 'voice' }),
  'ringing-group': one({ ...group, phase: 'ringing', ringingDevices: 7, local: filmed(), others: [bob, carol, dave, erin].map((userId) => ({ userId, status: 'ringing' as const })) }),
  connecting: one({ phase: 'connecting', local: filmed(), others: joined(bob) }),
  pair: pair(),
  'pair-connecting': pair({ phase: 'connecting', answeredAt: null }, { state: 'connecting', cameraOn: false, quality: 'unknown' }),
  'pair-muted': pair({ local: { ...filmed(), microphoneOn: false } }, { microphoneOn: false, cameraOn: false }),
  'pair-weak': pair({}, { quality: 'weak' }),
  'pair-reconnecting': pair({ phase: 'reconnecting' }, { state: 'reconnecting', quality: 'reconnecting' }),
  'pair-screen': pair({}, { screen: desktop(), screenOn: true }),
  'pair-sharing': pair({ local: { ...filmed(), screenOn: true } }),
  'pair-denied': pair({ local: { ...noMedia, problem: problem('camera', 'denied') } }),
  'pair-no-microphone': pair({ local: { ...filmed(), microphoneOn: false, problem: problem('microphone', 'not-found') } }),
  voice: pair({ type: 'voice', local: noMedia }, { cameraOn: false }),
  alone: one({ ...group, answeredAt, local: filmed(), others: [{ userId: bob, status: 'left' }] }),
  grid3: many(() => [seen(bob, 30), seen(carol, 120)]),
  grid4: many(() => [seen(bob, 30), seen(carol, 120, { microphoneOn: false }), peer(dave, { microphoneOn: false })]),
  grid5: many(() => [seen(bob, 30), seen(carol, 120), peer(dave), seen(erin, 280, { quality: 'weak' })]),
  grid6: many(() => [seen(bob, 30), seen(carol, 120), peer(dave, { state: 'connecting', quality: 'unknown' }), seen(erin, 280, { state: 'reconnecting' }), seen(frank, 0, { state: 'failed' })]),
  'grid3-ringing': many(() => [seen(bob, 30), seen(carol, 120)], {
    others: [...joined(bob, carol), { userId: dave, status: 'ringing' }, { userId: erin, status: 'ringing' }],
  }),
  'grid4-screen': many(() => [seen(bob, 30, { screen: desktop(), screenOn: true }), seen(carol, 120), peer(dave)]),
  'grid6-voice': many(() => [peer(bob), peer(carol), peer(dave, { microphoneOn: false }), peer(erin), peer(frank)], { type: 'voice', local: noMedia }),
  rejoinable: one({ phase: 'rejoinable', answeredAt }),
  elsewhere: one({ phase: 'elsewhere', answeredAt }),
  'over-ended': over('ended', { answeredAt, endedAt: Date.now() }),
  'over-declined': over('rejected'),
  'over-busy': over('busy'),
  'over-missed': over('missed'),
  'over-unreachable': over('unreachable'),
  'over-disconnected': over('disconnected', { answeredAt, endedAt: Date.now() }),
  'over-failed': over('failed', { error: refused('M_LIMIT_EXCEEDED', 'Too many calls', { retryAfterMs: 12_000 }) }),
  'over-exists': over('failed', { ...group, error: refused('RINGBACK_CALL_EXISTS', 'The room has a call', { callId: '3'.repeat(32) }) }),
  'note-missed': over('missed', { direction: 'incoming', initiatorId: bob }),
  'note-elsewhere': over('answered-elsewhere', { direction: 'incoming', initiatorId: bob }),
};

export { me };
