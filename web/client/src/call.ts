import { type CallHost, END_RETRY_MS, ignoreRefusal, isLivePhase, outcomeOf, othersWith, OVERDUE_MS, randomKey, readStatus, READY_MS, RETRY_MS, settledOutcome, UNKNOWN } from './call-rules.js';
import { local, type RingbackError } from './errors.js';
import { Media } from './media.js';
import { Mesh, type Signalled } from './mesh.js';
import { Observable } from './store.js';
import type { CallOutcome, CallPhase, CallSnapshot, DialOptions, JoinOptions, MediaChoice } from './types.js';
import type { CallEvent, EndReason, Entered, IncomingCall, Initiated, ParticipantStatus, ResyncCall, StatusAnswer } from './wire.js';

/** One call, from the first ring to the end, as this page sees it. */
export class Call extends Observable<CallSnapshot> {
  readonly #host: CallHost;
  #media!: Media;
  #mesh: Mesh | null = null;
  #unwatch: () => void = () => {};
  /** Signals that come before the answer to our request. */
  #early: Signalled[] = [];
  /** A request that brings this page into the call is under way. */
  #entering = false;
  #wasConnected = false;
  #rejectedBecause: string | undefined;
  #reached: number | null = null;
  /** The user has ended it here. */
  #wasEnded = false;
  /** Grows with each event, for answers that one of them overtakes. */
  #news = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal Use `RingbackClient`. */
  constructor(host: CallHost, start: Pick<CallSnapshot, 'roomId' | 'type' | 'direction' | 'phase' | 'initiatorId'> & Partial<CallSnapshot>, choice: MediaChoice = {}) {
    const media = new Media(start.type, choice);
    super({ ...UNKNOWN, local: media.snapshot, ...start });
    this.#host = host;
    this.#watchMedia(media);
  }

  // --- what the user does

  /** Answers a call that rings here. Resolves when the server has it; what fails ends up in the snapshot too. */
  async accept({ media = {} }: { media?: MediaChoice } = {}): Promise<void> {
    const { phase } = this.snapshot;
    if (phase === 'rejoinable' || phase === 'elsewhere') return this.rejoin({ media });
    if (phase !== 'incoming') throw this.#wrongState('is not ringing');
    this.#begin(media);
    this.#host.stoppedRinging(this);
    await this.#enter(() => this.#post<Entered>('answer', this.#session(), RETRY_MS));
  }

  /** Declines; at most 255 bytes, `busy` for who is in another call. */
  async reject(reason?: string): Promise<void> {
    if (this.snapshot.phase !== 'incoming') throw this.#wrongState('is not ringing');
    this.#over('rejected');
    await this.#end('reject', { ...this.#session(), ...(reason !== undefined && { reason }) });
  }

  /** Out of the call, at once; the server hears of it as soon as it can be reached. `forAll`: the caller ends a group. */
  async hangUp({ forAll = false }: { forAll?: boolean } = {}): Promise<void> {
    const { phase, callId, initiatorId, isGroup } = this.snapshot;
    if (phase === 'over') return;
    if (phase === 'incoming') return this.reject();
    this.#wasEnded = true;
    const cancels = phase === 'calling' || phase === 'ringing';
    this.#over(cancels ? 'cancelled' : isGroup && !forAll ? 'left' : 'ended');
    if (callId === null) return; // `#dial` ends it when its id is known
    const all = forAll && initiatorId === this.#host.userId ? { forAll } : {};
    await this.#end('end', all);
  }

  /** Comes back into a call that this device or another one of the user is in. */
  async rejoin({ media = {} }: { media?: MediaChoice } = {}): Promise<void> {
    const { phase, initiatorId, answeredAt } = this.snapshot;
    if (phase !== 'rejoinable' && phase !== 'elsewhere') throw this.#wrongState('cannot be rejoined');
    const rings = initiatorId === this.#host.userId && answeredAt === null;
    this.#begin(media, rings ? 'ringing' : 'connecting');
    await this.#enter();
  }

  /** Rings more members of the room. */
  async invite(userIds: string[]): Promise<void> {
    await this.#post('invite', { userIds });
    this.update({ isGroup: true });
    await this.#lookAround();
  }

