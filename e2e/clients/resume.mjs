// Two Socket.IO clients behind a network that loses connections: `node resume.mjs MODULE TRANSPORTS SECONDS`. For so many seconds
// every connection is cut each 1 to 5 s, while both send; with 0 the scenes of `scenes` are played instead.
//
// A signal whose acknowledgement was lost with its connection may have arrived. Its sender cannot tell, and sends it again until it
// is acknowledged, before it sends the next. So a receiver may get a signal as often as it was sent, in one run; everything else
// (a gap, another order, a repeat of what was sent once) is a mistake.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const [moduleName, transports, seconds] = process.argv.slice(2);
const stage = JSON.parse(process.env.RINGBACK_E2E_STAGE);
const require = createRequire(path.join(process.env.RINGBACK_E2E_NODE, 'package.json'));
const module = require(moduleName);
const io = module.io ?? module;
const LIMIT_MS = 15_000;
const EVENTS = [
  'registered', 'resync', 'incoming-call', 'call-answered', 'call-rejected', 'call-handled-elsewhere', 'call-ended',
  'user-joined', 'user-left', 'webrtc-offer', 'webrtc-answer', 'ice-candidate', 'audio-toggled', 'call-error',
];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers from a seed (mulberry32), so that a run can be repeated. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Forwards to the server, until it cuts. */
class Proxy {
  constructor() {
    this.pairs = new Set();
    const { hostname, port } = new URL(stage.url);
    this.server = net.createServer((client) => {
      if (this.down) return client.destroy();
      const upstream = net.connect(Number(port), hostname);
      const pair = [client, upstream];
      this.pairs.add(pair);
      const end = () => (this.pairs.delete(pair), client.destroy(), upstream.destroy());
      for (const side of pair) side.setNoDelay(true).on('error', end).on('close', end);
      client.pipe(upstream).pipe(client);
    });
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  cutAll() {
    for (const pair of this.pairs) for (const side of pair) side.destroy();
  }
}

/** A device that connects again whenever it can. */
class Phone {
  constructor(name, login, proxy) {
    Object.assign(this, { name, login, proxy, heard: [], lastEventId: 0, line: null, away: false, registrations: 0 });
    this.run = this.#stayConnected();
  }

  async #stayConnected() {
    while (!this.over) {
      if (!this.away) await this.#connection();
      await sleep(20);
    }
  }

  /** One connection, from its start to its end. */
  async #connection() {
    const options = { transports: transports.split(','), forceNew: true, reconnection: false, timeout: 5000 };
    const socket = io(this.proxy.url, options);
    const ended = new Promise((resolve) => {
      for (const event of ['disconnect', 'connect_error', 'error']) socket.on(event, resolve);
    });
    for (const event of EVENTS) socket.on(event, (data) => this.#arrived(event, data, socket));
    socket.on('connect', () => {
      const { userId, accessToken } = this.login;
      const resume = this.sessionId ? { sessionId: this.sessionId, lastEventId: this.lastEventId } : {};
      socket.emit('register-user', { userId, accessToken, ...resume }, (ack) => {
        if (ack?.ok !== true) fail(`${this.name}: register-user was refused: ${JSON.stringify(ack)}`);
        this.line = { socket, ended };
      });
    });
    await ended;
    this.line = null;
    this.stale = socket;
    socket.close();
  }

