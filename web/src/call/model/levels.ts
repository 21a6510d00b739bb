/** How loud each stream is. One AudioContext, one frame loop; both rest while nobody looks. */
import { audioContext, holdAudio } from '../../sound/context';

export interface Listener {
  /** 0 to 1, with every frame. */
  level?(level: number): void;
  /** Told when somebody begins and stops to speak. */
  speaking?(speaking: boolean): void;
}

/** Root mean square above which somebody speaks. */
const SPEECH = 0.02;
/** A pause between two words is not the end. */
const PAUSE_MS = 600;

interface Meter {
  analyser: AnalyserNode;
  source: MediaStreamAudioSourceNode;
  listener: Listener;
  speaking: boolean;
  heardAt: number;
}

const meters = new Set<Meter>();
const wave = new Float32Array(512);
let frame = 0;

/** Listens to a stream's audio until the returned function is called. */
export function listen(stream: MediaStream, listener: Listener): () => void {
  const context = audioContext();
  if (!context || stream.getAudioTracks().length === 0) return () => undefined;
  const release = holdAudio();
  const analyser = new AnalyserNode(context, { fftSize: wave.length });
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  const meter: Meter = { analyser, source, listener, speaking: false, heardAt: -Infinity };
  meters.add(meter);
  run();
  return () => {
    meters.delete(meter);
    source.disconnect();
    release();
    listener.level?.(0);
    if (meter.speaking) listener.speaking?.(false);
  };
}

function run(): void {
  if (frame === 0 && meters.size > 0 && !document.hidden) frame = requestAnimationFrame(measure);
}

function measure(now: number): void {
  frame = 0;
  for (const meter of meters) {
    meter.analyser.getFloatTimeDomainData(wave);
    const loudness = Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
    meter.listener.level?.(asLevel(loudness));
    if (loudness > SPEECH) meter.heardAt = now;
    const speaking = now - meter.heardAt < PAUSE_MS;
    if (speaking !== meter.speaking) {
      meter.speaking = speaking;
      meter.listener.speaking?.(speaking);
    }
  }
  run();
}

/** Decibels as a share of what is useful: -50 dB is nothing, -10 dB is full. */
export function asLevel(loudness: number): number {
  if (loudness <= 0) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(loudness) + 50) / 40));
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) cancelAnimationFrame(frame);
    frame = 0;
    run();
  });
}
