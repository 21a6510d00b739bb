// A whole call between two Socket.IO clients, as an app would make it: `node call.mjs MODULE TRANSPORTS`.
// It ends with a message and a code other than 0 at the first thing that is not as docs/ says.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const [moduleName, transports] = process.argv.slice(2);
const stage = JSON.parse(process.env.RINGBACK_E2E_STAGE);
const require = createRequire(path.join(process.env.RINGBACK_E2E_NODE, 'package.json'));
const module = require(moduleName);
const io = module.io ?? module;
const LIMIT_MS = 10_000;
const EVENTS = [
  'registered', 'resync', 'incoming-call', 'call-answered', 'call-rejected', 'call-handled-elsewhere', 'call-ended',
  'user-joined', 'user-left', 'webrtc-offer', 'webrtc-answer', 'ice-candidate', 'audio-toggled', 'call-error',
  'server-shutdown',
];

/** One connection; what arrives waits until it is asked for. */
class Phone {
  constructor(name, login) {
    this.name = name;
    this.login = login;
    this.kept = [];
    this.waiting = null;
    this.socket = io(stage.url, { transports: transports.split(','), forceNew: true, reconnection: false });
    for (const event of EVENTS) this.socket.on(event, (data) => this.#arrived(event, data));
    for (const event of ['connect_error', 'error']) this.socket.on(event, (error) => fail(`${name}: ${event} ${error}`));
  }

  #arrived(event, data) {
    this.kept.push([event, data]);
    this.waiting?.();
  }

