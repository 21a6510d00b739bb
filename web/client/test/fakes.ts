// What a browser and a server are to the client: scripted, and looked at.
import { vi } from 'vitest';

type Handler = (...parts: unknown[]) => void;

/** A Socket.IO socket whose other end is the test. */
export class FakeSocket {
  connected = false;
  id: string | undefined;
  /** Messages that nobody has acknowledged yet. */
  sent: { name: string; data: Record<string, unknown>; ack: (answer: object) => void }[] = [];
  connects = 0;
  #on = new Map<string, Handler[]>();
  #any: Handler[] = [];

  on(name: string, handler: Handler): this {
    this.#on.set(name, [...(this.#on.get(name) ?? []), handler]);
    return this;
  }

  onAny(handler: Handler): this {
    this.#any.push(handler);
    return this;
  }

  connect(): this {
    this.connects += 1;
    return this;
  }

  disconnect(): this {
    if (this.connected) this.drop('io client disconnect');
    return this;
  }

  timeout(): this {
    return this;
  }

  emit(name: string, data: Record<string, unknown>, ack: (failed: Error | null, answer?: object) => void): void {
    const own = this.id;
    this.sent.push({ name, data, ack: (answer) => this.id === own && ack(null, answer) });
  }

  // --- the test's end

  open(): void {
    this.connected = true;
    this.id = `connection-${this.connects}`;
    this.#fire('connect');
  }

  fail(): void {
    this.#fire('connect_error', new Error('refused'));
  }

  drop(reason = 'transport close'): void {
    this.connected = false;
    this.id = undefined;
    this.sent = [];
    this.#fire('disconnect', reason);
  }

  says(name: string, data: object): void {
    for (const handler of this.#any) handler(name, { type: name, ...data });
  }

  /** The last message of this name. */
  last(name: string): FakeSocket['sent'][number] {
    const found = this.sent.findLast((message) => message.name === name);
    if (!found) throw new Error(`no ${name} was sent, but ${this.sent.map((message) => message.name).join(', ') || 'nothing'}`);
    return found;
  }

  names(): string[] {
    return this.sent.map(({ name }) => name);
  }

  #fire(name: string, ...parts: unknown[]): void {
    for (const handler of this.#on.get(name) ?? []) handler(...parts);
  }
}

export class FakeTrack {
  enabled = true;
  readyState = 'live';
  onended: (() => void) | null = null;
  contentHint = '';
  readonly kind: string;
  readonly id: string;
  readonly deviceId: string;

  constructor(kind: string, deviceId: string) {
    this.kind = kind;
    this.deviceId = deviceId;
    this.id = `${kind}-${Math.random()}`;
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** The device is pulled out. */
  unplug(): void {
    this.readyState = 'ended';
    this.onended?.();
  }

  getSettings(): { deviceId: string } {
    return { deviceId: this.deviceId };
  }
}

export class FakeStream {
  readonly tracks: FakeTrack[];
  constructor(tracks: FakeTrack[] = []) {
    this.tracks = tracks;
  }
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === 'audio');
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === 'video');
}

/** `navigator.mediaDevices`; what is in `broken` fails with that name. */
export class FakeDevices extends EventTarget {
  broken: Partial<Record<'audio' | 'video' | 'screen', string>> = {};
  cameras = ['front'];
  opened: FakeTrack[] = [];

