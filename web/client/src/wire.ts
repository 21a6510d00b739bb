// What crosses the wire, as docs/protocol.md has it. Fields that are not used here are left out.

export type CallType = 'voice' | 'video';
export type ParticipantStatus = 'invited' | 'ringing' | 'joined' | 'left' | 'rejected' | 'missed';
export type EndReason = 'hangup' | 'cancelled' | 'rejected' | 'timeout' | 'disconnected';

export interface Delivery {
  live: number;
  pending: number;
  devices: number;
}

export interface Initiated {
  callId: string;
  roomId: string;
  callType: CallType;
  status: 'ringing';
  iceServers: RTCIceServer[];
  expiresAt: string;
  delivery: Delivery;
}

/** The answer to `answer`, `join` and `join-call`. */
export interface Entered {
  callId: string;
  status: string;
  roomId: string;
  callType: CallType;
  iceServers: RTCIceServer[];
}

export interface StatusAnswer {
  session: {
    call_id: string;
    room_id: string;
    call_type: CallType;
    status: 'ringing' | 'active' | 'ended' | 'rejected' | 'missed';
    initiator_id: string;
    created_at: string;
    started_at: string | null;
    ended_at: string | null;
    expires_at: string;
  };
  participants: {
    matrix_user_id: string;
    status: ParticipantStatus;
    audio_enabled: boolean;
    video_enabled: boolean;
    screen_enabled: boolean;
  }[];
}

export interface Registered {
  userId: string;
  deviceId: string;
  sessionId: string;
  gracePeriodMs: number;
  serverTime: string;
}

export interface ResyncParticipant {
  userId: string;
  status: ParticipantStatus;
  audioEnabled: boolean;
  videoEnabled: boolean;
  screenEnabled: boolean;
  devices: string[];
}

export interface ResyncCall {
  callId: string;
  roomId: string;
  callType: CallType;
  status: 'ringing' | 'active';
  initiatorId: string;
  createdAt: string;
  expiresAt: string;
  participants: ResyncParticipant[];
}

export interface IncomingCall {
  callId: string;
  callType: CallType;
  roomId: string;
  callerName: string;
  callerId: string;
  initiatorId: string;
  iceServers: RTCIceServer[];
  baseUrl: string;
  expiresAt: string;
  createdAt: string;
  busy?: boolean;
}

interface Signal {
  callId: string;
  fromUserId: string;
  fromDeviceId: string;
  targetUserId?: string;
}

/** Other clients send a description as an object or as its SDP alone. */
export type Description = RTCSessionDescriptionInit | string;
export interface Offer extends Signal {
  offer: Description;
}
export interface Answer extends Signal {
  answer: Description;
}
export interface Candidate extends Signal {
  candidate: RTCIceCandidateInit | string | null;
}
export interface Toggled {
  callId: string;
  userId: string;
  enabled: boolean;
}
export interface DeviceMoved {
  callId: string;
  userId: string;
  deviceId: string;
}

/** Every event of the server, by its name. */
export interface ServerEvents {
  registered: Registered;
  resync: { calls: ResyncCall[] };
  'incoming-call': IncomingCall;
  'callee-busy': { callId: string; userId: string };
  'call-answered': { callId: string; answeredBy: string; roomId: string; callType: CallType };
  'call-rejected': { callId: string; rejectedBy: string; reason?: string };
  'call-handled-elsewhere': { callId: string; action: 'answered' | 'rejected' };
  'call-ended': { callId: string; endedBy: string; reason: EndReason };
  'user-joined': DeviceMoved;
  'user-left': DeviceMoved;
  'webrtc-offer': Offer;
  'webrtc-answer': Answer;
  'ice-candidate': Candidate;
  'audio-toggled': Toggled;
  'video-toggled': Toggled;
  'screen-toggled': Toggled;
  'server-shutdown': { reconnectAfterMs: number };
  'call-error': { ok: false; event?: string; errcode: string; error: string };
}

/** Any event of the server; `switch (event.name)` tells what `data` is. */
export type ServerEvent = { [N in keyof ServerEvents]: { name: N; data: ServerEvents[N] } }[keyof ServerEvents];

/** Events about one call. */
export type CallEvent = Exclude<ServerEvent, { name: 'registered' | 'resync' | 'incoming-call' | 'server-shutdown' | 'call-error' }>;

export interface HistoryRow {
  callId: string;
  roomId: string;
  callType: CallType;
  initiatorId: string;
  direction: 'outgoing' | 'incoming';
  outcome: 'answered' | 'rejected' | 'missed' | 'cancelled';
  /** The user was rung and did not react. */
  missed: boolean;
  seen: boolean;
  createdAt: string;
  startedAt: string | null;
  endedAt: string;
  durationMs: number | null;
}

export interface HistoryPage {
  calls: HistoryRow[];
  /** Send it as `from` for the next page; absent on the last one. */
  nextBatch?: string;
}
