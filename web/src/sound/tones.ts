/** The sounds of a call, as notes. They are computed, so that there is no file to load when it rings. */
export type Lasting = 'ringtone' | 'knock' | 'ringback';
export type Once = 'busy' | 'ended' | 'failed';
export type Tone = Lasting | Once;

interface Note {
  /** Seconds from the beginning. */
  at: number;
  seconds: number;
  hertz: number;
  /** 0 to 1 */
  loudness: number;
  /** `bell` dies away like a struck bar; `line` is a telephone's even tone. */
  kind: 'bell' | 'line';
}

interface Score {
  /** The length of one round, with its silence. */
  seconds: number;
  notes: readonly Note[];
}

const bell = (at: number, hertz: number, loudness = 0.5, seconds = 1.2): Note => ({ at, seconds, hertz, loudness, kind: 'bell' });
/** 425 Hz is the tone of most of Europe's exchanges (ITU-T E.180). */
const line = (at: number, seconds: number, hertz = 425): Note => ({ at, seconds, hertz, loudness: 0.16, kind: 'line' });

const [G4, C5, E5, G5, C6] = [392, 523.25, 659.25, 783.99, 1046.5];

export const scores: Record<Tone, Score> = {
  ringtone: {
    seconds: 3.2,
    notes: [
      ...[C5, E5, G5, C6, G5, E5].map((hertz, index) => bell(index * 0.17, hertz)),
      ...[C5, E5, G5, C6].map((hertz, index) => bell(1.2 + index * 0.17, hertz)),
      bell(1.2, G4, 0.35, 1.8),
    ],
  },
  knock: { seconds: 5, notes: [line(0, 0.2), line(0.4, 0.2)] },
  ringback: { seconds: 5, notes: [line(0, 1)] },
  busy: { seconds: 2.9, notes: [line(0, 0.48), line(0.96, 0.48), line(1.92, 0.48)] },
  ended: { seconds: 0.9, notes: [bell(0, E5, 0.3, 0.5), bell(0.16, C5, 0.3, 0.7)] },
  failed: { seconds: 1.2, notes: [bell(0, G4, 0.3, 0.5), bell(0.2, G4, 0.3, 0.5), bell(0.4, 311.13, 0.3, 0.8)] },
};

/** One round of a tone: samples from -1 to 1. */
export function samples(tone: Tone, rate: number): Float32Array<ArrayBuffer> {
  const { seconds, notes } = scores[tone];
  const made = new Float32Array(Math.ceil(seconds * rate));
  for (const note of notes) {
    const first = Math.floor(note.at * rate);
    const length = Math.min(Math.floor(note.seconds * rate), made.length - first);
    for (let index = 0; index < length; index++) made[first + index] = (made[first + index] ?? 0) + sample(note, index / rate);
  }
  for (let index = 0; index < made.length; index++) made[index] = Math.tanh(made[index] ?? 0);
  return made;
}

function sample({ kind, hertz, seconds, loudness }: Note, at: number): number {
  const phase = 2 * Math.PI * hertz * at;
  // Ten milliseconds in and out, without which a tone clicks.
  const edge = Math.min(1, at / 0.01, (seconds - at) / 0.01);
  if (kind === 'line') return loudness * edge * Math.sin(phase);
  const fade = Math.exp((-5 * at) / seconds);
  return loudness * edge * fade * (Math.sin(phase) + 0.35 * Math.sin(2 * phase) * fade + 0.12 * Math.sin(4 * phase) * fade * fade);
}
