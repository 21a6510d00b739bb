import { Observable } from './store.js';
import type { LocalMedia, MediaChoice, MediaProblem } from './types.js';
import type { CallType } from './wire.js';

type Device = MediaProblem['device'];
export type Slot = 'audio' | 'camera' | 'screen';

const AUDIO: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SCREEN: DisplayMediaStreamOptions = { video: { frameRate: { ideal: 15, max: 30 } }, audio: false };
const QUIET: LocalMedia = {
  camera: null,
  screen: null,
  microphone: null,
  microphoneOn: false,
  cameraOn: false,
  screenOn: false,
  microphoneId: null,
  cameraId: null,
  canSwitchCamera: false,
  problem: null,
};

/** What this page sends: microphone, camera, screen. A camera that is off is stopped; a muted microphone is not. */
export class Media extends Observable<LocalMedia> {
  /** A track to send in this slot from now on, or none. */
  onTrack: (slot: Slot, track: MediaStreamTrack | null) => void = () => {};
  /** The user switched something on or off, or a device did. */
  onToggle: (slot: Slot, on: boolean) => void = () => {};

  #closed = false;
  /** One after the other: two quick clicks end where the last one points. */
  #queue: Promise<unknown> = Promise.resolve();
  readonly #look = () => void this.#countCameras();

  constructor(type: CallType, choice: MediaChoice = {}) {
    super({ ...QUIET });
    this.choose(type, choice);
  }

  /** What `start` is to take; until then what a user interface shows. */
  choose(type: CallType, { audio = true, video = type === 'video' }: MediaChoice): void {
    this.update({
      microphoneOn: audio !== false,
      cameraOn: video !== false,
      microphoneId: typeof audio === 'object' ? audio.deviceId : null,
      cameraId: typeof video === 'object' ? video.deviceId : null,
    });
  }

  track(slot: Slot): MediaStreamTrack | null {
    const { microphone, camera, screen } = this.snapshot;
    return { audio: microphone, camera, screen }[slot]?.getTracks()[0] ?? null;
  }

