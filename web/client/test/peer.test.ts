import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Media } from '../src/media.js';
import { Mesh, type Signalled } from '../src/mesh.js';
import { fingerprint, mids, readCandidate, readDescription } from '../src/sdp.js';
import { browser, FakePeerConnection, sdpOf, settle } from './fakes.js';
import { ALICE, BOB, ICE } from './stage.js';

interface Sent {
  name: string;
  targetUserId?: string;
  targetDeviceId?: string;
  offer?: { sdp: string; mark: string };
  answer?: { sdp: string; mark?: string };
}

/** Alice's half of a call; what she sends is in `sent`. */
function mesh(userId = ALICE) {
  const sent: Sent[] = [];
  const freshIce = vi.fn(async () => ({ iceServers: [{ urls: ['turn:fresh'] }], ttl: 3600 }));
  const ask = async (name: string, data: object): Promise<object> => (sent.push({ name, ...data }), {});
  const media = new Media('voice');
  const made = new Mesh({ callId: 'c1', userId, deviceId: 'PHONE', withVideo: false, media, rtc: {}, iceServers: ICE, freshIce, ask, changed: () => {} });
  const from = { callId: 'c1', fromUserId: BOB, fromDeviceId: 'DESK' };
  const hear = async (signal: Pick<Signalled, 'name'> & { data: object }) => {
    made.signal({ name: signal.name, data: { ...from, ...signal.data } } as Signalled);
    await settle();
  };
  const offer = (sdp: string, mark?: string) => hear({ name: 'webrtc-offer', data: { offer: { type: 'offer', sdp, mark } } });
  const answer = (sdp: string, mark?: string) => hear({ name: 'webrtc-answer', data: { answer: { type: 'answer', sdp, mark } } });
  const candidate = (line: unknown) => hear({ name: 'ice-candidate', data: { candidate: line } });
  const last = (name: string) => sent.findLast((one) => one.name === name);
  return { mesh: made, media, sent, freshIce, offer, answer, candidate, last, pc: () => FakePeerConnection.last };
}

