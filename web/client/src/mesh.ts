import type { Media, Slot } from './media.js';
import { type Budget, type Flags, Peer, type PeerHost, type SignalName } from './peer.js';
import type { PeerSnapshot } from './types.js';
import type { Answer, Candidate, Offer } from './wire.js';

export interface MeshOptions {
  callId: string;
  userId: string;
  deviceId: string;
  withVideo: boolean;
  media: Media;
  rtc: RTCConfiguration;
  iceServers: RTCIceServer[];
  freshIce(): Promise<{ iceServers: RTCIceServer[]; ttl: number }>;
  ask(name: string, data: object): Promise<object>;
  changed(): void;
}

export type Signalled = { name: 'webrtc-offer'; data: Offer } | { name: 'webrtc-answer'; data: Answer } | { name: 'ice-candidate'; data: Candidate };

const STATS_MS = 2000;
/** Whoever is in the call offers to newcomers. A newcomer who hears nothing for so long offers itself. */
const SILENCE_MS = 6000;
/** An offer that waited goes to the device that joins first. If none of them answers it, all are offered anew. */
const EARLY_MS = 5000;
const ICE_OLD_MS = 5 * 60_000;

/** Bits per second to each other device: everyone uploads to everyone. */
const BUDGETS: readonly Budget[] = [
  { camera: 1_700_000, cameraScale: 1, screen: 2_500_000 },
  { camera: 900_000, cameraScale: 1, screen: 1_500_000 },
  { camera: 500_000, cameraScale: 1.5, screen: 1_000_000 },
  { camera: 300_000, cameraScale: 2, screen: 700_000 },
];

