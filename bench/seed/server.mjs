// A call backend as it is commonly written: express, socket.io and pg; maps and timers in memory, and one question to the
// homeserver after another. It is the peer that the load generator measures beside Ringback; nobody should run it.
//
// It serves what a complete call needs: initiate, answer, end, register-user, join-call and the three signals; and keeps the rows,
// asks the homeserver and says no as the protocol has it.

import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import cors from 'cors';
import express from 'express';
import pg from 'pg';
import { Server } from 'socket.io';

const { PORT, HOMESERVER_URL, DATABASE_URL } = process.env;
const BASE_URL = `http://127.0.0.1:${PORT}`;
const RING_TIMEOUT = 60_000;
const STUN = [{ urls: ['stun:stun.l.google.com:19302', 'stun:stun1.l.google.com:19302', 'stun:stun2.l.google.com:19302'] }];

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });
await pool.query(`
  DROP TABLE IF EXISTS call_events, call_participants, call_sessions;
  CREATE TABLE call_sessions (call_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, call_type TEXT NOT NULL, status TEXT NOT NULL,
    initiator_id TEXT NOT NULL, created_at TIMESTAMPTZ DEFAULT now(), started_at TIMESTAMPTZ, ended_at TIMESTAMPTZ);
  CREATE TABLE call_participants (id SERIAL PRIMARY KEY, call_id TEXT REFERENCES call_sessions (call_id), matrix_user_id TEXT NOT NULL,
    status TEXT NOT NULL, audio_enabled BOOLEAN DEFAULT true, video_enabled BOOLEAN DEFAULT false, joined_at TIMESTAMPTZ,
    left_at TIMESTAMPTZ, UNIQUE (call_id, matrix_user_id));
  CREATE TABLE call_events (id SERIAL PRIMARY KEY, call_id TEXT REFERENCES call_sessions (call_id), matrix_user_id TEXT,
    event_type TEXT NOT NULL, metadata JSONB, created_at TIMESTAMPTZ DEFAULT now());`);

const devices = new Map(); // user id → set of sockets
const calls = new Map(); // call id → { roomId, callType, initiator, participants, timer }

class Refusal extends Error {
  constructor(status, errcode, error) {
    super(error);
    Object.assign(this, { status, errcode });
  }
}

