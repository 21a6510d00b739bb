import { io, type Socket } from 'socket.io-client';
import { local, refusal, RingbackError } from './errors.js';
import { noToken, type TokenSource } from './http.js';
import type { Registered, ServerEvent } from './wire.js';

export type LinkState = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'refused';

export interface ConnectionOptions {
  url: string;
  userId: string;
  token: TokenSource;
  transports: ('websocket' | 'polling')[];
  onState(state: LinkState, retryInMs: number | null): void;
  /** Registered; `resumed`: nothing was missed. Else `resync` tells what there is, always where there was a session before. */
  onRegistered(registered: Registered, resumed: boolean, otherNetwork: boolean): void;
  onEvent(event: ServerEvent): void;
  onRefused(error: RingbackError): void;
}

interface Message {
  name: string;
  data: object;
  done(ack: Ack): void;
  failed(error: RingbackError): void;
}
type Ack = { ok: boolean } & Record<string, unknown>;

const ACK_MS = 10_000;
const PAUSES_MS = [0, 500, 1000, 2000, 4000, 8000, 15_000];

/**
 * One socket that registers, comes back by itself and resumes. What was sent and not acknowledged is sent again after
 * it has resumed, in the same order; after a start from nothing it is dropped, for the peers negotiate anew then.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  #state: LinkState = 'idle';
  #session: { id: string; lastEventId: number } | null = null;
  #outbox: Message[] = [];
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pauseMs: number | null = null;
  #otherNetwork = false;
  #lastToken: string | undefined;
  #waiting = new Set<() => void>();
  #undo: (() => void)[] = [];

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const url = new URL(options.url.replace(/^ws/, 'http'));
    this.#socket = io(url.origin, {
      path: `${url.pathname.replace(/\/+$/, '')}/socket.io/`,
      transports: options.transports,
      autoConnect: false,
      forceNew: true,
      reconnection: false, // done here: the pause is shown, and may be cut short
      timeout: ACK_MS,
    });
    this.#socket.on('connect', () => void this.#register());
    this.#socket.on('connect_error', () => this.#again());
    this.#socket.on('disconnect', (reason) => this.#lost(reason));
    this.#socket.onAny((name: string, data: unknown) => this.#arrived(name, data));
  }

  get sessionId(): string | null {
    return this.#session?.id ?? null;
  }

  get isOnline(): boolean {
    return this.#state === 'online';
  }

  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'refused') return;
    this.#watchNetwork();
    this.#lastToken = undefined;
    this.#tries = 0;
    this.#say('connecting');
    this.#socket.connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const undo of this.#undo.splice(0)) undo();
    this.#session = null;
    this.#drop('The connection was closed.');
    this.#say('idle');
    this.#socket.disconnect();
  }

  /** At once, with a new connection; what is under way goes on. */
  reconnectNow(): void {
    if (this.#state === 'idle' || this.#state === 'refused') return;
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#say(this.#session ? 'reconnecting' : 'connecting');
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** Resolves when registered; fails after this time, and where the token is refused. */
  async ready(timeoutMs: number): Promise<void> {
    if (this.#state === 'online') return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(local('CLIENT_NETWORK', 'The server cannot be reached.'))), timeoutMs);
      const look = () => {
        if (this.#state === 'online') settle(resolve);
        else if (this.#state === 'refused') settle(() => reject(noToken()));
        else if (this.#state === 'idle') settle(() => reject(local('CLIENT_STATE', 'The client was not started, or was stopped.')));
      };
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        end();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Sends, now or when registered, and resolves with the acknowledgement. */
  ask<T extends object>(name: string, data: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const message: Message = {
        name,
        data,
        done: (ack) => (ack.ok ? resolve(ack as unknown as T) : reject(refusal(ack))),
        failed: reject,
      };
      this.#outbox.push(message);
      if (this.#state === 'online') this.#send(message);
    });
  }

  #send(message: Message): void {
    this.#socket.timeout(ACK_MS).emit(message.name, message.data, (failed: Error | null, ack: Ack) => {
      const index = this.#outbox.indexOf(message);
      if (index < 0) return;
      if (failed) {
        // A connection that swallows messages is dead, though nobody has noticed yet.
        if (this.#state === 'online' && this.#socket.connected) this.reconnectNow();
        return;
      }
      this.#outbox.splice(index, 1);
      message.done(ack);
    });
  }

  async #register(): Promise<void> {
    const token = await this.#options.token(this.#lastToken).catch(() => undefined);
    if (token === undefined) return this.#giveUp();
    if (token === null) return this.#refuse(noToken());
    if (!this.#socket.connected) return;
    const { userId } = this.#options;
    const resume = this.#session ? { sessionId: this.#session.id, lastEventId: this.#session.lastEventId } : {};
    const connection = this.#socket.id;
    this.#socket.timeout(ACK_MS).emit('register-user', { userId, accessToken: token, ...resume }, (failed: Error | null, ack: Ack) => {
      if (this.#socket.id !== connection || this.#state === 'idle') return;
      if (failed) return this.#giveUp();
      if (!ack.ok) return this.#notRegistered(refusal(ack), token);
      this.#online();
    });
  }

  #online(): void {
    this.#tries = 0;
    this.#lastToken = undefined;
    this.#say('online');
    for (const message of [...this.#outbox]) this.#send(message);
  }

  #notRegistered(error: RingbackError, token: string): void {
    if (error.errcode === 'M_UNKNOWN_TOKEN') {
      this.#lastToken = token; // the source may have a newer one
      void this.#options.token(token).then((newer) => (newer ? this.reconnectNow() : this.#refuse(error)), () => this.#refuse(error));
      return;
    }
    if (['M_FORBIDDEN', 'M_MISSING_TOKEN', 'M_INVALID_PARAM', 'M_BAD_JSON'].includes(error.errcode)) return this.#refuse(error);
    this.#giveUp();
  }

  #refuse(error: RingbackError): void {
    clearTimeout(this.#timer);
    this.#drop(error.message);
    this.#say('refused');
    this.#socket.disconnect();
    this.#options.onRefused(error);
  }

  #arrived(name: string, data: unknown): void {
    if (typeof data !== 'object' || data === null) return;
    const { eventId } = data as { eventId?: unknown };
    const event = { name, data } as ServerEvent;
    if (event.name === 'registered') this.#registered(event.data);
    if (this.#session && typeof eventId === 'number') {
      if (eventId <= this.#session.lastEventId) return; // told twice
      this.#session.lastEventId = eventId;
    }
    if (event.name === 'server-shutdown') this.#pauseMs = event.data.reconnectAfterMs;
    this.#options.onEvent(event);
  }

  #registered(registered: Registered): void {
    const resumed = registered.sessionId === this.#session?.id;
    if (!resumed) {
      this.#session = { id: registered.sessionId, lastEventId: 0 };
      // Signals are made anew for the new session; coming in is as needed as before.
      for (const message of this.#outbox.filter(({ name }) => name !== 'join-call')) this.#dropOne(message, 'The session was lost.');
    }
    this.#options.onRegistered(registered, resumed, this.#otherNetwork);
    this.#otherNetwork = false;
  }

  /** This connection is of no use: close it and try again later. */
  #giveUp(): void {
    this.#socket.disconnect();
    this.#again();
  }

  #lost(reason: Socket.DisconnectReason): void {
    if (reason !== 'io client disconnect') this.#again();
  }

  /** Tries again after a pause that grows, and is never the same for all clients of a server that was away. */
  #again(): void {
    if (this.#state === 'idle' || this.#state === 'refused') return;
    clearTimeout(this.#timer);
    const step = PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)] ?? 0;
    const pause = Math.round((this.#pauseMs ?? step) * (1 + Math.random() / 2));
    this.#pauseMs = null;
    this.#tries += 1;
    this.#say(this.#session ? 'reconnecting' : 'connecting', pause);
    this.#timer = setTimeout(() => {
      this.#say(this.#session ? 'reconnecting' : 'connecting');
      this.#socket.connect();
    }, pause);
  }

  #drop(why: string): void {
    for (const message of this.#outbox) this.#dropOne(message, why);
  }

  #dropOne(message: Message, why: string): void {
    this.#outbox = this.#outbox.filter((one) => one !== message);
    message.failed(local('CLIENT_NETWORK', why));
  }

  #say(state: LinkState, retryInMs: number | null = null): void {
    this.#state = state;
    this.#options.onState(state, retryInMs);
    for (const look of [...this.#waiting]) look();
  }

  /** Another network means another address: the old connection is dead, whatever the browser thinks. */
  #watchNetwork(): void {
    if (this.#undo.length > 0 || typeof window === 'undefined') return;
    const listen = (target: EventTarget, name: string, listener: (event: Event) => void) => {
      target.addEventListener(name, listener);
      this.#undo.push(() => target.removeEventListener(name, listener));
    };
    const moved = () => {
      this.#otherNetwork = true;
      this.reconnectNow();
    };
    listen(window, 'online', moved);
    listen(window, 'pageshow', (event) => (event as PageTransitionEvent).persisted && this.reconnectNow());
    // Timers sleep in hidden pages.
    listen(document, 'visibilitychange', () => !document.hidden && !this.isOnline && this.#timer && this.reconnectNow());
    const network = (navigator as { connection?: EventTarget & { type?: string } }).connection;
    if (!network) return;
    let type = network.type;
    listen(network, 'change', () => {
      if (network.type === type) return; // estimates of speed change all the time
      type = network.type;
      moved();
    });
  }
}