  /** Takes a call that is over off the client's list. */
  dismiss(): void {
    if (this.snapshot.phase === 'over') this.#host.dismiss(this);
  }

  // What these cannot get ends up in `local.problem`.
  readonly setMicrophone = (on: boolean): Promise<void> => this.#media.setMicrophone(on);
  readonly setCamera = (on: boolean): Promise<void> => this.#media.setCamera(on);
  readonly setScreen = (on: boolean): Promise<void> => this.#media.setScreen(on);
  readonly switchCamera = (): Promise<void> => this.#media.switchCamera();
  readonly useMicrophone = (deviceId: string): Promise<void> => this.#media.useMicrophone(deviceId);
  readonly useCamera = (deviceId: string): Promise<void> => this.#media.useCamera(deviceId);
  readonly clearProblem = (): void => this.#media.clearProblem();

  // --- what the client does with it

  /** @internal */
  async dial({ type, invitees, ringTimeoutMs, media = {} }: DialOptions): Promise<void> {
    this.#begin(media, 'calling');
    const { roomId } = this.snapshot;
    const body = { roomId, callType: type, ...(invitees && { invitees }), ...(ringTimeoutMs !== undefined && { ringTimeoutMs }) };
    try {
      await this.#host.connection.ready(READY_MS);
      const session = this.#host.connection.sessionId;
      await this.#dialled(await this.#initiate(body), session);
    } catch (error) {
      const { errcode, callId } = error as Partial<RingbackError>;
      if (this.#isOver) return;
      if (errcode === 'RINGBACK_CALL_EXISTS' && callId) return this.#answerInstead(callId);
      this.#fail(error);
    }
  }

  /** @internal */
  async enterByJoin(options: JoinOptions = {}): Promise<void> {
    this.#begin(options.media ?? {});
    try {
      await this.#host.connection.ready(READY_MS);
      await this.#enter();
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
    }
  }

  /** @internal */
  ring(ring: IncomingCall): void {
    const expiresAt = this.#host.localTime(ring.expiresAt);
    this.update({ expiresAt, busy: ring.busy ?? false, callerName: ring.callerName });
    this.#expireAt(expiresAt);
  }

  /** @internal */
  get isEntering(): boolean {
    return this.#entering || this.snapshot.phase === 'calling';
  }

  /** @internal The user has ended it here: it must not come back. */
  get wasEnded(): boolean {
    return this.#wasEnded;
  }

  /** @internal This page takes part. */
  get isLive(): boolean {
    return isLivePhase(this.snapshot.phase);
  }

  /** @internal */
  handle(event: CallEvent): void {
    if (this.#isOver) return;
    this.#news += 1;
    switch (event.name) {
      case 'callee-busy':
        return this.update({ busy: true });
      case 'call-answered':
        this.#mark(event.data.answeredBy, 'joined');
        return this.#answered(Date.now());
      case 'call-rejected':
        this.#rejectedBecause = event.data.reason;
        return this.#mark(event.data.rejectedBy, 'rejected');
      case 'call-handled-elsewhere':
        // For a call that we are in, or just answer, it tells of what was before.
        if (this.snapshot.phase === 'incoming') this.#over(event.data.action === 'answered' ? 'answered-elsewhere' : 'rejected-elsewhere');
        return;
      case 'call-ended':
        return this.#over(this.#outcome(event.data.reason));
      case 'user-joined':
        return this.#joined(event.data.userId, event.data.deviceId);
      case 'user-left':
        return this.#left(event.data.userId, event.data.deviceId);
      case 'webrtc-offer':
      case 'webrtc-answer':
      case 'ice-candidate':
        if (this.#mesh) return this.#mesh.signal(event);
        if (this.isLive && this.#early.length < 1024) this.#early.push(event);
        return;
      case 'audio-toggled':
        return this.#mesh?.setFlags(event.data.userId, { audio: event.data.enabled });
      case 'video-toggled':
        return this.#mesh?.setFlags(event.data.userId, { video: event.data.enabled });
      case 'screen-toggled':
        return; // what is shown follows from the media
    }
  }

  /** @internal The server knows nothing of our session any more, but of the call. */
  resynced(call: ResyncCall): void {
    const own = call.participants.find(({ userId }) => userId === this.#host.userId);
    const hasOurs = own?.devices.includes(this.#host.deviceId ?? '') ?? false;
    this.#take(call);
    if (this.isLive) {
      if (!hasOurs) return own?.status === 'joined' ? this.#over('answered-elsewhere') : this.#over('disconnected');
      this.#mesh?.retain(new Set(call.participants.flatMap(({ userId, devices }) => devices.map((device) => `${userId}|${device}`))));
      void this.#enter().catch(() => {});
    } else if (this.snapshot.phase === 'incoming' && own?.status === 'joined') this.#over('answered-elsewhere');
  }

  /** @internal The server does not name it any more. */
  vanished(): void {
    const { phase } = this.snapshot;
    this.#over(phase === 'incoming' ? 'missed' : phase === 'connected' || phase === 'reconnecting' ? 'disconnected' : 'ended');
  }

  /** @internal Another tab of this device has come into the call. */
  takenByTab(): void {
    if (!this.isLive) return;
    this.#closeMedia();
    this.#watchMedia(new Media(this.snapshot.type));
    this.update({ phase: 'rejoinable', peers: [] });
  }

  /** @internal */
  connectionIsBack(otherNetwork: boolean): void {
    if (otherNetwork) this.#mesh?.networkChanged();
    else this.#mesh?.repairBroken();
  }

  /** @internal */
  close(): void {
    if (!this.#isOver) this.#over('left');
  }

  // ---

  get #isOver(): boolean {
    return this.snapshot.phase === 'over';
  }

  /** The user wants to be in it: devices are opened while the server is asked. */
  #begin(choice: MediaChoice, phase: CallPhase = 'connecting'): void {
    clearTimeout(this.#timer);
    this.#media.choose(this.snapshot.type, choice);
    this.update({ phase, error: null });
    this.#host.stateChanged(this);
    void this.#media.start();
  }

  /** A call that was cancelled meanwhile is asked for to the end: only so is its id known, and it can be ended. */
  async #initiate(body: object): Promise<Initiated> {
    for (;;) {
      try {
        return await this.#host.http.post<Initiated>('/api/calls/initiate', body, { key: randomKey(), retryForMs: RETRY_MS });
      } catch (error) {
        // The call that is in the way is one that we are just ending.
        const ending = this.#host.endings.get((error as Partial<RingbackError>).callId ?? '');
        if (!ending) throw error;
        await ending;
      }
    }
  }

  async #dialled(made: Initiated, session: string | null): Promise<void> {
    const { callId, delivery } = made;
    const expiresAt = this.#host.localTime(made.expiresAt);
    if (this.#isOver) {
      this.update({ callId });
      this.#host.identified(this);
      return void this.#end('end');
    }
    this.#reached = delivery.devices;
    const isGroup = delivery.live + delivery.pending > 1;
    this.update({ callId, phase: 'ringing', expiresAt, isGroup, ringingDevices: delivery.devices, pendingUsers: delivery.pending });
    this.#expireAt(expiresAt);
    this.#openMesh(made.iceServers);
    this.#host.entered(this);
    this.#host.identified(this);
    // The session that asked is gone: the new one must come in.
    if (session !== this.#host.connection.sessionId) return void this.#enter().catch(() => {});
    await this.#lookAround();
    const [other] = this.snapshot.others;
    if (other && this.snapshot.others.length === 1) this.#mesh?.offerEarly(other.userId);
  }

  /** Both have dialled, and the other was first: answer that call; where it is answered already, join it. */
  async #answerInstead(callId: string): Promise<void> {
    this.update({ callId, direction: 'joined', phase: 'connecting' });
    this.#host.identified(this);
    await this.#enter(async () => {
      try {
        return await this.#post<Entered>('answer', this.#session(), RETRY_MS);
      } catch (error) {
        const { errcode, callStatus } = error as RingbackError;
        if (errcode !== 'M_FORBIDDEN' && callStatus !== 'active' && callStatus !== 'ringing') throw error;
        return this.#ask<Entered>('join-call', {});
      }
    }).catch(() => {});
  }

  /** Comes in, by this request where one is needed before `join-call`; then what waits for us arrives. */
  async #enter(first?: () => Promise<Entered>): Promise<void> {
    this.#entering = true;
    this.#host.entered(this);
    try {
      if (first) this.#came(await first());
      if (!this.#isOver) this.#came(await this.#ask<Entered>('join-call', {}));
      this.#entering = false;
      if (this.#isOver) return this.#endedMeanwhile();
      await this.#lookAround();
      this.#mesh?.expect(() => this.snapshot.others.filter(({ status }) => status === 'joined').map(({ userId }) => userId));
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
      throw error;
    } finally {
      this.#entering = false;
    }
  }

  #came({ status, callType, roomId, iceServers }: Entered): void {
    if (this.#isOver) return;
    this.update({ type: callType, roomId });
    if (status !== 'ringing') this.#answered(Date.now());
    this.#openMesh(iceServers);
  }

  /** Hung up while the answer was under way: it may have come after the end. */
  #endedMeanwhile(): void {
    if (this.#wasEnded) void this.#end('end');
  }

  #ask<T extends object>(name: string, data: object): Promise<T> {
    return this.#host.connection.ask<T>(name, { callId: this.snapshot.callId, ...data });
  }

  #openMesh(iceServers: RTCIceServer[]): void {
    const { callId, type } = this.snapshot;
    if (this.#mesh || callId === null) return;
    this.#mesh = new Mesh({
      callId,
      userId: this.#host.userId,
      deviceId: this.#host.deviceId ?? '',
      withVideo: type === 'video',
      media: this.#media,
      rtc: this.#host.rtc,
      iceServers,
      freshIce: () => this.#host.http.get('/api/ice-servers', { timeoutMs: 5000 }),
      ask: (name, data) => this.#host.connection.ask(name, data),
      changed: () => this.#meshChanged(),
    });
    for (const signal of this.#early.splice(0)) this.#mesh.signal(signal);
  }

  #meshChanged(): void {
    const mesh = this.#mesh;
    if (!mesh || !this.isLive) return;
    const fields: { peers: CallSnapshot['peers']; phase?: CallPhase } = { peers: mesh.snapshots() };
    if (mesh.isConnected) this.#wasConnected = true;
    if (this.snapshot.phase !== 'ringing' || mesh.isConnected) {
      fields.phase = mesh.isConnected ? 'connected' : this.#wasConnected && !mesh.isEmpty ? 'reconnecting' : 'connecting';
    }
    this.update(fields);
  }

