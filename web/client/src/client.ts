import { Call } from './call.js';
import type { CallHost } from './call-rules.js';
import { Connection } from './connection.js';
import { Http, tokenSource } from './http.js';
import { Observable, shielded } from './store.js';
import { choiceOf, Tab } from './tab.js';
import type { ClientEvents, ClientOptions, ClientSnapshot, DialOptions, JoinOptions } from './types.js';
import type { CallEvent, HistoryPage, IncomingCall, ResyncCall, ServerEvent } from './wire.js';

type Listener<E extends keyof ClientEvents> = (event: ClientEvents[E]) => void;

/** `until`: when it would have stopped ringing, for a later ring is an invitation. */
interface Finished {
  until: number;
  wasEnded: boolean;
  isElsewhere: boolean;
}

const PAGES = 5;
const FINISHED = 200;

/** One user on one device: the connection to the server, and the calls. */
export class RingbackClient extends Observable<ClientSnapshot> {
  readonly userId: string;
  readonly #http: Http;
  readonly #connection: Connection;
  readonly #host: CallHost;
  readonly #tab: Tab;
  readonly #listeners = new Map<keyof ClientEvents, Set<Listener<never>>>();
  /** Server time minus local time, in ms. */
  #clockAhead = 0;
  /** Events for calls that nobody here knows, while a request of ours is under way: one of them may be ours. */
  #unknown = new Map<string, CallEvent[]>();
  /** Rings of rooms that are just being dialled from here: it may be the same call. */
  #held = new Map<string, IncomingCall>();
  /** Calls that are over for this page. */
  #finished = new Map<string, Finished>();

