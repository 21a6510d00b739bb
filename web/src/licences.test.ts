import { expect, test } from 'vitest';
import { isPermissive } from '../licences';

test.each(['MIT', '(MIT OR GPL-3.0-only)', 'Apache-2.0 AND MIT', 'OFL-1.1'])('%s may be shipped', (licence) => {
  expect(isPermissive(licence)).toBe(true);
});

test.each(['AGPL-3.0-only', 'MIT AND GPL-2.0-only', 'SEE LICENSE IN README.md', 'none', ''])('«%s» may not', (licence) => {
  expect(isPermissive(licence)).toBe(false);
});