  /** The next event of this name. */
  async expect(event) {
    const until = Date.now() + LIMIT_MS;
    for (;;) {
      const index = this.kept.findIndex(([name]) => name === event);
      if (index >= 0) return this.kept.splice(index, 1)[0][1];
      assert.ok(Date.now() < until, `${this.name}: no ${event}; kept: ${JSON.stringify(this.kept)}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, until - Date.now());
        this.waiting = () => (clearTimeout(timer), resolve());
      });
    }
  }

  /** Sends, and waits for the acknowledgement. */
  async ask(event, data) {
    const ack = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name}: no acknowledgement of ${event}`)), LIMIT_MS);
      this.socket.emit(event, data, (answer) => (clearTimeout(timer), resolve(answer)));
    });
    return ack;
  }

  async done(event, data) {
    const ack = await this.ask(event, data);
    assert.equal(ack?.ok, true, `${this.name}: ${event} was refused: ${JSON.stringify(ack)}`);
    return ack;
  }

  async post(path, body, status) {
    const { userId, accessToken } = this.login;
    const response = await fetch(stage.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ userId, accessToken, ...body }),
    });
    const text = await response.text();
    assert.equal(response.status, status, `${this.name}: ${path} answers ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

/** Candidates of every shape a browser gives; the last says that there are no more. */
function candidates(from) {
  const list = Array.from({ length: 29 }, (_, n) => ({
    candidate: `candidate:${n} 1 udp ${2130706431 - n} 192.0.2.${n} ${5000 + n} typ host generation 0 ufrag ${from}`,
    sdpMid: String(n % 3),
    sdpMLineIndex: n % 3,
    usernameFragment: n % 2 ? null : from,
    nested: { 'ключ "é" \u2028': [1, 2.5, -0.001, true, null, { deep: [] }] },
  }));
  return [...list, null];
}

function description(type, from) {
  return { type, sdp: `v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=${from} — ☎\r\nt=0 0\r\n` + 'a=ssrc:1 x\r\n'.repeat(300) };
}

function fail(message) {
  console.error(String(message?.stack ?? message));
  process.exit(1);
}

async function register(phone) {
  const { userId, accessToken, deviceId } = phone.login;
  await phone.done('register-user', { userId, accessToken });
  const registered = await phone.expect('registered');
  assert.equal(registered.userId, userId);
  assert.equal(registered.deviceId, deviceId);
  assert.ok(registered.sessionId && registered.gracePeriodMs > 0 && Date.parse(registered.serverTime));
}

async function ring(alice, bob) {
  const initiated = await alice.post('/api/calls/initiate', { roomId: stage.roomId, callType: 'video' }, 201);
  assert.deepEqual(initiated.delivery, { live: 1, pending: 0, devices: 1 });
  const call = await bob.expect('incoming-call');
  assert.equal(call.eventType, 'incoming_call');
  assert.equal(call.callId, initiated.callId);
  assert.equal(call.callType, 'video');
  assert.equal(call.roomId, stage.roomId);
  assert.equal(call.callerId, alice.login.userId);
  assert.equal(call.initiatorId, alice.login.userId);
  assert.ok(call.callerName.length > 0);
  assert.ok(call.iceServers.length > 0 && call.iceServers.every(({ urls }) => urls.length > 0));
  assert.equal(call.baseUrl, stage.url);
  assert.ok(Date.parse(call.expiresAt) > Date.parse(call.createdAt));
  assert.ok(Number.isInteger(call.eventId));
  return call.callId;
}

async function relay(from, to, event, field, callId, payloads) {
  for (const payload of payloads) from.socket.emit(event, { callId, [field]: payload, targetUserId: to.login.userId });
  for (const payload of payloads) {
    const signal = await to.expect(event);
    assert.deepEqual(signal[field], payload, `${event} must arrive verbatim and in order`);
    assert.equal(signal.callId, callId);
    assert.equal(signal.fromUserId, from.login.userId);
    assert.equal(signal.fromDeviceId, from.login.deviceId);
    assert.equal(signal.targetUserId, to.login.userId);
  }
}

/** A message of 2 MB ends the connection that sent it, and nothing else. */
async function tooLarge() {
  const phone = new Phone('sender of 2 MB', stage.bob);
  await register(phone);
  const ended = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('2 MB were swallowed')), LIMIT_MS).unref();
    phone.socket.on('disconnect', resolve);
  });
  phone.socket.emit('join-call', { callId: '0'.repeat(32), pad: 'x'.repeat(2_000_000) });
  await ended;
  phone.socket.close();
  const next = new Phone('the next', stage.bob);
  await register(next);
  next.socket.close();
}

async function main() {
  const alice = new Phone('alice', stage.alice);
  const bob = new Phone('bob', stage.bob);
  await Promise.all([register(alice), register(bob)]);
  const callId = await ring(alice, bob);
  await alice.done('join-call', { callId });
  const answered = await bob.post(`/api/calls/${callId}/answer`, {}, 200);
  assert.equal(answered.status, 'active');
  assert.equal((await alice.expect('call-answered')).answeredBy, bob.login.userId);
  await bob.done('join-call', { callId, userId: bob.login.userId, accessToken: bob.login.accessToken });
  assert.equal((await alice.expect('user-joined')).userId, bob.login.userId);
  await relay(alice, bob, 'webrtc-offer', 'offer', callId, [description('offer', 'alice')]);
  await relay(bob, alice, 'webrtc-answer', 'answer', callId, [description('answer', 'bob')]);
  await Promise.all([
    relay(alice, bob, 'ice-candidate', 'candidate', callId, candidates('alice')),
    relay(bob, alice, 'ice-candidate', 'candidate', callId, candidates('bob')),
  ]);
  await bob.done('toggle-audio', { callId, enabled: false });
  const toggled = await alice.expect('audio-toggled');
  assert.deepEqual([toggled.callId, toggled.userId, toggled.enabled], [callId, bob.login.userId, false]);
  const refused = await alice.ask('join-call', { callId: '0'.repeat(32) });
  assert.equal(refused.ok, false);
  assert.equal(refused.errcode, 'M_NOT_FOUND');
  bob.socket.emit('join-call', { callId: 7 });
  const complaint = await bob.expect('call-error');
  assert.deepEqual([complaint.event, complaint.errcode], ['join-call', 'M_BAD_JSON']);
  alice.socket.emit('call-ended', { callId });
  const ended = await bob.expect('call-ended');
  assert.deepEqual([ended.callId, ended.endedBy, ended.reason], [callId, alice.login.userId, 'hangup']);
  alice.socket.close();
  bob.socket.close();
  await tooLarge();
  console.log(`a whole call by ${moduleName} over ${transports}`);
}

main().then(() => process.exit(0), fail);