  async getUserMedia({ audio, video }: MediaStreamConstraints): Promise<FakeStream> {
    if (audio) this.#check('audio');
    if (video) this.#check('video');
    const tracks = [...(audio ? [this.#open('audio', audio, 'default')] : []), ...(video ? [this.#open('video', video, this.cameras[0] ?? '')] : [])];
    return new FakeStream(tracks);
  }

  async getDisplayMedia(): Promise<FakeStream> {
    this.#check('screen');
    return new FakeStream([this.#open('video', true, 'screen')]);
  }

  async enumerateDevices(): Promise<object[]> {
    return this.cameras.map((deviceId) => ({ kind: 'videoinput', deviceId }));
  }

  #open(kind: string, constraints: boolean | MediaTrackConstraints, fallback: string): FakeTrack {
    const named = typeof constraints === 'object' ? (constraints.deviceId as { exact: string } | undefined)?.exact : undefined;
    const track = new FakeTrack(kind, named ?? fallback);
    this.opened.push(track);
    return track;
  }

  #check(kind: 'audio' | 'video' | 'screen'): void {
    const name = this.broken[kind];
    if (name) throw new DOMException(`${kind} is broken`, name);
  }
}

/** Enough of an RTCPeerConnection to negotiate with: descriptions are words. */
export class FakePeerConnection {
  static all: FakePeerConnection[] = [];
  static get last(): FakePeerConnection {
    return FakePeerConnection.all.at(-1) as FakePeerConnection;
  }
  signalingState = 'stable';
  connectionState = 'new';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  configuration: RTCConfiguration;
  candidates: unknown[] = [];
  restarts = 0;
  isClosed = false;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate: ((event: object) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: (() => void) | null = null;
  #transceivers: object[] = [];
  #version = 0;

  constructor(configuration: RTCConfiguration) {
    this.configuration = configuration;
    FakePeerConnection.all.push(this);
  }

  getTransceivers(): object[] {
    return this.#transceivers;
  }

  addTransceiver(of: string | FakeTrack): void {
    const kind = typeof of === 'string' ? of : of.kind;
    const sender = { track: null, replaceTrack: async () => {}, setStreams: () => {}, getParameters: () => ({ encodings: [] }) };
    this.#transceivers.push({ mid: null, direction: 'sendrecv', currentDirection: null, sender, receiver: { track: new FakeTrack(kind, '') } });
    this.#negotiate();
  }

  async setLocalDescription(): Promise<void> {
    const type = this.signalingState === 'have-remote-offer' ? 'answer' : 'offer';
    this.localDescription = { type, sdp: sdpOf(`local-${FakePeerConnection.all.indexOf(this)}`, (this.#version += 1)) };
    this.signalingState = type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }

  restartIce(): void {
    this.restarts += 1;
    this.#negotiate();
  }

  becomes(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close(): void {
    this.isClosed = true;
    this.signalingState = 'closed';
  }

  async getStats(): Promise<Map<string, object>> {
    return new Map();
  }

  #negotiate(): void {
    queueMicrotask(() => this.signalingState === 'stable' && this.onnegotiationneeded?.());
  }
}

export const sdpOf = (identity: string, version = 1): string => `v=0\r\no=- ${version} 2 IN IP4 127.0.0.1\r\na=fingerprint:sha-256 ${identity}\r\nm=audio 9 X 111\r\na=mid:0\r\n`;

type Route = (body: Record<string, unknown>, headers: Record<string, string>) => { status?: number; body: object } | Promise<{ status?: number; body: object }>;

/** The server's HTTP half: routes by method and the end of the path; each request is remembered. */
export class FakeServer {
  requests: { path: string; body: Record<string, unknown>; headers: Record<string, string> }[] = [];
  #routes = new Map<string, Route>();

  on(path: string, route: Route): void {
    this.#routes.set(path, route);
  }

  asked(path: string): FakeServer['requests'] {
    return this.requests.filter((request) => request.path === path);
  }

  readonly fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname } = new URL(url);
    const body = init.body ? (JSON.parse(init.body as string) as Record<string, unknown>) : {};
    const headers = (init.headers ?? {}) as Record<string, string>;
    this.requests.push({ path: pathname, body, headers });
    const route = this.#routes.get(pathname);
    const answer = route ? await route(body, headers) : { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'There is nothing here.' } };
    return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 });
  };
}

/** Puts all of it in place of the browser. */
export function browser(): { socket: FakeSocket; server: FakeServer; devices: FakeDevices } {
  const [socket, server, devices] = [new FakeSocket(), new FakeServer(), new FakeDevices()];
  FakePeerConnection.all = [];
  vi.stubGlobal('fetch', server.fetch);
  vi.stubGlobal('navigator', { mediaDevices: devices });
  vi.stubGlobal('MediaStream', FakeStream);
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
  vi.stubGlobal('BroadcastChannel', undefined);
  const stored = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
  return { socket, server, devices };
}

/** Lets everything that is ready happen. */
export const settle = () => vi.advanceTimersByTimeAsync(0);