/** The connections of this device to all others in one call. */
export class Mesh implements PeerHost {
  readonly #options: MeshOptions;
  readonly #selfId: string;
  #peers = new Map<string, Peer>();
  /** Offers without a device: they wait for whoever answers. */
  #early = new Map<string, Peer>();
  /** Devices of early offers' users that have joined meanwhile. */
  #came = new Map<string, Set<string>>();
  #flags = new Map<string, Flags>();
  #streams: Record<Slot, MediaStream>;
  #iceServers: RTCIceServer[];
  #iceUntil: number;
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #stats: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#selfId = `${options.userId}|${options.deviceId}`;
    this.#iceServers = options.iceServers;
    this.#iceUntil = Date.now() + ICE_OLD_MS;
    const camera = new MediaStream();
    this.#streams = { audio: camera, camera, screen: new MediaStream() };
    options.media.onTrack = () => this.#each((peer) => peer.settle());
    this.#stats = setInterval(() => this.#each((peer) => void peer.readStats()), STATS_MS);
  }

  get withVideo(): boolean {
    return this.#options.withVideo;
  }

  get isEmpty(): boolean {
    return this.#peers.size === 0;
  }

  get isConnected(): boolean {
    return [...this.#peers.values()].some((peer) => peer.isConnected);
  }

  snapshots(): readonly PeerSnapshot[] {
    return [...this.#peers.values()].map((peer) => peer.snapshot());
  }

  hasUser(userId: string): boolean {
    return [...this.#peers.values()].some((peer) => peer.userId === userId);
  }

  /** An offer that waits for the user's device that answers. */
  offerEarly(userId: string): void {
    if (this.#closed || this.hasUser(userId) || this.#early.has(userId)) return;
    const peer = new Peer(this, this.#selfId, userId, null);
    this.#early.set(userId, peer);
    peer.offer();
  }

  joined(userId: string, deviceId: string): void {
    if (this.#closed || userId === this.#options.userId) return;
    const known = this.#peers.get(`${userId}|${deviceId}`);
    if (known) return known.restart(); // it is back, and knows nothing any more
    const early = this.#early.get(userId);
    if (!early) return this.#add(userId, deviceId).offer();
    const came = this.#came.get(userId) ?? new Set();
    this.#came.set(userId, came.add(deviceId));
    this.#after(EARLY_MS, () => this.#early.get(userId) === early && this.#dropEarly(userId));
  }

  left(userId: string, deviceId: string): void {
    this.#came.get(userId)?.delete(deviceId);
    const id = `${userId}|${deviceId}`;
    this.#peers.get(id)?.close();
    if (this.#peers.delete(id)) this.#resized();
  }

  /** Offers to those users of whom nothing has been heard by then. */
  expect(userIds: () => string[]): void {
    this.#after(SILENCE_MS, () => {
      for (const userId of userIds()) if (userId !== this.#options.userId) this.offerEarly(userId);
    });
  }

  /** Only these devices are in the call. */
  retain(ids: Set<string>): void {
    for (const peer of [...this.#peers.values()]) if (!ids.has(peer.id)) this.left(peer.userId, peer.deviceId ?? '');
  }

  signal({ name, data }: Signalled): void {
    const { fromUserId, fromDeviceId } = data;
    if (this.#closed || `${fromUserId}|${fromDeviceId}` === this.#selfId) return;
    const known = this.#peers.get(`${fromUserId}|${fromDeviceId}`) ?? this.#bind(fromUserId, fromDeviceId);
    if (name === 'webrtc-offer') (known ?? this.#add(fromUserId, fromDeviceId)).onOffer(data.offer);
    else if (name === 'webrtc-answer') known?.onAnswer(data.answer);
    else known?.onCandidate(data.candidate);
  }

  setFlags(userId: string, flags: Partial<Flags>): void {
    this.#flags.set(userId, { ...this.flags(userId), ...flags });
    this.#options.changed();
  }

  /** After the socket is back: what is broken need not wait for its turn. */
  repairBroken(): void {
    this.#each((peer) => !peer.isConnected && peer.hasRemote && void peer.repair());
  }

  /** Another network: the old paths are gone, though nobody has noticed yet. */
  networkChanged(): void {
    this.#each((peer) => peer.hasRemote && void peer.repair());
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#stats);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#each((peer) => peer.close());
    this.#peers.clear();
    this.#early.clear();
    this.#options.media.onTrack = () => {};
  }

  // --- what a peer asks

  configuration(): RTCConfiguration {
    return { iceServers: this.#iceServers, bundlePolicy: 'max-bundle', ...this.#options.rtc };
  }

  async refreshIce(): Promise<void> {
    if (Date.now() < this.#iceUntil) return;
    this.#iceUntil = Date.now() + 10_000; // not for each peer at once
    const fresh = await this.#options.freshIce().catch(() => null);
    if (!fresh) return; // the old ones may still do
    this.#iceServers = fresh.iceServers;
    this.#iceUntil = Date.now() + Math.min(fresh.ttl * 500, ICE_OLD_MS);
  }

  track(slot: Slot): MediaStreamTrack | null {
    return this.#options.media.track(slot);
  }

  stream(slot: Slot): MediaStream {
    return this.#streams[slot];
  }

  budget(): Budget {
    const others = Math.max(1, this.#peers.size);
    return BUDGETS[Math.min(others, BUDGETS.length) - 1] as Budget;
  }

  flags(userId: string): Flags {
    return this.#flags.get(userId) ?? { audio: true, video: true };
  }

  async send(peer: Peer, name: SignalName, body: object): Promise<void> {
    const { callId } = this.#options;
    const to = peer.deviceId === null ? { targetUserId: peer.userId } : { targetUserId: peer.userId, targetDeviceId: peer.deviceId };
    // What is refused or lost is mended by the peer, which sees that no connection comes of it.
    await this.#options.ask(name, { callId, ...to, ...body }).catch(() => {});
  }

  changed(): void {
    if (!this.#closed) this.#options.changed();
  }

  // ---

  #add(userId: string, deviceId: string): Peer {
    const peer = new Peer(this, this.#selfId, userId, deviceId);
    this.#peers.set(peer.id, peer);
    this.#resized();
    return peer;
  }

  /** The first device that speaks is the one that got the offer. */
  #bind(userId: string, deviceId: string): Peer | undefined {
    const peer = this.#early.get(userId);
    if (!peer) return undefined;
    this.#early.delete(userId);
    peer.deviceId = deviceId;
    this.#peers.set(peer.id, peer);
    this.#came.get(userId)?.delete(deviceId);
    this.#offerToThoseWhoCame(userId);
    this.#resized();
    return peer;
  }

  #dropEarly(userId: string): void {
    this.#early.get(userId)?.close();
    this.#early.delete(userId);
    this.#offerToThoseWhoCame(userId);
  }

  #offerToThoseWhoCame(userId: string): void {
    const came = [...(this.#came.get(userId) ?? [])];
    this.#came.delete(userId);
    for (const deviceId of came) this.#add(userId, deviceId).offer();
  }

  #resized(): void {
    this.#each((peer) => void peer.applyBudget());
    this.changed();
  }

  #each(step: (peer: Peer) => void): void {
    for (const peer of [...this.#peers.values(), ...this.#early.values()]) step(peer);
  }

  #after(ms: number, step: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      step();
    }, ms);
    this.#timers.add(timer);
  }
}