  #answered(at: number): void {
    clearTimeout(this.#timer);
    const { phase, answeredAt } = this.snapshot;
    this.update({ answeredAt: answeredAt ?? at, ...(phase === 'ringing' && { phase: 'connecting' }) });
  }

  #joined(userId: string, deviceId: string): void {
    if (userId === this.#host.userId) {
      // Another device of ours has taken the call over.
      if (deviceId === this.#host.deviceId || !this.isLive) return;
      void this.#end('leave', this.#session());
      return this.#over('answered-elsewhere');
    }
    this.#mark(userId, 'joined');
    this.#answered(Date.now());
    this.#mesh?.joined(userId, deviceId);
  }

  #left(userId: string, deviceId: string): void {
    if (userId === this.#host.userId) return;
    this.#mesh?.left(userId, deviceId);
    if (!this.#mesh?.hasUser(userId)) this.#mark(userId, 'left');
  }

  #mark(userId: string, status: ParticipantStatus): void {
    if (userId === this.#host.userId) return;
    const others = othersWith(this.snapshot.others, { userId, status });
    this.update({ others, isGroup: this.snapshot.isGroup || others.length > 1 });
  }

  /** Who takes part, who is muted, and whether the server knows what we have switched off. */
  async #lookAround(tries = 3): Promise<void> {
    const before = this.#news;
    const answer = await this.#host.http.get<StatusAnswer>(`/api/calls/${this.snapshot.callId}/status`).catch(() => null);
    if (!answer || this.#isOver) return;
    if (before !== this.#news && tries > 1) return this.#lookAround(tries - 1);
    const { initiatorId, startedAt, participants } = readStatus(answer);
    const others = participants.filter(({ userId }) => userId !== this.#host.userId);
    for (const { userId, audio, video, screen } of participants) {
      if (userId === this.#host.userId) this.#tellToggles(audio, video, screen);
      else this.#mesh?.setFlags(userId, { audio, video });
    }
    const answeredAt = startedAt === null ? this.snapshot.answeredAt : this.#host.localTime(startedAt);
    this.update({ initiatorId, answeredAt, others: others.map(({ userId, status }) => ({ userId, status })), isGroup: this.snapshot.isGroup || others.length > 1 });
  }

  #tellToggles(audio: boolean, video: boolean, screen: boolean): void {
    if (!this.isLive) return;
    const { microphoneOn, cameraOn, screenOn } = this.#media.snapshot;
    if (audio !== microphoneOn) this.#toggle('toggle-audio', microphoneOn);
    if (video !== cameraOn) this.#toggle('toggle-video', cameraOn);
    if (screen !== screenOn) this.#toggle('toggle-screen', screenOn);
  }

  #toggle(name: string, enabled: boolean): void {
    const { callId } = this.snapshot;
    if (callId !== null && this.isLive && this.#mesh) void this.#ask(name, { enabled }).catch(() => {});
  }

  /** @internal From `resync`, which tells the same in other words. */
  #take(call: ResyncCall): void {
    const others = call.participants.filter(({ userId }) => userId !== this.#host.userId);
    for (const { userId, audioEnabled: audio, videoEnabled: video } of others) this.#mesh?.setFlags(userId, { audio, video });
    const expiresAt = this.#host.localTime(call.expiresAt);
    this.update({ others: others.map(({ userId, status }) => ({ userId, status })), isGroup: others.length > 1 || this.snapshot.isGroup, expiresAt });
    if (call.status === 'active') this.#answered(Date.now());
    else if (this.snapshot.phase === 'ringing') this.#expireAt(expiresAt);
  }

  #watchMedia(media: Media): void {
    this.#unwatch();
    this.#media = media;
    media.onToggle = (slot, on) => this.#toggle(({ audio: 'toggle-audio', camera: 'toggle-video', screen: 'toggle-screen' } as const)[slot], on);
    this.#unwatch = media.subscribe(() => {
      this.update({ local: media.snapshot });
      this.#host.stateChanged(this);
    });
  }

