import { expect, test } from 'vitest';
import { preferredLanguage } from '.';

test('the first language that there is a translation for is taken', () => {
  expect(preferredLanguage(['fr', 'de-AT', 'en'])).toBe('de');
  expect(preferredLanguage(['fr'])).toBe('en');
});