  /** Takes the devices that were chosen. A call goes on without the one that cannot be had; `problem` says why. */
  start(): Promise<void> {
    return this.#next(async () => {
      const { microphoneOn, cameraOn, microphoneId, cameraId } = this.snapshot;
      navigator.mediaDevices?.addEventListener('devicechange', this.#look);
      if (microphoneOn && cameraOn) {
        // One question to the user for both; where one of them fails, each is asked for alone.
        const both = await this.#ask({ audio: wanted(AUDIO, microphoneId), video: wanted(VIDEO, cameraId) }).catch(() => null);
        if (both) {
          this.#took('audio', both.getAudioTracks()[0] ?? null);
          this.#took('camera', both.getVideoTracks()[0] ?? null);
          return this.#countCameras();
        }
      }
      if (cameraOn) await this.#open('camera', cameraId);
      if (microphoneOn) await this.#open('audio', microphoneId);
      await this.#countCameras();
    });
  }

  /** Stops everything, for good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    globalThis.navigator?.mediaDevices?.removeEventListener('devicechange', this.#look);
    for (const slot of ['audio', 'camera', 'screen'] as const) this.track(slot)?.stop();
    this.update({ microphone: null, camera: null, screen: null, microphoneOn: false, cameraOn: false, screenOn: false });
  }

  setMicrophone(on: boolean): Promise<void> {
    return this.#next(async () => {
      const track = this.track('audio');
      if (!track) return on ? this.#open('audio', this.snapshot.microphoneId) : this.#switched('audio', false);
      track.enabled = on;
      this.#switched('audio', on);
    });
  }

  setCamera(on: boolean): Promise<void> {
    return this.#next(async () => {
      if (on === (this.track('camera') !== null)) return;
      if (on) return this.#open('camera', this.snapshot.cameraId);
      this.#took('camera', null);
    });
  }

  setScreen(on: boolean): Promise<void> {
    return this.#next(async () => {
      if (on === (this.track('screen') !== null)) return;
      if (!on) return this.#took('screen', null);
      try {
        const stream = await devices().getDisplayMedia(SCREEN);
        const track = stream.getVideoTracks()[0] ?? null;
        if (track) track.contentHint = 'detail';
        this.#took('screen', track);
      } catch (error) {
        this.#failed('screen', error);
      }
    });
  }

  useMicrophone(deviceId: string): Promise<void> {
    return this.#next(async () => {
      this.update({ microphoneId: deviceId });
      if (this.track('audio')) await this.#open('audio', deviceId);
    });
  }

  useCamera(deviceId: string): Promise<void> {
    return this.#next(async () => {
      this.update({ cameraId: deviceId });
      if (this.track('camera')) await this.#open('camera', deviceId);
    });
  }

  /** The next camera of this device: on a phone the other side. */
  switchCamera(): Promise<void> {
    return this.#next(async () => {
      const cameras = await listed('videoinput');
      const present = cameras.findIndex(({ deviceId }) => deviceId === this.snapshot.cameraId);
      const next = cameras[(present + 1) % cameras.length];
      if (!next || cameras.length < 2) return;
      this.update({ cameraId: next.deviceId });
      if (this.track('camera')) await this.#open('camera', next.deviceId);
    });
  }

  clearProblem(): void {
    this.update({ problem: null });
  }

  #next(step: () => Promise<void> | void): Promise<void> {
    const run = this.#queue.then(() => (this.#closed ? undefined : step()));
    this.#queue = run.catch(() => {});
    return run;
  }

  /** Opens a device for its slot, in place of the one that is open. */
  async #open(slot: 'audio' | 'camera', id: string | null): Promise<void> {
    const before = this.track(slot);
    // Phones open one camera at a time.
    if (slot === 'camera') before?.stop();
    try {
      const stream = await this.#ask(slot === 'audio' ? { audio: wanted(AUDIO, id) } : { video: wanted(VIDEO, id) });
      const track = stream.getTracks()[0] ?? null;
      if (track && before) track.enabled = before.enabled;
      this.#took(slot, track);
    } catch (error) {
      if (before?.readyState !== 'live') this.#took(slot, null);
      this.#failed(slot === 'audio' ? 'microphone' : 'camera', error);
    }
  }

  /** A device that is named and gone is replaced by any other. */
  async #ask(constraints: MediaStreamConstraints): Promise<MediaStream> {
    try {
      return this.#unlessClosed(await devices().getUserMedia(constraints));
    } catch (error) {
      if (!['OverconstrainedError', 'NotFoundError'].includes((error as Error).name) || !isNamed(constraints)) throw error;
      const any: MediaStreamConstraints = {};
      if (constraints.audio) any.audio = AUDIO;
      if (constraints.video) any.video = VIDEO;
      return this.#unlessClosed(await devices().getUserMedia(any));
    }
  }

  /** The call may have ended while the user was being asked. */
  #unlessClosed(stream: MediaStream): MediaStream {
    if (!this.#closed) return stream;
    for (const track of stream.getTracks()) track.stop();
    throw new DOMException('The call is over.', 'AbortError');
  }

  #took(slot: Slot, track: MediaStreamTrack | null): void {
    const before = this.track(slot);
    if (before && before !== track) {
      before.onended = null;
      before.stop();
    }
    if (track && this.#closed) return track.stop();
    const stream = track && new MediaStream([track]);
    const id = track?.getSettings().deviceId ?? null;
    if (slot === 'audio') this.update({ microphone: stream, ...(id && { microphoneId: id }) });
    else if (slot === 'camera') this.update({ camera: stream, ...(id && { cameraId: id }) });
    else this.update({ screen: stream });
    if (track) {
      track.onended = () => void this.#next(() => this.#unplugged(slot, track));
      this.#solved(slot);
    }
    this.onTrack(slot, track);
    this.#switched(slot, track?.enabled ?? false);
  }

  /** A microphone is replaced by the next one; a camera never, for it would show what nobody chose. */
  async #unplugged(slot: Slot, track: MediaStreamTrack): Promise<void> {
    if (this.track(slot) !== track) return;
    if (slot === 'audio') return this.#open('audio', null);
    this.#took(slot, null);
    if (slot === 'camera') this.#failed('camera', new DOMException('The camera was taken away.', 'NotFoundError'));
  }

  #switched(slot: Slot, on: boolean): void {
    const field = ({ audio: 'microphoneOn', camera: 'cameraOn', screen: 'screenOn' } as const)[slot];
    this.update({ [field]: on });
    this.onToggle(slot, on);
  }

  #failed(device: Device, error: unknown): void {
    if (this.#closed) return;
    const { name, message } = error as Error;
    this.update({ problem: { device, reason: reasonOf(device, name), detail: message || name } });
    const slot = ({ microphone: 'audio', camera: 'camera', screen: 'screen' } as const)[device];
    if (!this.track(slot)) this.#switched(slot, false);
  }

  #solved(slot: Slot): void {
    const device = ({ audio: 'microphone', camera: 'camera', screen: 'screen' } as const)[slot];
    if (this.snapshot.problem?.device === device) this.clearProblem();
  }

  async #countCameras(): Promise<void> {
    const cameras = await listed('videoinput').catch(() => []);
    if (!this.#closed) this.update({ canSwitchCamera: cameras.length > 1 });
  }
}

function devices(): MediaDevices {
  const found = globalThis.navigator?.mediaDevices as MediaDevices | undefined;
  if (found) return found;
  throw new DOMException('Only a page from https or localhost may use microphone and camera.', 'InsecureContext');
}

async function listed(kind: MediaDeviceKind): Promise<MediaDeviceInfo[]> {
  const all = await devices().enumerateDevices();
  return all.filter((device) => device.kind === kind);
}

function wanted(constraints: MediaTrackConstraints, deviceId: string | null): MediaTrackConstraints {
  return deviceId ? { ...constraints, deviceId: { exact: deviceId } } : constraints;
}

const isNamed = ({ audio, video }: MediaStreamConstraints) =>
  [audio, video].some((part) => typeof part === 'object' && part.deviceId !== undefined);

export function reasonOf(device: Device, name: string): MediaProblem['reason'] {
  if (name === 'InsecureContext') return 'insecure';
  if (name === 'NotAllowedError' || name === 'SecurityError') return device === 'screen' ? 'cancelled' : 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'not-found';
  if (name === 'NotReadableError' || name === 'AbortError') return 'in-use';
  return 'other';
}
