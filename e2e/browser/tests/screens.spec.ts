import type { Page } from '@playwright/test';
import { expectAccessible, expectNothingCut } from '../support/check.ts';
import { test } from '../support/test.ts';
import { callScreens, fromAllSides, quietScreens, type Stop } from '../support/tour.ts';

// They ring for as long as they are looked at.
test.use({ settings: { RING_TIMEOUT: '5m' } });

const tours = { 'before and between calls': quietScreens, 'of calls': callScreens };

for (const [which, tour] of Object.entries(tours)) {
  test(`the screens ${which} are for everybody, and nothing on them is cut`, async ({ stage }) => {
    test.setTimeout(240_000);
    for await (const stop of tour(stage)) await inspect(stop);
  });
}

async function inspect({ name, page }: Stop): Promise<void> {
  await test.step(name, () =>
    fromAllSides(page, async (size, theme) => {
      await expectAccessible(page, `${name}, ${size}, ${theme}`);
      if (theme === 'dark') return;
      for (const language of ['de', 'en']) {
        await speak(page, language);
        await expectNothingCut(page, `${name}, ${size}, ${language}`);
      }
    }),
  );
}

/** As if the user had chosen a language in another window. */
async function speak(page: Page, language: string): Promise<void> {
  await page.evaluate((chosen) => {
    const key = 'ringback.settings';
    const newValue = JSON.stringify({ ...JSON.parse(localStorage.getItem(key) ?? '{}'), language: chosen });
    dispatchEvent(new StorageEvent('storage', { key, newValue }));
  }, language);
  await page.locator(`html[lang=${language}]`).waitFor({ state: 'attached' });
}