  #arrived(event, data, socket) {
    if (socket === this.stale) return;
    if (event === 'registered') {
      this.registrations += 1;
      this.resumed = data.sessionId === this.sessionId;
      if (!this.resumed) this.lastEventId = 0;
      this.sessionId = data.sessionId;
      return;
    }
    if (data.eventId !== undefined) {
      if (data.eventId !== this.lastEventId + 1) fail(`${this.name}: after ${this.lastEventId} came ${JSON.stringify(data)}`);
      this.lastEventId = data.eventId;
    }
    this.heard.push([event, data]);
  }

  /** Goes without a goodbye, and comes back when it is told to. */
  async leave() {
    await this.connected();
    this.away = this.proxy.down = true;
    this.proxy.cutAll();
    await until(`${this.name} is gone`, () => this.line === null);
  }

  async connected() {
    this.away = this.proxy.down = false;
    await until(`${this.name} is connected`, () => this.line !== null);
  }

  /** Sends until it is acknowledged; how often that was. */
  async send(event, data) {
    for (let times = 1; ; times += 1) {
      await this.connected();
      const { socket, ended } = this.line;
      const acknowledged = new Promise((resolve) => socket.emit(event, data, resolve));
      const ack = await Promise.race([acknowledged, ended.then(() => null)]);
      if (ack?.ok === false) fail(`${this.name}: ${event} was refused: ${JSON.stringify(ack)}`);
      if (ack?.ok) return times;
    }
  }

  /** Checks that exactly these events have come since it was last asked. */
  async hears(...names) {
    await until(`${this.name} hears ${names}; heard ${JSON.stringify(this.heard)}`, () => this.heard.length >= names.length);
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => this.line.socket.emit('leave-call', { callId: '0'.repeat(32) }, resolve));
    const heard = this.heard.splice(0);
    assert.deepEqual(heard.map(([name]) => name), names, `${this.name} heard ${JSON.stringify(heard)}`);
    return heard.map(([, data]) => data);
  }

  async post(where, body, status) {
    const { userId, accessToken } = this.login;
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(stage.url + where, { method: 'POST', headers, body: JSON.stringify({ userId, accessToken, ...body }) });
    const text = await response.text();
    assert.equal(response.status, status, `${this.name}: ${where} answers ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

async function until(what, is) {
  const limit = Date.now() + LIMIT_MS;
  while (!is()) {
    if (Date.now() > limit) fail(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(5);
  }
}

function fail(message) {
  console.error(String(message?.stack ?? message));
  process.exit(1);
}

async function talk() {
  const [forAlice, forBob] = [new Proxy(), new Proxy()];
  await Promise.all([forAlice.listen(), forBob.listen()]);
  const alice = new Phone('alice', stage.alice, forAlice);
  const bob = new Phone('bob', stage.bob, forBob);
  await Promise.all([alice.connected(), bob.connected()]);
  const { callId } = await alice.post('/api/calls/initiate', { roomId: stage.roomId, callType: 'voice' }, 201);
  await bob.hears('incoming-call');
  await bob.post(`/api/calls/${callId}/answer`, {}, 200);
  for (const phone of [alice, bob]) await phone.send('join-call', { callId });
  await alice.hears('call-answered', 'user-joined');
  return { alice, bob, callId };
}

const candidate = (callId, n) => ({ callId, candidate: { candidate: `number ${n}`, number: n } });

async function scenes() {
  const { alice, bob, callId } = await talk();
  const { sessionId } = bob;
  await bob.leave();
  for (let n = 0; n < 20; n += 1) await alice.send('ice-candidate', candidate(callId, n));
  await alice.send('toggle-audio', { callId, enabled: false });
  await alice.hears('audio-toggled');
  await bob.connected();
  assert.equal(bob.sessionId, sessionId, 'bob goes on with the same session');
  const missed = await bob.hears(...Array(20).fill('ice-candidate'), 'audio-toggled');
  assert.deepEqual(missed.slice(0, 20).map((data) => data.candidate.number), [...Array(20).keys()]);
  await alice.hears();
  await alice.send('ice-candidate', candidate(callId, 20));
  await bob.hears('ice-candidate');

  await bob.leave();
  bob.sessionId = alice.sessionId;
  await bob.connected();
  assert.notEqual(bob.sessionId, alice.sessionId, "alice's session is hers");
  const [resync] = await bob.hears('resync');
  assert.equal(resync.eventId, undefined);
  assert.deepEqual(resync.calls.map((call) => [call.callId, call.status]), [[callId, 'active']]);
  await bob.send('join-call', { callId });
  await alice.hears('user-joined');

  await bob.leave();
  for (let n = 0; n < 600; n += 1) await alice.send('ice-candidate', candidate(callId, n));
  await bob.connected();
  await bob.hears('resync');
  await bob.send('join-call', { callId });
  await alice.hears('user-joined');
  await bob.hears();
  await bob.leave();
  await alice.post(`/api/calls/${callId}/end`, {}, 200);
  await bob.connected();
  const [ended] = await bob.hears('call-ended');
  assert.equal(ended.reason, 'hangup');
}

/** Sends five signals a second. How often each was sent. */
async function sendAll(phone, callId, count) {
  const began = Date.now();
  const times = [];
  for (let n = 0; n < count; n += 1) {
    await sleep(began + n * 200 - Date.now());
    times.push(await phone.send('ice-candidate', candidate(callId, n)));
  }
  return times;
}

/** What arrived is what was sent; a signal that its sender had to repeat may have come that often, in one run. */
function compare(name, times, heard) {
  const numbers = heard.map(([event, data]) => {
    assert.equal(event, 'ice-candidate', `${name} heard ${JSON.stringify(data)}`);
    return data.candidate.number;
  });
  const came = times.map(() => 0);
  const order = numbers.filter((number, index) => ((came[number] += 1), number !== numbers[index - 1]));
  assert.deepEqual(order, [...times.keys()], `${name}: a gap, or another order`);
  came.forEach((count, number) => assert.ok(count <= times[number], `${name}: ${number} came ${count} times, was sent ${times[number]}`));
}

async function cuts() {
  const seed = Number(process.env.RINGBACK_E2E_SEED ?? randomInt(2 ** 31));
  console.error(`to repeat this: RINGBACK_E2E_SEED=${seed}`);
  const next = random(seed);
  const { alice, bob, callId } = await talk();
  const count = Number(seconds) * 5;
  let cutting = true;
  const cut = async ({ proxy }) => {
    while (cutting) {
      await sleep(1000 + next() * 4000);
      proxy.cutAll();
    }
  };
  cut(alice);
  cut(bob);
  const [ofAlice, ofBob] = await Promise.all([sendAll(alice, callId, count), sendAll(bob, callId, count)]);
  cutting = false;
  const last = (phone) => phone.heard.at(-1)?.[1].candidate?.number === count - 1;
  await until('the last signals have come', () => last(alice) && last(bob));
  compare('bob', ofAlice, bob.heard);
  compare('alice', ofBob, alice.heard);
  const times = alice.registrations + bob.registrations - 2;
  assert.ok(times >= Number(seconds) / 5, `the connections were lost only ${times} times`);
  const again = [...ofAlice, ...ofBob].filter((count) => count > 1).length;
  console.log(`${2 * count} signals, ${times} lost connections, ${again} signals sent again`);
}

(Number(seconds) ? cuts() : scenes()).then(() => process.exit(0), fail);