beforeEach(() => {
  vi.useFakeTimers();
  browser();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('negotiating', () => {
  it('offers to a device that joins, and to nobody else', async () => {
    const { mesh: own, sent } = mesh();
    own.joined(BOB, 'DESK');
    own.joined(ALICE, 'TABLET');
    await settle();
    expect(sent).toMatchObject([{ name: 'webrtc-offer', targetUserId: BOB, targetDeviceId: 'DESK' }]);
  });

  it('answers an offer, and repeats its mark', async () => {
    const { offer, last } = mesh();
    await offer(sdpOf('bob'), 'm1');
    expect(last('webrtc-answer')).toMatchObject({ targetUserId: BOB, targetDeviceId: 'DESK', answer: { type: 'answer', mark: 'm1' } });
    expect(last('webrtc-offer')).toBeUndefined();
  });

  it('answers an offer once that comes twice', async () => {
    const { offer, sent } = mesh();
    await offer(sdpOf('bob'));
    await offer(sdpOf('bob'));
    expect(sent.filter(({ name }) => name === 'webrtc-answer')).toHaveLength(1);
  });

  it('keeps candidates until there is a description, and drops what is none', async () => {
    const { mesh: own, answer, candidate, last, pc } = mesh();
    own.joined(BOB, 'DESK');
    await settle();
    await candidate({ candidate: 'candidate:1', sdpMid: '0' });
    await candidate(null);
    await candidate('candidate:2');
    await candidate({ candidate: '' });
    expect(pc().candidates).toEqual([]);
    await answer(sdpOf('bob'), last('webrtc-offer')?.offer?.mark);
    expect(pc().candidates).toEqual([{ candidate: 'candidate:1', sdpMid: '0' }, { candidate: 'candidate:2', sdpMLineIndex: 0 }]);
  });

  it('takes no answer to an offer that does not stand any more', async () => {
    const { mesh: own, answer, last, pc } = mesh();
    own.joined(BOB, 'DESK');
    await settle();
    await answer(sdpOf('bob'), 'older');
    expect(pc().remoteDescription).toBeNull();
    await answer(sdpOf('bob'), last('webrtc-offer')?.offer?.mark);
    expect(pc().remoteDescription).not.toBeNull();
  });

  it('takes an answer without a mark, from other clients', async () => {
    const { mesh: own, answer, pc } = mesh();
    own.joined(BOB, 'DESK');
    await settle();
    await answer(sdpOf('bob'));
    expect(pc().remoteDescription).not.toBeNull();
  });

  it('gives way where both offer, if it is the polite one', async () => {
    const { mesh: own, offer, last } = mesh(ALICE); // "@alice…" < "@bob…"
    own.joined(BOB, 'DESK');
    await settle();
    await offer(sdpOf('bob'), 'his');
    expect(last('webrtc-answer')?.answer?.mark).toBe('his');
  });

  it('stands by its offer, if it is not', async () => {
    const { mesh: own, offer, answer, last, pc } = mesh('@zoe:localhost');
    own.joined(BOB, 'DESK');
    await settle();
    await offer(sdpOf('bob'), 'his');
    expect(last('webrtc-answer')).toBeUndefined();
    await answer(sdpOf('bob'), last('webrtc-offer')?.offer?.mark);
    expect(pc().signalingState).toBe('stable');
  });

  it('asks the other of ours for a new line, once, and offers itself to other clients', async () => {
    const camera = { getTracks: () => [{ kind: 'video', enabled: true }] };
    const ours = mesh();
    await ours.offer(sdpOf('bob'), 'm1');
    vi.spyOn(ours.media, 'track').mockImplementation((slot) => (slot === 'camera' ? (camera.getTracks()[0] as unknown as MediaStreamTrack) : null));
    ours.media.onTrack('camera', null);
    ours.media.onTrack('camera', null);
    await settle();
    expect(ours.sent.filter(({ name }) => name === 'webrtc-offer')).toMatchObject([{ targetDeviceId: 'DESK', offer: { type: 'request', lines: 1 } }]);
    const foreign = mesh();
    await foreign.offer(sdpOf('bob'));
    vi.spyOn(foreign.media, 'track').mockImplementation((slot) => (slot === 'camera' ? (camera.getTracks()[0] as unknown as MediaStreamTrack) : null));
    foreign.media.onTrack('camera', null);
    await settle();
    expect(foreign.last('webrtc-offer')).toMatchObject({ offer: { type: 'offer' } });
  });

  it('offers the line that it is asked for', async () => {
    const { mesh: own, answer, last, sent } = mesh('@zoe:localhost');
    own.joined(BOB, 'DESK');
    await settle();
    await answer(sdpOf('bob'), last('webrtc-offer')?.offer?.mark);
    own.signal({ name: 'webrtc-offer', data: { callId: 'c1', fromUserId: BOB, fromDeviceId: 'DESK', offer: { type: 'request', lines: 1 } as never } });
    await settle();
    expect(FakePeerConnection.last.getTransceivers()).toHaveLength(2);
    expect(sent.filter(({ name }) => name === 'webrtc-offer')).toHaveLength(2);
  });

  it('begins anew with a page that began anew', async () => {
    const { offer, sent } = mesh();
    await offer(sdpOf('bob'));
    await offer(sdpOf('bob-reloaded'));
    expect(FakePeerConnection.all).toHaveLength(2);
    expect(FakePeerConnection.all[0]?.isClosed).toBe(true);
    expect(sent.filter(({ name }) => name === 'webrtc-answer')).toHaveLength(2);
  });

  it('goes on with the same connection when the same page offers again', async () => {
    const { offer } = mesh();
    await offer(sdpOf('bob', 1));
    await offer(sdpOf('bob', 2));
    expect(FakePeerConnection.all).toHaveLength(1);
  });

  it('offers anew to a device that is back and knows nothing', async () => {
    const { mesh: own, offer, last } = mesh();
    await offer(sdpOf('bob'));
    own.joined(BOB, 'DESK');
    await settle();
    expect(FakePeerConnection.all).toHaveLength(2);
    expect(last('webrtc-offer')).toMatchObject({ targetDeviceId: 'DESK' });
  });
});

describe('offering before anybody has answered', () => {
  it('belongs to the device that answers; another one that came gets an offer of its own', async () => {
    const { mesh: own, answer, sent, last } = mesh();
    own.offerEarly(BOB);
    await settle();
    expect(last('webrtc-offer')?.targetDeviceId).toBeUndefined();
    own.joined(BOB, 'TABLET');
    own.joined(BOB, 'DESK');
    expect(own.snapshots()).toEqual([]);
    await answer(sdpOf('bob'), last('webrtc-offer')?.offer?.mark);
    await settle();
    expect(own.snapshots().map(({ id }) => id)).toEqual([`${BOB}|DESK`, `${BOB}|TABLET`]);
    expect(sent.filter(({ name }) => name === 'webrtc-offer').map(({ targetDeviceId }) => targetDeviceId)).toEqual([undefined, 'TABLET']);
  });

  it('offers anew when whoever came does not answer it', async () => {
    const { mesh: own, last } = mesh();
    own.offerEarly(BOB);
    own.joined(BOB, 'DESK');
    await vi.advanceTimersByTimeAsync(5100);
    expect(last('webrtc-offer')?.targetDeviceId).toBe('DESK');
  });

  it('a newcomer offers itself where nobody does', async () => {
    const { mesh: own, last } = mesh();
    own.expect(() => [ALICE, BOB]);
    await vi.advanceTimersByTimeAsync(5900);
    expect(last('webrtc-offer')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(200);
    expect(last('webrtc-offer')).toMatchObject({ targetUserId: BOB });
  });
});

describe('repairing', () => {
  const connected = async () => {
    const made = mesh('@zoe:localhost');
    made.mesh.joined(BOB, 'DESK');
    await settle();
    await made.answer(sdpOf('bob'), made.last('webrtc-offer')?.offer?.mark);
    made.pc().becomes('connected');
    return made;
  };

  it('restarts ICE when the connection has failed, with new credentials if the old ones are old', async () => {
    const { pc, freshIce, mesh: own } = await connected();
    pc().becomes('failed');
    await vi.advanceTimersByTimeAsync(10);
    expect(pc().restarts).toBe(1);
    expect(freshIce).not.toHaveBeenCalled();
    expect(own.snapshots()[0]).toMatchObject({ state: 'reconnecting', quality: 'reconnecting' });
    pc().becomes('connected');
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    pc().becomes('failed');
    await vi.advanceTimersByTimeAsync(10);
    expect(freshIce).toHaveBeenCalledTimes(1);
    expect(pc().configuration.iceServers).toEqual([{ urls: ['turn:fresh'] }]);
  });

  it('waits a little for a connection that is only disturbed', async () => {
    const { pc } = await connected();
    pc().becomes('disconnected');
    await vi.advanceTimersByTimeAsync(1500);
    pc().becomes('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pc().restarts).toBe(0);
    pc().becomes('disconnected');
    await vi.advanceTimersByTimeAsync(2100);
    expect(pc().restarts).toBe(1);
  });

  it('begins anew when restarting does not help, and says that it has failed', async () => {
    const { pc, mesh: own } = await connected();
    pc().becomes('failed');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(FakePeerConnection.all.length).toBeGreaterThan(1);
    expect(own.snapshots()[0]?.state).toBe('failed');
    pc().becomes('connected');
    expect(own.snapshots()[0]?.state).toBe('connected');
  });

  it('restarts ICE on another network though nothing seems wrong', async () => {
    const { pc, mesh: own } = await connected();
    own.networkChanged();
    await settle();
    expect(pc().restarts).toBe(1);
    expect(own.snapshots()[0]?.state).toBe('connected');
  });

  it('does nothing any more once it is closed', async () => {
    const { pc, mesh: own, sent } = await connected();
    const before = sent.length;
    own.close();
    pc().becomes('failed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(before);
    expect(pc().isClosed).toBe(true);
  });
});

describe('what other clients send', () => {
  it('reads descriptions as objects, as JSON and as bare SDP', () => {
    const sdp = 'v=0\r\n';
    for (const raw of [{ type: 'offer', sdp } as const, JSON.stringify({ type: 'offer', sdp }), sdp]) expect(readDescription('offer', raw)).toEqual({ type: 'offer', sdp });
    for (const raw of ['', '{', 'hello', {} as RTCSessionDescriptionInit, null as never]) expect(readDescription('offer', raw)).toBeNull();
  });

  it('reads candidates as objects and as bare lines', () => {
    expect(readCandidate({ candidate: 'c', sdpMid: 'a' })).toEqual({ candidate: 'c', sdpMid: 'a' });
    expect(readCandidate('c')).toEqual({ candidate: 'c', sdpMLineIndex: 0 });
    for (const raw of [null, '', { candidate: '' }, 7 as never]) expect(readCandidate(raw)).toBeNull();
  });

  it('finds the identity and the order of the lines', () => {
    expect(fingerprint('a=x\r\na=fingerprint:sha-256 AB:CD\r\n')).toBe('sha-256 ab:cd');
    expect(fingerprint('v=0')).toBeNull();
    expect(mids('m=audio\r\na=mid:0\r\nm=video\r\na=mid:cam\r\n')).toEqual(['0', 'cam']);
  });
});