const matrix = async (token, path) => {
  const response = await fetch(`${HOMESERVER_URL}/_matrix/client/v3${path}`, { headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Refusal(response.status === 401 ? 401 : 403, 'M_FORBIDDEN', `the homeserver says ${response.status}`);
  return response.json();
};

const iceFor = async (token) => {
  const turn = await matrix(token, '/voip/turnServer');
  return turn.uris ? [...STUN, { urls: turn.uris, username: turn.username, credential: turn.password }] : STUN;
};

const emit = (users, event, body) => {
  for (const user of users) {
    for (const socket of devices.get(user) ?? []) socket.emit(event, { ...body, eventId: ++socket.data.eventId });
  }
};

const callOf = (callId, userId) => {
  const call = calls.get(callId);
  if (!call) throw new Refusal(404, 'M_NOT_FOUND', 'no such call');
  if (userId !== 'system' && !call.participants.includes(userId)) throw new Refusal(403, 'M_FORBIDDEN', 'this is a call of others');
  return call;
};

const log = (callId, userId, type, metadata = {}) =>
  pool.query('INSERT INTO call_events (call_id, matrix_user_id, event_type, metadata) VALUES ($1, $2, $3, $4)', [callId, userId, type, metadata]);

const end = async (callId, endedBy, status, reason) => {
  const call = callOf(callId, endedBy);
  clearTimeout(call.timer);
  calls.delete(callId);
  await pool.query('UPDATE call_sessions SET status = $2, ended_at = now() WHERE call_id = $1', [callId, status]);
  await pool.query("UPDATE call_participants SET status = 'left', left_at = now() WHERE call_id = $1", [callId]);
  await log(callId, endedBy, 'ended', { reason });
  emit(call.participants, 'call-ended', { callId, endedBy, reason });
};

const app = express();
app.use(cors());
app.use(express.json({ limit: '64kb' }));
const route = (path, handle) =>
  app.post(path, async (request, response) => {
    try {
      const token = request.headers.authorization?.slice('Bearer '.length) ?? request.body.accessToken;
      const { user_id: userId } = await matrix(token, '/account/whoami');
      const [status, body] = await handle({ token, userId, callId: request.params.callId, body: request.body });
      response.status(status).json(body);
    } catch (error) {
      response.status(error.status ?? 500).json({ errcode: error.errcode ?? 'M_UNKNOWN', error: error.message });
    }
  });

app.get('/health', (_, response) => response.json({ status: 'healthy', database: 'connected' }));

route('/api/calls/initiate', async ({ token, userId, body: { roomId, callType } }) => {
  const { joined } = await matrix(token, `/rooms/${encodeURIComponent(roomId)}/joined_members`);
  const iceServers = await iceFor(token);
  const invitees = Object.keys(joined).filter((member) => member !== userId);
  const callId = randomBytes(16).toString('hex');
  await pool.query("INSERT INTO call_sessions (call_id, room_id, call_type, status, initiator_id) VALUES ($1, $2, $3, 'ringing', $4)", [callId, roomId, callType, userId]);
  await pool.query("INSERT INTO call_participants (call_id, matrix_user_id, status, joined_at) VALUES ($1, $2, 'joined', now())", [callId, userId]);
  for (const invitee of invitees) {
    const status = devices.has(invitee) ? 'ringing' : 'invited';
    await pool.query('INSERT INTO call_participants (call_id, matrix_user_id, status) VALUES ($1, $2, $3)', [callId, invitee, status]);
    await log(callId, invitee, 'invited');
  }
  const expiresAt = new Date(Date.now() + RING_TIMEOUT).toISOString();
  const timer = setTimeout(() => end(callId, 'system', 'missed', 'timeout').catch(console.error), RING_TIMEOUT);
  calls.set(callId, { roomId, callType, initiator: userId, participants: [userId, ...invitees], timer });
  const callerName = joined[userId]?.display_name ?? userId;
  const createdAt = new Date().toISOString();
  const ring = { eventType: 'incoming_call', callId, callType, roomId, callerName, callerId: userId, initiatorId: userId };
  emit(invitees, 'incoming-call', { ...ring, iceServers: STUN, baseUrl: BASE_URL, expiresAt, createdAt });
  const told = invitees.filter((invitee) => devices.has(invitee));
  for (const invitee of told) {
    for (const socket of devices.get(invitee) ?? []) await log(callId, invitee, 'notified', { deviceId: socket.data.deviceId });
  }
  const delivery = { live: told.length, pending: invitees.length - told.length };
  return [201, { callId, roomId, callType, status: 'ringing', iceServers, expiresAt, delivery }];
});

route('/api/calls/:callId/answer', async ({ token, userId, callId }) => {
  const call = callOf(callId, userId);
  const iceServers = await iceFor(token);
  const first = await pool.query("UPDATE call_sessions SET status = 'active', started_at = now() WHERE call_id = $1 AND status = 'ringing'", [callId]);
  if (first.rowCount === 0) throw new Refusal(409, 'RINGBACK_CALL_STATE', 'this call does not ring any more');
  clearTimeout(call.timer);
  await pool.query("UPDATE call_participants SET status = 'joined', joined_at = now() WHERE call_id = $1 AND matrix_user_id = $2", [callId, userId]);
  await log(callId, userId, 'answered');
  await log(callId, userId, 'joined');
  const { roomId, callType } = call;
  emit([call.initiator], 'call-answered', { callId, answeredBy: userId, roomId, callType });
  return [200, { callId, status: 'active', roomId, callType, iceServers }];
});

route('/api/calls/:callId/end', async ({ userId, callId }) => {
  await end(callId, userId, 'ended', 'hangup');
  return [200, { callId, status: 'ended' }];
});

const server = createServer(app);
const io = new Server(server, { cors: { origin: '*' } });
io.on('connection', (socket) => {
  let me;
  socket.on('register-user', async ({ userId, accessToken }) => {
    try {
      const { user_id, device_id } = await matrix(accessToken, '/account/whoami');
      if (user_id !== userId) throw new Refusal(403, 'M_FORBIDDEN', 'this is somebody else');
      me = userId;
      socket.data = { deviceId: device_id, eventId: 0 };
      if (!devices.has(me)) devices.set(me, new Set());
      devices.get(me).add(socket);
      socket.emit('registered', { userId, deviceId: device_id });
    } catch (error) {
      socket.emit('call-error', { event: 'register-user', errcode: error.errcode ?? 'M_UNKNOWN', error: error.message });
    }
  });
  socket.on('join-call', ({ callId }) => {
    const others = calls.get(callId)?.participants.filter((user) => user !== me) ?? [];
    emit(others, 'user-joined', { callId, userId: me, deviceId: socket.data.deviceId });
  });
  for (const signal of ['webrtc-offer', 'webrtc-answer', 'ice-candidate']) {
    socket.on(signal, (body) => {
      const participants = calls.get(body.callId)?.participants ?? [];
      if (!participants.includes(me)) return;
      const targets = body.targetUserId && body.targetUserId !== 'all' ? [body.targetUserId] : participants.filter((user) => user !== me);
      emit(targets, signal, { ...body, fromUserId: me, fromDeviceId: socket.data.deviceId });
    });
  }
  socket.on('disconnect', () => {
    devices.get(me)?.delete(socket);
    if (devices.get(me)?.size === 0) devices.delete(me);
  });
});
server.listen(Number(PORT));