  /** Ringing stops here even if nobody tells us. */
  #expireAt(at: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { phase } = this.snapshot;
      if (phase === 'incoming' || phase === 'ringing') this.#over(this.#outcome('timeout'));
    }, at - Date.now() + OVERDUE_MS);
  }

  #outcome(reason: EndReason): CallOutcome {
    const unreached = this.snapshot.direction === 'outgoing' && this.#reached === 0;
    return outcomeOf(reason, this.#rejectedBecause, unreached);
  }

  #fail(error: unknown): void {
    // Somebody was faster, or it is over: no fault.
    const outcome = settledOutcome(error);
    if (outcome) return this.#over(outcome);
    this.#over('failed', error instanceof Error ? error : new Error(String(error)));
  }

  #over(outcome: CallOutcome, error: Error | null = null): void {
    if (this.#isOver) return;
    const rang = this.snapshot.phase === 'incoming';
    clearTimeout(this.#timer);
    this.#closeMedia();
    this.update({ phase: 'over', outcome, error, endedAt: Date.now(), peers: [] });
    if (rang) this.#host.stoppedRinging(this);
    this.#host.over(this);
  }

  #closeMedia(): void {
    this.#mesh?.close();
    this.#mesh = null;
    this.#early = [];
    this.#media.close();
  }

  #session(): { sessionId?: string } {
    const { sessionId } = this.#host.connection;
    return sessionId === null ? {} : { sessionId };
  }

  /** Never fails: what is over already, or cannot be ended any more, leaves nothing to do. */
  async #end(what: 'end' | 'reject' | 'leave', body: object = {}): Promise<void> {
    const id = this.snapshot.callId ?? '';
    const ending = this.#post(what, body, END_RETRY_MS).catch(ignoreRefusal);
    this.#host.endings.set(id, ending);
    await ending;
    this.#host.endings.delete(id);
  }

  #post<T>(what: string, body: object, retryForMs = 0): Promise<T> {
    return this.#host.http.post<T>(`/api/calls/${this.snapshot.callId}/${what}`, body, { retryForMs });
  }

  #wrongState(what: string): RingbackError {
    return local('CLIENT_STATE', `This call ${what}: it is ${this.snapshot.phase}.`);
  }
}