  constructor({ config, userId, accessToken, rtc = {}, rejoinKey = 'ringback-call', transports = ['websocket', 'polling'] }: ClientOptions) {
    super({ connection: 'idle', deviceId: null, retryInMs: null, calls: [] });
    const token = tokenSource(accessToken);
    this.userId = userId;
    this.#tab = new Tab(rejoinKey);
    this.#http = new Http(config.baseUrl, token);
    this.#connection = new Connection({
      url: config.websocketUrl,
      userId,
      token,
      transports,
      onState: (connection, retryInMs) => this.update({ connection, retryInMs }),
      onRegistered: ({ deviceId, serverTime }, resumed, otherNetwork) => {
        this.#clockAhead = Date.parse(serverTime) - Date.now();
        this.update({ deviceId });
        this.#tab.open(`${userId}|${deviceId}`, (callId) => this.#find(callId)?.takenByTab());
        if (resumed) for (const call of this.snapshot.calls) call.connectionIsBack(otherNetwork);
      },
      onEvent: (event) => this.#handle(event),
      onRefused: (error) => this.#emit('refused', { error }),
    });
    this.#host = this.#callHost(rtc);
  }

  /** Connects and stays connected; incoming calls arrive from now on. */
  start(): void {
    this.#connection.start();
  }

  /** Closes the connection and what is left of calls here. To leave a call, hang up first. */
  stop(): void {
    this.#connection.stop();
    this.#tab.close();
    for (const call of this.#live()) call.close();
    this.update({ calls: [], deviceId: null });
  }

  /** At once, without waiting for the pause to end. */
  reconnectNow(): void {
    this.#connection.reconnectNow();
  }

  /**
   * Calls the room. The call is there at once, with the phase `calling`; what fails is said in its snapshot.
   * A call of the room that rings here is answered instead, and one that is under way is given back.
   */
  call(roomId: string, options: DialOptions): Call {
    const present = this.#live().find(({ snapshot }) => snapshot.roomId === roomId);
    if (present) {
      // A room has one call at most.
      if (!present.isLive) void present.accept({ media: options.media ?? {} }).catch(() => {}); // it is in the snapshot
      return present;
    }
    const start = { roomId, type: options.type, direction: 'outgoing', phase: 'calling', initiatorId: this.userId } as const;
    const call = this.#add(new Call(this.#host, start, options.media));
    void call.dial(options).finally(() => this.#dialled(call));
    return call;
  }

  /** Comes into a call of a room that is under way. */
  join(callId: string, options: JoinOptions = {}): Call {
    const known = this.#find(callId);
    if (known) {
      void known.accept({ media: options.media ?? {} }).catch(() => {}); // it is in the snapshot
      return known;
    }
    const { roomId = '', type = 'voice', media } = options;
    const call = this.#add(new Call(this.#host, { callId, roomId, type, direction: 'joined', phase: 'connecting', initiatorId: '' }, media));
    void call.enterByJoin(options);
    return call;
  }

  /** Calls that are over, newest first; `limit` is 1 to 100. */
  history({ limit, from }: { limit?: number; from?: string } = {}): Promise<HistoryPage> {
    const query = new URLSearchParams();
    if (limit !== undefined) query.set('limit', String(limit));
    if (from !== undefined) query.set('from', from);
    return this.#http.get(`/api/calls/history?${query}`, { retryForMs: 5000 });
  }

  /** Missed calls that nobody has looked at, among the last 500. */
  async missedCount(): Promise<number> {
    let count = 0;
    let from: string | undefined;
    for (let page = 0; page < PAGES; page += 1) {
      const { calls, nextBatch } = await this.history({ limit: 100, ...(from !== undefined && { from }) });
      count += calls.filter(({ missed, seen }) => missed && !seen).length;
      if (!nextBatch) break;
      from = nextBatch;
    }
    return count;
  }

  /** Says for all devices of the user that these calls (all, if left out) have been looked at. */
  async markSeen(callIds?: string[]): Promise<void> {
    await this.#http.post('/api/calls/history/seen', callIds ? { callIds } : {}, { retryForMs: 5000 });
    this.#emit('history-changed', {});
  }

  /** Returns the function that stops listening. */
  on<E extends keyof ClientEvents>(event: E, listener: Listener<E>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  // ---

  #emit<E extends keyof ClientEvents>(event: E, data: ClientEvents[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) shielded(() => (listener as Listener<E>)(data));
  }

  #callHost(rtc: RTCConfiguration): CallHost {
    const deviceId = () => this.snapshot.deviceId;
    return {
      userId: this.userId,
      get deviceId() {
        return deviceId();
      },
      http: this.#http,
      connection: this.#connection,
      rtc,
      endings: new Map(),
      localTime: (time) => Date.parse(time) - this.#clockAhead,
      identified: (call) => this.#identified(call),
      entered: (call) => this.#entered(call),
      stateChanged: (call) => this.#remember(call),
      stoppedRinging: (call) => this.#emit('stopped-ringing', { call }),
      over: (call) => this.#over(call),
      dismiss: (call) => this.update({ calls: this.snapshot.calls.filter((one) => one !== call) }),
    };
  }

  #live(): Call[] {
    return this.snapshot.calls.filter((call) => call.snapshot.phase !== 'over');
  }

  #find(callId: string): Call | undefined {
    return this.#live().find((call) => call.snapshot.callId === callId);
  }

  #add(call: Call): Call {
    this.update({ calls: [...this.snapshot.calls, call] });
    return call;
  }

  get #isDialling(): boolean {
    return this.#live().some((call) => call.snapshot.callId === null);
  }

  #handle(event: ServerEvent): void {
    this.#emit('event', event);
    switch (event.name) {
      case 'registered':
      case 'server-shutdown':
      case 'call-error':
        return;
      case 'resync':
        return this.#resync(event.data.calls);
      case 'incoming-call':
        return this.#incoming(event.data);
      default:
        return this.#forCall(event);
    }
  }

  #forCall(event: CallEvent): void {
    const { callId } = event.data;
    const call = this.#find(callId);
    if (call) return call.handle(event);
    this.#held.delete(event.name === 'call-ended' || event.name === 'call-handled-elsewhere' ? callId : '');
    if (event.name === 'call-ended') this.#emit('history-changed', {});
    if (this.#isDialling && !this.#finished.has(callId)) this.#unknown.set(callId, [...(this.#unknown.get(callId) ?? []), event]);
  }

  #incoming(ring: IncomingCall): void {
    const { callId, roomId } = ring;
    if (this.#find(callId)) return; // told twice, or just being answered
    const expiresAt = this.#host.localTime(ring.expiresAt);
    if ((this.#finished.get(callId)?.until ?? 0) >= expiresAt - 1000) return;
    if (this.#live().some(({ snapshot }) => snapshot.callId === null && snapshot.roomId === roomId)) {
      this.#held.set(callId, ring);
      return;
    }
    const { callType: type, callerName, initiatorId, callerId } = ring;
    const others = [{ userId: callerId, status: 'joined' as const }];
    const call = this.#add(new Call(this.#host, { callId, roomId, type, callerName, initiatorId, others, direction: 'incoming', phase: 'incoming' }));
    call.ring(ring);
    this.#emit('incoming', { call });
  }

  /** Its id is known: what came for it meanwhile follows. */
  #identified(call: Call): void {
    const { callId } = call.snapshot;
    if (callId === null) return;
    this.#held.delete(callId);
    const events = this.#unknown.get(callId) ?? [];
    this.#unknown.delete(callId);
    for (const event of events) call.handle(event);
    if (call.snapshot.phase === 'over') this.#finish(call);
  }

  /** Whatever came of it: what was held back for its sake is let go. */
  #dialled(call: Call): void {
    for (const [callId, ring] of [...this.#held]) {
      if (ring.roomId !== call.snapshot.roomId) continue;
      this.#held.delete(callId);
      this.#incoming(ring);
    }
    if (!this.#isDialling) this.#unknown.clear();
  }

  /** The server knows nothing of our session: what it lists is all there is. */
  #resync(listed: ResyncCall[]): void {
    for (const call of this.#live()) {
      const { callId } = call.snapshot;
      if (callId === null || call.isEntering || listed.some((one) => one.callId === callId)) continue;
      call.vanished();
    }
    for (const listing of listed) {
      const known = this.#find(listing.callId);
      if (!known) this.#discovered(listing);
      else if (!known.isEntering) known.resynced(listing);
    }
  }

  /** A call of ours that this page does not show. */
  #discovered(listing: ResyncCall): void {
    const { callId, roomId, callType: type, initiatorId } = listing;
    const own = listing.participants.find(({ userId }) => userId === this.userId);
    if (own?.status !== 'joined' || this.#isDialling) return; // what rings comes as `incoming-call`
    const isOurs = own.devices.includes(this.snapshot.deviceId ?? '');
    const finished = this.#finished.get(callId);
    if (finished?.isElsewhere) return;
    if (finished?.wasEnded) {
      // Hung up here while the server could not be reached.
      if (isOurs) void this.#http.post(`/api/calls/${callId}/end`, {}, { retryForMs: 20_000 }).catch(() => {});
      return;
    }
    const phase = isOurs ? 'rejoinable' : 'elsewhere';
    const call = this.#add(new Call(this.#host, { callId, roomId, type, initiatorId, direction: initiatorId === this.userId ? 'outgoing' : 'joined', phase }));
    call.resynced(listing);
    const remembered = this.#tab.remembered();
    const wasHere = remembered?.callId === callId || (remembered?.callId === null && remembered.roomId === roomId);
    if (isOurs && remembered && wasHere) void call.rejoin({ media: choiceOf(remembered) }).catch(() => {});
  }

  #entered(call: Call): void {
    const { callId } = call.snapshot;
    if (callId !== null) this.#tab.enter(callId);
    this.#remember(call);
  }

  #remember(call: Call): void {
    const { callId, roomId, phase, local } = call.snapshot;
    if (call.isLive || phase === 'calling') this.#tab.remember({ callId, roomId, audio: local.microphoneOn, video: local.cameraOn });
  }

  #over(call: Call): void {
    this.#finish(call);
    this.#emit('over', { call });
    this.#emit('history-changed', {});
  }

  #finish(call: Call): void {
    const { callId, expiresAt, outcome } = call.snapshot;
    this.#tab.forget(call.snapshot);
    if (callId === null) return;
    const until = Math.max(expiresAt ?? 0, this.#finished.get(callId)?.until ?? 0);
    const isElsewhere = outcome === 'answered-elsewhere' || outcome === 'rejected-elsewhere';
    this.#finished.set(callId, { until, isElsewhere, wasEnded: call.wasEnded });
    const [oldest] = this.#finished.keys();
    if (this.#finished.size > FINISHED && oldest !== undefined) this.#finished.delete(oldest);
  }
}
