import { expect, test } from 'vitest';
import { samples, scores, type Tone } from './tones';

const RATE = 8000;
const tones = Object.keys(scores) as Tone[];
const loudness = (part: Float32Array) => Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / part.length);

test.each(tones)('%s can be heard, is not overdriven, and begins and ends without a click', (tone) => {
  const made = samples(tone, RATE);
  expect(made).toHaveLength(Math.ceil(scores[tone].seconds * RATE));
  expect(Math.max(...made.map(Math.abs))).toBeLessThan(1);
  expect(loudness(made)).toBeGreaterThan(0.01);
  expect(Math.abs(made[0] ?? 1)).toBeLessThan(0.01);
  expect(Math.abs(made.at(-1) ?? 1)).toBeLessThan(0.02);
});

test('the ringback tone sounds for a second and is silent for four', () => {
  const made = samples('ringback', RATE);
  expect(loudness(made.slice(0, RATE))).toBeGreaterThan(0.05);
  expect(loudness(made.slice(RATE + 1))).toBe(0);
});
