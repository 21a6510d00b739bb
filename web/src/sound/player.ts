/** Plays the tones of `tones.ts`, and says when the browser does not let it. */
import { Value } from '../store';
import { audioContext, holdAudio, wake } from './context';
import { type Lasting, type Once, samples, type Tone } from './tones';

/** How long a context that may run takes at most until it runs. */
const BLOCKED_AFTER_MS = 400;
const GESTURES = ['pointerdown', 'pointerup', 'keydown'] as const;

class Player {
  /** True while a tone should be heard, and the browser waits for a gesture. */
  readonly blocked = new Value(false);
  #tone: Lasting | null = null;
  #stop: AbortController | null = null;
  #buffers = new Map<Tone, AudioBuffer>();

  /** Plays until another one, or null, is asked for. */
  lasting(tone: Lasting | null): void {
    if (tone === this.#tone) return;
    this.#stop?.abort();
    this.#tone = tone;
    const context = tone && audioContext();
    if (!tone || !context) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#whenAwake(context, signal, () => {
      // A tab that is silent must not keep another one from ringing: so it takes its turn only now.
      if (tone === 'ringtone') takeTurn(signal, () => this.#play(tone, context, signal));
      else this.#play(tone, context, signal);
    });
  }

  /** Nothing where the browser does not let it: a tone that comes late says something wrong. */
  once(tone: Once): void {
    const context = audioContext();
    if (context?.state === 'running') this.#play(tone, context);
  }

  #play(tone: Tone, context: AudioContext, until?: AbortSignal): void {
    const release = holdAudio();
    const source = context.createBufferSource();
    source.buffer = this.#buffer(tone, context);
    source.loop = until !== undefined;
    source.connect(context.destination);
    source.onended = () => {
      source.disconnect();
      release();
    };
    source.start();
    until?.addEventListener('abort', () => source.stop());
  }

  /** Any gesture on the page lets the sound out; until then `blocked` says that there is none. */
  #whenAwake(context: AudioContext, signal: AbortSignal, then: () => void): void {
    const release = holdAudio();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      this.blocked.set(false);
      release();
    });
    let begun = false;
    const look = () => {
      if (context.state !== 'running' || begun) return;
      begun = true;
      clearTimeout(timer);
      this.blocked.set(false);
      then();
    };
    const timer = setTimeout(() => this.blocked.set(!begun), BLOCKED_AFTER_MS);
    context.addEventListener('statechange', look, { signal });
    for (const gesture of GESTURES) addEventListener(gesture, wake, { capture: true, signal });
    look();
  }

  #buffer(tone: Tone, context: AudioContext): AudioBuffer {
    const known = this.#buffers.get(tone);
    if (known) return known;
    const made = samples(tone, context.sampleRate);
    const buffer = context.createBuffer(1, made.length, context.sampleRate);
    buffer.copyToChannel(made, 0);
    this.#buffers.set(tone, buffer);
    return buffer;
  }
}

/** Of several tabs that ring, one is heard: the others wait until it stops. */
function takeTurn(signal: AbortSignal, play: () => void): void {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) {
    play();
    return;
  }
  const ring = () => {
    play();
    return new Promise<void>((done) => signal.addEventListener('abort', () => done()));
  };
  locks.request('ringback-ringtone', { signal }, ring).catch(() => undefined); // it stopped before its turn
}

export const player = new Player();
