import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakePeerConnection, settle } from './fakes.js';
import { ALICE, answer, at, BOB, dial, entered, hold, initiated, ring, stage } from './stage.js';

vi.mock('socket.io-client', () => ({ io: () => hold.socket }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const participant = (userId: string, status: string, devices: string[] = []) => ({ userId, status, audioEnabled: true, videoEnabled: false, screenEnabled: false, devices });
const listed = (callId: string, participants: object[], status = 'active') => ({ callId, roomId: '!room', callType: 'voice', status, initiatorId: BOB, createdAt: at(0), expiresAt: at(60_000), participants });

describe('calling', () => {
  it('rings, is answered, and ends', async () => {
    const phone = await stage();
    const call = await dial(phone);
    expect(call.snapshot).toMatchObject({ phase: 'ringing', callId: 'c1', ringingDevices: 2, pendingUsers: 0, isGroup: false, others: [{ userId: BOB, status: 'ringing' }] });
    phone.socket.says('call-answered', { callId: 'c1', answeredBy: BOB });
    phone.socket.says('user-joined', { callId: 'c1', userId: BOB, deviceId: 'DESK' });
    expect(phone.phase()).toBe('connecting');
    phone.socket.says('webrtc-answer', { callId: 'c1', fromUserId: BOB, fromDeviceId: 'DESK', answer: { type: 'answer', sdp: 'v=0\r\n' } });
    await settle();
    FakePeerConnection.last.becomes('connected');
    expect(call.snapshot).toMatchObject({ phase: 'connected', peers: [{ id: `${BOB}|DESK`, state: 'connected' }] });
    phone.socket.says('call-ended', { callId: 'c1', endedBy: BOB, reason: 'hangup' });
    expect(phone.phase()).toBe('over: ended');
    expect(FakePeerConnection.last.isClosed).toBe(true);
    expect(phone.devices.opened.every(({ readyState }) => readyState === 'ended')).toBe(true);
    expect(phone.client.snapshot.calls).toEqual([call]);
    call.dismiss();
    expect(phone.client.snapshot.calls).toEqual([]);
  });

  it('hears what comes before the answer to its request', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    phone.server.on('/api/calls/initiate', () => new Promise((resolve) => (release = () => resolve({ status: 201, body: initiated('c1') }))));
    phone.status('c1');
    const call = phone.client.call('!room', { type: 'voice' });
    await settle();
    phone.socket.says('callee-busy', { callId: 'c1', userId: BOB });
    phone.socket.says('call-answered', { callId: 'c1', answeredBy: BOB });
    expect(phone.phase()).toBe('calling');
    release(null);
    await settle();
    expect(call.snapshot).toMatchObject({ phase: 'connecting', busy: true });
    expect(call.snapshot.answeredAt).not.toBeNull();
  });

  it('cancelled while the request is under way, it is ended when its id is known', async () => {
    const phone = await stage();
    let tries = 0;
    phone.server.on('/api/calls/initiate', () => {
      tries += 1;
      if (tries === 1) throw new TypeError('Failed to fetch'); // it may have arrived all the same
      return { status: 201, body: initiated('c1') };
    });
    phone.server.on('/api/calls/c1/end', () => ({ body: { status: 'ended' } }));
    const call = phone.client.call('!room', { type: 'voice' });
    await call.hangUp();
    expect(phone.phase()).toBe('over: cancelled');
    await vi.advanceTimersByTimeAsync(2000);
    const keys = phone.server.asked('/api/calls/initiate').map(({ headers }) => headers['Idempotency-Key']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(phone.server.asked('/api/calls/c1/end')).toHaveLength(1);
    expect(phone.phase()).toBe('over: cancelled');
  });

  it('answers the other’s call when both dial at once', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    const refused = { status: 409, body: { errcode: 'RINGBACK_CALL_EXISTS', error: 'Answer that one.', callId: 'theirs' } };
    phone.server.on('/api/calls/initiate', () => new Promise((resolve) => (release = () => resolve(refused))));
    phone.server.on('/api/calls/theirs/answer', () => ({ body: entered('theirs') }));
    phone.status('theirs', { [BOB]: { status: 'joined' } });
    phone.client.call('!room', { type: 'voice' });
    await settle();
    phone.socket.says('incoming-call', ring('theirs'));
    expect(phone.heard).toEqual([]);
    release(null);
    await settle();
    expect(phone.server.asked('/api/calls/theirs/answer')[0]?.body).toEqual({ sessionId: 's1' });
    phone.socket.last('join-call').ack({ ok: true, ...entered('theirs') });
    await settle();
    expect(phone.client.snapshot.calls).toHaveLength(1);
    expect(phone.phase()).toBe('connecting');
    expect(phone.heard).toEqual([]);
  });

  it('joins where the room’s call is answered already', async () => {
    const phone = await stage();
    phone.server.on('/api/calls/initiate', () => ({ status: 409, body: { errcode: 'RINGBACK_CALL_EXISTS', error: '', callId: 'g' } }));
    phone.server.on('/api/calls/g/answer', () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: '' } }));
    phone.client.call('!room', { type: 'voice' });
    await settle();
    phone.socket.last('join-call').ack({ ok: true, ...entered('g') });
    await settle();
    expect(phone.phase()).toBe('connecting');
  });

  it('lets a ring through that was held back, when dialling has failed', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    phone.server.on('/api/calls/initiate', () => new Promise((resolve) => (release = () => resolve({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Wait.', retry_after_ms: 6000 } }))));
    const call = phone.client.call('!room', { type: 'voice' });
    await settle();
    phone.socket.says('incoming-call', ring('theirs'));
    release(null);
    await settle();
    expect(call.snapshot).toMatchObject({ phase: 'over', outcome: 'failed', error: { errcode: 'M_LIMIT_EXCEEDED', retryAfterMs: 6000, status: 429 } });
    expect(phone.phase()).toBe('incoming');
  });

  it('waits for the end of its own last call before it dials again', async () => {
    const phone = await stage();
    const call = await dial(phone);
    let release = (_: unknown) => {};
    phone.server.on('/api/calls/c1/end', () => new Promise((resolve) => (release = () => resolve({ body: { status: 'ended' } }))));
    void call.hangUp();
    let tries = 0;
    phone.status('c2');
    phone.server.on('/api/calls/initiate', () => ((tries += 1) === 1 ? { status: 409, body: { errcode: 'RINGBACK_CALL_EXISTS', error: '', callId: 'c1' } } : { status: 201, body: initiated('c2') }));
    phone.client.call('!room', { type: 'voice' });
    await settle();
    expect(phone.phase()).toBe('calling');
    release(null);
    await settle();
    await settle();
    expect(phone.last().snapshot).toMatchObject({ callId: 'c2', phase: 'ringing' });
  });

  const ends: [string, object, string, { live: number; pending: number; devices: number }?][] = [
    ['rejected', { reason: 'rejected' }, 'rejected'],
    ['timed out', { reason: 'timeout' }, 'missed'],
    ['timed out with nobody connected', { reason: 'timeout' }, 'unreachable', { live: 0, pending: 1, devices: 0 }],
    ['cancelled by another device', { reason: 'cancelled' }, 'cancelled'],
  ];
  it.each(ends)('%s', async (_, fields, outcome, delivery) => {
    const phone = await stage();
    await dial(phone, 'c1', delivery);
    phone.socket.says('call-ended', { callId: 'c1', endedBy: 'system', ...fields });
    expect(phone.phase()).toBe(`over: ${outcome}`);
  });

  it('says busy when that is why it was rejected', async () => {
    const phone = await stage();
    await dial(phone);
    phone.socket.says('call-rejected', { callId: 'c1', rejectedBy: BOB, reason: 'busy' });
    phone.socket.says('call-ended', { callId: 'c1', endedBy: BOB, reason: 'rejected' });
    expect(phone.phase()).toBe('over: busy');
  });

  it('stops ringing by itself when nobody says so', async () => {
    const phone = await stage();
    await dial(phone);
    await vi.advanceTimersByTimeAsync(61_000);
    expect(phone.phase()).toBe('ringing');
    await vi.advanceTimersByTimeAsync(1000);
    expect(phone.phase()).toBe('over: missed');
  });
});

describe('being called', () => {
  it('rings once, however often it is told', async () => {
    const phone = await stage();
    phone.socket.says('incoming-call', ring('c1'));
    phone.socket.says('incoming-call', ring('c1'));
    expect(phone.heard).toEqual(['incoming']);
    expect(phone.last().snapshot).toMatchObject({ phase: 'incoming', callerName: 'Bob', initiatorId: BOB, direction: 'incoming' });
  });

  it('answers with its session, and takes part once the server has it', async () => {
    const phone = await stage();
    const call = await answer(phone);
    expect(phone.server.asked('/api/calls/c1/answer')[0]?.body).toEqual({ sessionId: 's1' });
    expect(phone.heard).toEqual(['incoming', 'stopped-ringing']);
    expect(call.snapshot).toMatchObject({ phase: 'connecting', others: [{ userId: BOB, status: 'joined' }] });
  });

  it('keeps signals that come before the answer to its request', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    phone.socket.says('incoming-call', ring('c1'));
    phone.server.on('/api/calls/c1/answer', () => new Promise((resolve) => (release = () => resolve({ body: entered('c1') }))));
    void phone.last().accept();
    await settle();
    phone.socket.says('webrtc-offer', { callId: 'c1', fromUserId: BOB, fromDeviceId: 'DESK', offer: { type: 'offer', sdp: 'v=0\r\n' } });
    expect(FakePeerConnection.all).toHaveLength(0);
    release(null);
    await settle();
    await settle();
    expect(phone.socket.names()).toContain('webrtc-answer');
    expect(FakePeerConnection.last.configuration.iceServers).toEqual([{ urls: ['turn:127.0.0.1'], username: 'u', credential: 'c' }]);
  });

  it('is answered on another device', async () => {
    const phone = await stage();
    phone.socket.says('incoming-call', ring('c1'));
    phone.socket.says('call-handled-elsewhere', { callId: 'c1', action: 'answered' });
    expect(phone.phase()).toBe('over: answered-elsewhere');
    expect(phone.heard).toEqual(['incoming', 'stopped-ringing', 'over']);
  });

  it('ignores in a call what was before it came in', async () => {
    const phone = await stage();
    await answer(phone);
    phone.socket.says('call-handled-elsewhere', { callId: 'c1', action: 'answered' });
    expect(phone.phase()).toBe('connecting');
  });

  const late: [string, string][] = [['active', 'answered-elsewhere'], ['missed', 'missed'], ['ended', 'cancelled'], ['rejected', 'rejected-elsewhere']];
  it.each(late)('answers too late: the call is %s', async (status, outcome) => {
    const phone = await stage();
    phone.socket.says('incoming-call', ring('c1'));
    phone.server.on('/api/calls/c1/answer', () => ({ status: 409, body: { errcode: 'RINGBACK_CALL_STATE', error: '', status } }));
    await expect(phone.last().accept()).rejects.toMatchObject({ callStatus: status });
    expect(phone.phase()).toBe(`over: ${outcome}`);
    expect(phone.devices.opened.every(({ readyState }) => readyState === 'ended')).toBe(true);
  });

  it('is over while its answer is under way, and stays so', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    phone.socket.says('incoming-call', ring('c1'));
    phone.server.on('/api/calls/c1/answer', () => new Promise((resolve) => (release = () => resolve({ body: entered('c1') }))));
    const accepting = phone.last().accept();
    await settle();
    phone.socket.says('call-ended', { callId: 'c1', endedBy: BOB, reason: 'cancelled' });
    release(null);
    await accepting;
    expect(phone.phase()).toBe('over: cancelled');
    expect(phone.socket.names()).not.toContain('join-call');
    expect(phone.server.asked('/api/calls/c1/end')).toHaveLength(0);
  });

  it('hung up while its answer is under way, it is ended once more after that', async () => {
    const phone = await stage();
    let release = (_: unknown) => {};
    phone.socket.says('incoming-call', ring('c1'));
    phone.server.on('/api/calls/c1/end', () => ({ body: { status: 'ended' } }));
    phone.server.on('/api/calls/c1/answer', () => new Promise((resolve) => (release = () => resolve({ body: entered('c1') }))));
    const accepting = phone.last().accept();
    await settle();
    await phone.last().hangUp();
    release(null);
    await accepting;
    await settle();
    expect(phone.server.asked('/api/calls/c1/end')).toHaveLength(2);
  });

  it('does not ring again for what it has rejected, but for a later invitation', async () => {
    const phone = await stage();
    phone.server.on('/api/calls/c1/reject', () => ({ body: { status: 'rejected' } }));
    phone.socket.says('incoming-call', ring('c1'));
    await phone.last().reject('busy');
    expect(phone.server.asked('/api/calls/c1/reject')[0]?.body).toEqual({ sessionId: 's1', reason: 'busy' });
    phone.socket.says('incoming-call', ring('c1'));
    expect(phone.phase()).toBe('over: rejected');
    phone.socket.says('incoming-call', ring('c1', { expiresAt: at(90_000) }));
    expect(phone.phase()).toBe('incoming');
  });

  it('stops ringing by the server’s clock, not by its own', async () => {
    const phone = await stage();
    phone.socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    await phone.register('s1', { serverTime: at(100_000) });
    phone.socket.says('incoming-call', ring('c1', { expiresAt: at(110_000) }));
    await vi.advanceTimersByTimeAsync(9000);
    expect(phone.phase()).toBe('incoming');
    await vi.advanceTimersByTimeAsync(3000);
    expect(phone.phase()).toBe('over: missed');
  });
});

