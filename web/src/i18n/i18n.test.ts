import { describe, expect, test } from 'vitest';
import { languages, localeOf, preferredLanguage } from '.';

const texts = import.meta.glob<Record<string, unknown>>('./*/*.json', { eager: true, import: 'default' });
const sources = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.{ts,tsx}'], { eager: true, query: '?raw', import: 'default' });

/** «room.voice» and so on, with the text of each. */
function keysOf(value: unknown, prefix = ''): Map<string, string> {
  if (typeof value === 'string') return new Map([[prefix, value]]);
  const inner = Object.entries(value as object).flatMap(([key, one]) => [...keysOf(one, prefix ? `${prefix}.${key}` : key)]);
  return new Map(inner);
}

const namespaces = Object.keys(texts)
  .filter((path) => path.startsWith('./en/'))
  .map((path) => path.slice('./en/'.length));
const names = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();

describe.each(namespaces)('%s', (file) => {
  const english = keysOf(texts[`./en/${file}`]);

  test.each(languages)('has every text in «%s», with the same gaps to fill', (language) => {
    const other = keysOf(texts[`./${language}/${file}`]);
    expect([...other.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of english) expect({ key, names: names(other.get(key) ?? '') }).toEqual({ key, names: names(text) });
    for (const [key, text] of other) expect({ key, empty: text.trim() === '' }).toEqual({ key, empty: false });
  });

  test('has no text that nobody shows', () => {
    const code = Object.values(sources).join('\n');
    const literals = new Set([...code.matchAll(/['"`]([\w.-]+)['"`]/g)].map(([, literal]) => literal));
    const prefixes = [...code.matchAll(/`([\w.-]+\.)\$\{/g)].map(([, prefix]) => prefix ?? '');
    const used = (key: string) => literals.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
    const unused = [...english.keys()].filter((key) => !used(key.replace(/_(zero|one|two|few|many|other)$/, '')));
    expect(unused).toEqual([]);
  });
});

test('the first language that there is a translation for is taken', () => {
  expect(preferredLanguage(['fr', 'de-AT', 'en'])).toBe('de');
  expect(preferredLanguage(['fr'])).toBe('en');
});

test('dates and times are written as the browser says, in the language of the page', () => {
  expect(localeOf('en', ['en-GB', 'de'])).toBe('en-GB');
  expect(localeOf('de', ['en-GB', 'de-AT'])).toBe('de-AT');
  expect(localeOf('de', ['fr'])).toBe('de');
});
