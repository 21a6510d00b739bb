import type { Call } from './call.js';
import type { RingbackError } from './errors.js';
import type { CallType, ParticipantStatus, ServerEvent } from './wire.js';

export interface CallConfig {
  baseUrl: string;
  websocketUrl: string;
  homeserverUrl: string;
  iceServers: RTCIceServer[];
}

export interface ClientOptions {
  /** From `findBackend`, or what `/call-config.json` of the server says. */
  config: CallConfig;
  userId: string;
  /** A Matrix access token, or what gives the present one (asked again where the server refuses one). */
  accessToken: string | (() => string | Promise<string>);
  /** Merged over the ICE servers of the server, e.g. `{ iceTransportPolicy: 'relay' }`. */
  rtc?: RTCConfiguration;
  /** Key in `sessionStorage` by which a reloaded page finds the call that it was in; `null`: never. */
  rejoinKey?: string | null;
  transports?: ('websocket' | 'polling')[];
}

/** `refused`: the homeserver does not take the token, log in again. */
export type ConnectionState = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'refused';

export interface ClientSnapshot {
  readonly connection: ConnectionState;
  readonly deviceId: string | null;
  /** While `reconnecting`: how long the pause before the next try is; null while one is under way. */
  readonly retryInMs: number | null;
  /** All that are not over, and those just over until they are dismissed. */
  readonly calls: readonly Call[];
}

export interface ClientEvents {
  incoming: { call: Call };
  /** An incoming call stopped ringing here, whatever the reason. */
  'stopped-ringing': { call: Call };
  over: { call: Call };
  'history-changed': Record<string, never>;
  refused: { error: RingbackError };
  /** Every event of the server, as it came. */
  event: ServerEvent;
}

/** What to send from the start. Without it: the microphone, and in a video call the camera. */
export interface MediaChoice {
  audio?: boolean | { deviceId: string };
  video?: boolean | { deviceId: string };
}

export interface DialOptions {
  type: CallType;
  /** Members to ring; everyone else in the room if left out. */
  invitees?: string[];
  /** 5000 to 300000. */
  ringTimeoutMs?: number;
  media?: MediaChoice;
}

export interface JoinOptions {
  media?: MediaChoice;
  roomId?: string;
  type?: CallType;
}

/**
 * - `calling`: the request is under way; `ringing`: it rings at the others; `incoming`: it rings here
 * - `connecting`: answered, media not there yet; `reconnecting`: media was there
 * - `rejoinable`: this device is in the call, but not this page (a reload, another tab): `rejoin()`
 * - `elsewhere`: another device of this user is in the call: `rejoin()` takes it over
 */
export type CallPhase = 'calling' | 'ringing' | 'incoming' | 'connecting' | 'connected' | 'reconnecting' | 'rejoinable' | 'elsewhere' | 'over';

/** `unreachable`: nobody had a device connected; `left`: out of a group that goes on; `failed`: see `error`. */
export type CallOutcome =
  | 'ended'
  | 'cancelled'
  | 'rejected'
  | 'busy'
  | 'missed'
  | 'unreachable'
  | 'answered-elsewhere'
  | 'rejected-elsewhere'
  | 'disconnected'
  | 'left'
  | 'failed';

export interface CallSnapshot {
  /** Null while the request that starts the call is under way. */
  readonly callId: string | null;
  readonly roomId: string;
  readonly type: CallType;
  readonly direction: 'incoming' | 'outgoing' | 'joined';
  readonly phase: CallPhase;
  readonly outcome: CallOutcome | null;
  readonly error: RingbackError | Error | null;
  readonly initiatorId: string;
  readonly callerName: string | null;
  /** Incoming: this user is in another call. Outgoing: somebody rung is in another call. */
  readonly busy: boolean;
  /** Outgoing: devices that ring. */
  readonly ringingDevices: number;
  /** Outgoing: users who are rung as soon as they connect. */
  readonly pendingUsers: number;
  /** When ringing stops, in ms of the local clock. */
  readonly expiresAt: number | null;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
  readonly isGroup: boolean;
  readonly local: LocalMedia;
  /** The other devices in the call. */
  readonly peers: readonly PeerSnapshot[];
  /** The other users of the call, whether they are in it or not. */
  readonly others: readonly Other[];
}

export interface Other {
  readonly userId: string;
  readonly status: ParticipantStatus;
}

export interface LocalMedia {
  readonly camera: MediaStream | null;
  readonly screen: MediaStream | null;
  readonly microphone: MediaStream | null;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly screenOn: boolean;
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
  readonly canSwitchCamera: boolean;
  readonly problem: MediaProblem | null;
}

export interface MediaProblem {
  readonly device: 'microphone' | 'camera' | 'screen';
  /** `insecure`: the page is neither from https nor from localhost. */
  readonly reason: 'denied' | 'not-found' | 'in-use' | 'insecure' | 'cancelled' | 'other';
  /** What the browser says; English. */
  readonly detail: string;
}

export type PeerState = 'connecting' | 'connected' | 'reconnecting' | 'failed';
export type Quality = 'unknown' | 'good' | 'weak' | 'lost' | 'reconnecting';

export interface PeerSnapshot {
  /** `userId|deviceId` */
  readonly id: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly audio: MediaStream | null;
  readonly camera: MediaStream | null;
  readonly screen: MediaStream | null;
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly screenOn: boolean;
  readonly state: PeerState;
  readonly quality: Quality;
  /** New every 2 s once there is a connection. */
  readonly numbers: QualityNumbers | null;
}

export interface QualityNumbers {
  readonly rttMs: number | null;
  readonly lossPercent: number | null;
  readonly jitterMs: number | null;
  readonly receiveKbps: number;
  readonly sendKbps: number;
  readonly framesPerSecond: number | null;
  readonly width: number | null;
  readonly height: number | null;
  /** `host`, `srflx`, `prflx` or `relay` */
  readonly localCandidate: string | null;
  readonly remoteCandidate: string | null;
  /** How the local end travels: `udp`, `tcp` or `tls` */
  readonly protocol: string | null;
  readonly framesDecoded: number;
  readonly audioBytes: number;
}