describe('coming back', () => {
  it('comes in again with a new session', async () => {
    const phone = await stage();
    await answer(phone);
    phone.socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    await phone.register('s2');
    phone.socket.says('resync', { calls: [listed('c1', [participant(ALICE, 'joined', ['PHONE']), participant(BOB, 'joined', ['DESK'])])] });
    await settle();
    expect(phone.socket.last('join-call').data).toEqual({ callId: 'c1' });
    expect(phone.phase()).toBe('connecting');
  });

  it('is out of what the server does not name', async () => {
    const phone = await stage();
    await answer(phone);
    phone.socket.drop();
    await vi.advanceTimersByTimeAsync(1000);
    await phone.register('s2');
    phone.socket.says('resync', { calls: [] });
    expect(phone.last().snapshot.phase).toBe('over');
  });

  it('does not come back into what was hung up while the server was away', async () => {
    const phone = await stage();
    const call = await answer(phone);
    phone.socket.drop();
    let isAway = true;
    phone.server.on('/api/calls/c1/end', () => {
      if (isAway) throw new TypeError('Failed to fetch');
      return { body: { status: 'ended' } };
    });
    void call.hangUp();
    await vi.advanceTimersByTimeAsync(1000);
    isAway = false;
    await phone.register('s2');
    phone.socket.says('resync', { calls: [listed('c1', [participant(ALICE, 'joined', ['PHONE']), participant(BOB, 'joined', ['DESK'])])] });
    await settle();
    expect(phone.phase()).toBe('over: ended');
    expect(phone.client.snapshot.calls).toHaveLength(1);
    expect(phone.server.asked('/api/calls/c1/end').length).toBeGreaterThan(1);
  });

  it('offers to rejoin what this device is in, and to take over what another one is in', async () => {
    const phone = await stage();
    const ours = listed('c1', [participant(ALICE, 'joined', ['PHONE'])]);
    const elsewhere = listed('c2', [participant(ALICE, 'joined', ['DESK']), participant(BOB, 'joined', ['B'])]);
    phone.socket.says('resync', { calls: [ours, elsewhere, listed('c3', [participant(ALICE, 'ringing')], 'ringing')] });
    expect(phone.client.snapshot.calls.map(({ snapshot }) => snapshot.phase)).toEqual(['rejoinable', 'elsewhere']);
    expect(phone.heard).toEqual([]);
  });

  it('rejoins by itself after a reload, muted as it was', async () => {
    const phone = await stage();
    sessionStorage.setItem('ringback-call', JSON.stringify({ callId: 'c1', roomId: '!room', audio: false, video: false }));
    phone.socket.says('resync', { calls: [listed('c1', [participant(ALICE, 'joined', ['PHONE']), participant(BOB, 'joined', ['B'])])] });
    await settle();
    expect(phone.socket.last('join-call').data).toEqual({ callId: 'c1' });
    phone.status('c1', { [BOB]: { status: 'joined' } });
    phone.socket.last('join-call').ack({ ok: true, ...entered('c1') });
    await settle();
    expect(phone.last().snapshot).toMatchObject({ phase: 'connecting', local: { microphoneOn: false } });
    expect(phone.socket.last('toggle-audio').data).toEqual({ callId: 'c1', enabled: false });
  });

  it('hands the call over to another device of the user', async () => {
    const phone = await stage();
    await answer(phone);
    phone.server.on('/api/calls/c1/leave', () => ({ body: { status: 'active' } }));
    phone.socket.says('user-joined', { callId: 'c1', userId: ALICE, deviceId: 'TABLET' });
    await settle();
    expect(phone.phase()).toBe('over: answered-elsewhere');
    expect(phone.server.asked('/api/calls/c1/leave')[0]?.body).toEqual({ sessionId: 's1' });
  });
});
