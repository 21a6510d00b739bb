import type { Slot } from './media.js';
import { fingerprint, type Mark, mids, readCandidate, readDescription, readRequest } from './sdp.js';
import { quality, read, type Reading } from './stats.js';
import type { PeerSnapshot, PeerState } from './types.js';
import type { Candidate, Description } from './wire.js';

export type SignalName = 'webrtc-offer' | 'webrtc-answer' | 'ice-candidate';

/** What a peer asks of the call that it belongs to. */
export interface PeerHost {
  readonly withVideo: boolean;
  configuration(): RTCConfiguration;
  /** New TURN credentials, where the present ones are old. */
  refreshIce(): Promise<void>;
  track(slot: Slot): MediaStreamTrack | null;
  /** Says which tracks belong together. */
  stream(slot: Slot): MediaStream;
  budget(): Budget;
  flags(userId: string): Flags;
  send(peer: Peer, name: SignalName, body: object): Promise<void>;
  changed(peer: Peer): void;
}

export interface Flags {
  audio: boolean;
  video: boolean;
}

/** Bits per second to one peer, and by how much the picture is made smaller. */
export interface Budget {
  camera: number;
  cameraScale: number;
  screen: number;
}

const STALLED_MS = 8000;
const DISCONNECTED_MS = 2000;
const FIRST_GOES_MS = 2500;
const FAILED_AFTER = 3;
const SLOTS = ['audio', 'camera', 'screen'] as const;

/**
 * The connection to one device: perfect negotiation (W3C WebRTC, section 10.7), slots for microphone, camera and screen by
 * the order of the m-lines, and repair. An offer with another DTLS identity is from a page that began anew: so do we.
 */
export class Peer {
  readonly userId: string;
  /** Null for an offer that waits for whoever answers, until its answer tells. */
  deviceId: string | null;
  readonly #host: PeerHost;
  readonly #selfId: string;
  #pc!: RTCPeerConnection;
  #makingOffer = false;
  #ignoresOffer = false;
  #offers = false;
  #mark = '';
  /** The other side is this package too: it understands requests. */
  #isOurs = false;
  /** Video lines that were asked for and have not come yet. */
  #requested = 0;
  #owesOffer = false;
  #restartsIce = false;
  #remoteIdentity: string | null = null;
  #candidates: RTCIceCandidateInit[] = [];
  #queue: Promise<void> = Promise.resolve();
  #streams = new Map<string, MediaStream>();
  #wasConnected = false;
  #repairs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Reading | null = null;
  #closed = false;

  constructor(host: PeerHost, selfId: string, userId: string, deviceId: string | null) {
    this.#host = host;
    this.#selfId = selfId;
    this.userId = userId;
    this.deviceId = deviceId;
    this.#open();
  }

  get id(): string {
    return `${this.userId}|${this.deviceId ?? ''}`;
  }

  get isConnected(): boolean {
    return this.#pc.connectionState === 'connected';
  }

  get hasRemote(): boolean {
    return this.#pc.remoteDescription !== null;
  }

  /** Opens the negotiation; without it the peer waits for an offer. */
  offer(): void {
    this.#offers = true;
    this.settle();
    this.#expectConnection();
  }

  /** Begins anew with a connection that knows nothing, and offers. */
  restart(): void {
    this.#reopen();
    this.offer();
  }

  onOffer(raw: Description): void {
    const lines = readRequest(raw);
    if (lines !== null) return this.#next(async () => this.#takeRequest(lines));
    const offer = readDescription('offer', raw);
    if (offer) this.#next(() => this.#takeOffer(offer));
  }

  onAnswer(raw: Description): void {
    const answer = readDescription('answer', raw);
    if (answer) this.#next(() => this.#takeAnswer(answer));
  }

  onCandidate(raw: Candidate['candidate']): void {
    const candidate = readCandidate(raw);
    if (candidate) this.#next(() => this.#takeCandidate(candidate));
  }

