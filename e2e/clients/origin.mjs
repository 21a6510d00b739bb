// What a client does that knows nothing but its homeserver's origin: `node origin.mjs ORIGIN WAY...`, with the tokens of a caller
// and a callee, who share a room, in the environment. A WAY is `websocket`, `polling` or `upgrade` (Socket.IO), or `plain` or
// `plain/ws` (a WebSocket at the root and at /ws): by each a call rings, is answered and is ended. Or it is `well-known`: what the
// origin has there must lead to the same place.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const [origin, ...ways] = process.argv.slice(2);
const [callerToken, calleeToken] = JSON.parse(process.env.RINGBACK_E2E_TOKENS);
const require = createRequire(path.join(process.env.RINGBACK_E2E_NODE, 'package.json'));
const { io } = require('socket.io-client');
const WebSocket = createRequire(require.resolve('wscat/package.json'))('ws');
const LIMIT_MS = 10_000;

async function json(url, token, body) {
  const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) };
  const response = await fetch(url, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) });
  const text = await response.text();
  assert.ok(response.ok, `${url} answers ${response.status} ${text}`);
  return JSON.parse(text);
}

/** One device of a user. All that it is told is the origin and the token. */
class Phone {
  constructor(name, token) {
    this.name = name;
    this.token = token;
    this.kept = [];
    this.wake = () => {};
  }

  async findOut() {
    this.config = await json(`${origin}/call-config.json`, this.token);
    const servers = this.config.iceServers.filter(({ username }) => username);
    const matrix = `${this.config.homeserverUrl}/_matrix/client/v3`;
    this.userId = (await json(`${matrix}/account/whoami`, this.token)).user_id;
    assert.ok(servers.length > 0, `${this.name} has no TURN`);
    assert.ok(servers.every(({ username }) => username.endsWith(`:${this.userId}`)), `${this.name} has somebody else's TURN`);
    [this.roomId] = (await json(`${matrix}/joined_rooms`, this.token)).joined_rooms;
  }

  async connect(way) {
    const registered = { userId: this.userId, accessToken: this.token };
    if (way.startsWith('plain')) {
      const url = this.config.websocketUrl.replace(/^http/, 'ws') + way.slice('plain'.length);
      const socket = new WebSocket(url);
      socket.on('message', (text) => {
        const { type, ...data } = JSON.parse(text);
        this.#arrived(type, data);
      });
      socket.on('error', (error) => fail(`${this.name}: ${url}: ${error}`));
      await new Promise((resolve) => socket.on('open', resolve));
      socket.send(JSON.stringify({ type: 'register-user', ...registered }));
      this.close = () => socket.close();
    } else {
      const transports = way === 'upgrade' ? ['polling', 'websocket'] : [way];
      const socket = io(this.config.websocketUrl, { transports, forceNew: true, reconnection: false });
      socket.onAny((event, data) => this.#arrived(event, data));
      socket.on('connect_error', (error) => fail(`${this.name}: ${this.config.websocketUrl} by ${way}: ${error}`));
      await new Promise((resolve) => socket.on('connect', resolve));
      const { engine } = socket.io;
      if (way === 'upgrade' && engine.transport.name !== 'websocket') {
        await within(`${this.name}: no upgrade`, (done) => engine.once('upgrade', done));
      }
      assert.equal(engine.transport.name, way === 'upgrade' ? 'websocket' : way);
      socket.emit('register-user', registered);
      this.close = () => socket.close();
    }
    await this.hears('registered');
  }

  #arrived(event, data) {
    this.kept.push([event, data]);
    this.wake();
  }

  async hears(event) {
    for (;;) {
      const index = this.kept.findIndex(([name]) => name === event);
      if (index >= 0) return this.kept.splice(index, 1)[0][1];
      await within(`${this.name}: no ${event}; heard: ${this.kept.map(([name]) => name)}`, (done) => (this.wake = done));
    }
  }

  post(action, body = {}) {
    return json(`${this.config.baseUrl}/api/calls/${action}`, this.token, body);
  }
}

function within(complaint, promised) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(complaint)), LIMIT_MS);
    promised(() => (clearTimeout(timer), resolve()));
  });
}

async function call(way) {
  const [caller, callee] = [new Phone('caller', callerToken), new Phone('callee', calleeToken)];
  await Promise.all([caller.findOut(), callee.findOut()]);
  await Promise.all([caller.connect(way), callee.connect(way)]);
  const { callId } = await caller.post('initiate', { roomId: caller.roomId, callType: 'voice' });
  const ring = await callee.hears('incoming-call');
  assert.equal(ring.callId, callId);
  assert.equal(ring.baseUrl, callee.config.baseUrl, 'a ring must name the address that the callee knows');
  await callee.post(`${callId}/answer`);
  assert.equal((await caller.hears('call-answered')).answeredBy, callee.userId);
  await caller.post(`${callId}/end`);
  await callee.hears('call-ended');
  caller.close();
  callee.close();
  console.log(`rang by ${way} at ${callee.config.websocketUrl}`);
}

async function wellKnown() {
  const { baseUrl } = await json(`${origin}/call-config.json`, callerToken);
  const told = await json(`${origin}/.well-known/matrix/client`, callerToken);
  assert.equal(told['dev.ringback.call']?.base_url, baseUrl, 'the two ways to find it differ');
}

function fail(error) {
  console.error(error);
  process.exit(1);
}

async function main() {
  for (const way of ways) await (way === 'well-known' ? wellKnown() : call(way));
}

main().then(() => process.exit(0), fail);
