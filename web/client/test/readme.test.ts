/// <reference types="vite/client" />
import { expect, it } from 'vitest';
import page from '../examples/call.html?raw';
import readme from '../README.md?raw';
import types from '../src/types.ts?raw';

it('shows the page as it is, in at most 40 lines', () => {
  expect(readme.replace(/^```html .*/m, '```html')).toContain(`\`\`\`html\n${page}\`\`\``);
  expect(page.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
});

it('names every outcome and phase of a call', () => {
  const named = /export type (CallOutcome|CallPhase|ConnectionState) =([^;]*);/g;
  const words = [...types.matchAll(named)].flatMap(([, , body]) => [...(body ?? '').matchAll(/'([\w-]+)'/g)].map(([, word]) => word ?? ''));
  expect(words.length).toBeGreaterThan(20);
  expect(words.filter((word) => !readme.includes(word))).toEqual([]);
});