  /** Puts the tracks where they belong, with new m-lines where there are none yet; they are negotiated by themselves. */
  settle(): void {
    if (this.#closed || (!this.#offers && !this.hasRemote)) return;
    const has = (slot: Slot) => this.#host.track(slot) !== null;
    const lines = has('screen') ? 2 : has('camera') ? 1 : 0;
    if (this.#asks && lines > Math.max(this.#requested, this.#lines('video').length)) this.#request(lines);
    const first = !this.hasRemote && this.#host.withVideo;
    this.#fill('audio', true);
    // The first video line is the camera's: a screen alone must not take it.
    this.#fill('camera', has('camera') || has('screen') || first);
    this.#fill('screen', has('screen'));
    void this.applyBudget();
  }

  async applyBudget(): Promise<void> {
    const budget = this.#host.budget();
    await this.#limit(this.#transceiver('camera')?.sender, budget.camera, budget.cameraScale);
    await this.#limit(this.#transceiver('screen')?.sender, budget.screen, 1);
  }

  /** ICE once more, over whatever network there is now. */
  async repair(): Promise<void> {
    if (this.#closed) return;
    if (!this.isConnected) this.#repairs += 1;
    this.#host.changed(this);
    this.#expectConnection();
    const pc = this.#pc;
    await this.#host.refreshIce();
    if (this.#closed || pc !== this.#pc) return;
    // An offer that was lost, or a repair that did not help: begin anew.
    if (pc.signalingState !== 'stable' || (this.#repairs > 0 && this.#repairs % 3 === 0) || !this.hasRemote) return this.restart();
    pc.setConfiguration(this.#host.configuration());
    this.#restartsIce = true;
    pc.restartIce();
  }

  async readStats(): Promise<void> {
    if (!this.isConnected) return;
    const report = await this.#pc.getStats().catch(() => null);
    if (!report || this.#closed) return;
    this.#reading = read(report as unknown as Iterable<[string, unknown]>, this.#reading);
    this.#host.changed(this);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pc.close();
  }

  snapshot(): PeerSnapshot {
    const flags = this.#host.flags(this.userId);
    const [audio, camera, screen] = SLOTS.map((slot) => this.#received(slot)) as [MediaStream | null, MediaStream | null, MediaStream | null];
    const state = this.#state();
    const said = quality(state, this.#reading);
    return {
      id: this.id,
      userId: this.userId,
      deviceId: this.deviceId ?? '',
      audio,
      camera,
      screen,
      microphoneOn: flags.audio && audio !== null,
      cameraOn: flags.video && camera !== null,
      screenOn: screen !== null,
      state,
      // Somebody without microphone and camera sends nothing, and nothing is lost by that.
      quality: said === 'lost' && state === 'connected' && !flags.audio ? 'unknown' : said,
      numbers: this.#reading?.numbers ?? null,
    };
  }

  #state(): PeerState {
    if (this.isConnected) return 'connected';
    if (this.#repairs >= FAILED_AFTER) return 'failed';
    return this.#wasConnected ? 'reconnecting' : 'connecting';
  }

  #next(step: () => Promise<void>): void {
    // What a foreign client sends may make no sense to the browser; if no connection comes of it, `repair` begins anew.
    this.#queue = this.#queue.then(() => (this.#closed ? undefined : step())).catch(() => {});
  }

  #open(): void {
    const pc = connection(this.#host.configuration());
    this.#pc = pc;
    pc.onnegotiationneeded = () => void this.#makeOffer(pc);
    pc.onicecandidate = ({ candidate }) => {
      if (candidate && pc === this.#pc) void this.#host.send(this, 'ice-candidate', { candidate: candidate.toJSON() });
    };
    pc.onconnectionstatechange = () => pc === this.#pc && this.#connectionChanged();
    pc.ontrack = () => pc === this.#pc && this.#host.changed(this);
  }

  #reopen(): void {
    const old = this.#pc;
    this.#offers = this.#makingOffer = this.#ignoresOffer = this.#isOurs = this.#owesOffer = this.#restartsIce = false;
    this.#requested = 0;
    this.#remoteIdentity = null;
    this.#candidates = [];
    this.#reading = null;
    this.#open();
    old.close();
  }

  /** Both offered at once: by this one of the two gives way, and each side knows which. */
  get #isPolite(): boolean {
    return this.#selfId < this.id;
  }

  async #makeOffer(pc: RTCPeerConnection): Promise<void> {
    if (pc !== this.#pc || this.#closed) return;
    if (this.#asks && !this.#restartsIce) return this.#request(0);
    this.#restartsIce = false;
    try {
      this.#makingOffer = true;
      await pc.setLocalDescription();
      if (pc !== this.#pc || pc.localDescription?.type !== 'offer') return;
      this.#mark = Math.random().toString(36).slice(2);
      const offer = { type: 'offer', sdp: pc.localDescription.sdp, mark: this.#mark };
      void this.#host.send(this, 'webrtc-offer', { offer });
    } catch {
      // The connection was closed meanwhile, or there are two offers at once: that one is answered.
    } finally {
      if (pc === this.#pc) this.#makingOffer = false;
    }
  }

  /**
   * Once two of ours have agreed, one alone offers what is new; the other asks for it. Two offers that cross could be settled by
   * rolling one back, but in Chromium 156 a line that was rolled back may stay muted for good.
   */
  get #asks(): boolean {
    return this.#isPolite && this.#isOurs && this.hasRemote;
  }

  /** For so many video lines; 0 where a line that is there changes its direction. */
  #request(lines: number): void {
    this.#requested = Math.max(this.#requested, lines);
    void this.#host.send(this, 'webrtc-offer', { offer: { type: 'request', lines: this.#requested } });
  }

  #takeRequest(lines: number): void {
    const has = this.#lines('video').length;
    for (let line = has; line < Math.min(lines, 2); line += 1) {
      const slot = line === 0 ? 'camera' : 'screen';
      this.#pc.addTransceiver('video', { direction: slot === 'camera' ? 'sendrecv' : 'recvonly', streams: [this.#host.stream(slot)] });
    }
    if (has >= lines) this.#offerAgain();
  }

  #offerAgain(): void {
    this.#owesOffer = this.#makingOffer || this.#pc.signalingState !== 'stable';
    if (!this.#owesOffer) void this.#makeOffer(this.#pc);
  }

  async #takeOffer(offer: RTCSessionDescriptionInit & Mark): Promise<void> {
    const identity = fingerprint(offer.sdp ?? '');
    const isNewPage = this.#remoteIdentity !== null && identity !== this.#remoteIdentity;
    const collides = this.#makingOffer || this.#pc.signalingState !== 'stable';
    if (isNewPage) this.#reopen();
    else if (collides) {
      this.#ignoresOffer = !this.#isPolite;
      if (this.#ignoresOffer) return;
      // Nothing is agreed yet: a fresh connection is simpler than taking back what was offered.
      if (!this.hasRemote) this.#reopen();
    } else if (this.#pc.remoteDescription?.type === 'offer' && this.#pc.remoteDescription.sdp === offer.sdp) return; // told twice
    this.#ignoresOffer = false;
    this.#isOurs = offer.mark !== undefined;
    this.#requested = 0;
    const pc = this.#pc;
    await pc.setRemoteDescription({ type: 'offer', sdp: offer.sdp ?? '' });
    this.#remoteIdentity = identity;
    this.settle();
    await this.#addWaiting();
    await pc.setLocalDescription();
    const answer = { type: 'answer', sdp: pc.localDescription?.sdp, ...(offer.mark !== undefined && { mark: offer.mark }) };
    void this.#host.send(this, 'webrtc-answer', { answer });
    this.#settled();
  }

  async #takeAnswer(answer: RTCSessionDescriptionInit & Mark): Promise<void> {
    if (answer.mark !== undefined && answer.mark !== this.#mark) return; // to an offer that does not stand any more
    if (this.#pc.signalingState !== 'have-local-offer') return; // told twice
    await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp ?? '' });
    this.#remoteIdentity = fingerprint(answer.sdp ?? '');
    this.#isOurs = answer.mark !== undefined;
    await this.#addWaiting();
    this.#settled();
  }

  async #takeCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    if (!this.hasRemote) {
      if (this.#candidates.length < 256) this.#candidates.push(candidate);
      return;
    }
    // Of an offer that was ignored, or of a connection that is gone.
    await this.#pc.addIceCandidate(candidate).catch(() => {});
  }

  async #addWaiting(): Promise<void> {
    for (const candidate of this.#candidates.splice(0)) await this.#pc.addIceCandidate(candidate).catch(() => {});
  }

  #settled(): void {
    this.settle();
    if (this.#owesOffer) this.#offerAgain();
    this.#expectConnection();
    this.#host.changed(this);
  }

  /** The transceivers of this kind in the order of the m-lines; those without one yet come last. */
  #lines(kind: string): RTCRtpTransceiver[] {
    const order = mids((this.#pc.remoteDescription ?? this.#pc.localDescription)?.sdp ?? '');
    const place = ({ mid }: RTCRtpTransceiver) => (mid !== null && order.includes(mid) ? order.indexOf(mid) : order.length);
    const usable = this.#pc.getTransceivers().filter(({ receiver, direction }) => receiver.track.kind === kind && direction !== 'stopped');
    return usable.sort((a, b) => place(a) - place(b));
  }

  #transceiver(slot: Slot): RTCRtpTransceiver | undefined {
    return slot === 'audio' ? this.#lines('audio')[0] : this.#lines('video')[slot === 'screen' ? 1 : 0];
  }

  #fill(slot: Slot, needed: boolean): void {
    const track = this.#host.track(slot);
    const stream = this.#host.stream(slot);
    const found = this.#transceiver(slot);
    if (!found) {
      if (!needed || this.#asks) return;
      this.#pc.addTransceiver(track ?? (slot === 'audio' ? 'audio' : 'video'), { streams: [stream] });
      return;
    }
    if (found.sender.track !== track) void found.sender.replaceTrack(track).catch(() => {});
    const receives = found.direction === 'recvonly' || found.direction === 'sendrecv';
    // Microphone and camera keep their line while they are off: switching them on needs no negotiation.
    const sends = track !== null || slot !== 'screen';
    const direction = sends ? (receives || slot !== 'screen' ? 'sendrecv' : 'sendonly') : receives ? 'recvonly' : 'inactive';
    if (found.direction === direction) return;
    found.direction = direction;
    if (sends) found.sender.setStreams?.(stream);
  }

  #received(slot: Slot): MediaStream | null {
    const found = this.#transceiver(slot);
    if (!found?.currentDirection?.includes('recv')) return null;
    const { track } = found.receiver;
    const known = this.#streams.get(track.id) ?? new MediaStream([track]);
    this.#streams.set(track.id, known);
    return known;
  }

  async #limit(sender: RTCRtpSender | undefined, maxBitrate: number, scaleResolutionDownBy: number): Promise<void> {
    const parameters = sender?.track ? sender.getParameters() : null;
    const [encoding] = parameters?.encodings ?? [];
    if (!sender || !parameters || !encoding) return;
    if (encoding.maxBitrate === maxBitrate && (encoding.scaleResolutionDownBy ?? 1) === scaleResolutionDownBy) return;
    Object.assign(encoding, { maxBitrate, scaleResolutionDownBy });
    await sender.setParameters(parameters).catch(() => {});
  }

  #connectionChanged(): void {
    const { connectionState } = this.#pc;
    clearTimeout(this.#timer);
    if (connectionState === 'connected') {
      this.#wasConnected = true;
      this.#repairs = 0;
      void this.applyBudget();
    } else if (connectionState === 'disconnected') this.#repairIn(DISCONNECTED_MS);
    else if (connectionState === 'failed') this.#repairIn(0);
    else this.#expectConnection();
    this.#host.changed(this);
  }

  #expectConnection(): void {
    clearTimeout(this.#timer);
    if (!this.isConnected && this.deviceId !== null) this.#repairIn(STALLED_MS);
  }

  /** One of the two goes first, so that both do not mend the same thing at once. */
  #repairIn(ms: number): void {
    clearTimeout(this.#timer);
    const pause = Math.min(1 + this.#repairs, 4);
    this.#timer = setTimeout(() => {
      if (!this.isConnected) void this.repair();
    }, ms * pause + (this.#isPolite ? FIRST_GOES_MS : 0));
  }
}

/** A server that is set up with a wrong TURN URI must not cost the call: it goes on without. */
function connection(configuration: RTCConfiguration): RTCPeerConnection {
  try {
    return new RTCPeerConnection(configuration);
  } catch {
    return new RTCPeerConnection({ ...configuration, iceServers: [] });
  }
}
