import type { Locator, Page } from '@playwright/test';
import { expect, test } from '../support/test.ts';
import { expectFlow } from '../support/media.ts';

test('a call without a mouse', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await tabTo(alice.page, alice.room('Bob'));
  await alice.page.keyboard.press('Enter');
  await tabTo(alice.page, alice.button('Voice call'));
  await alice.page.keyboard.press('Enter');

  await expect(bob.button('Accept')).toBeFocused();
  // For a moment no key is taken: somebody may be typing.
  await expect(async () => {
    await bob.page.keyboard.press('Enter');
    await expect(bob.callWith('Alice')).toBeVisible({ timeout: 700 });
  }).toPass();
  await expectFlow(bob.page, { video: false });

  await alice.page.keyboard.press('m');
  await expect(bob.picture('Alice').getByText('Microphone off')).toBeAttached();
  await alice.page.keyboard.press('m');
  await expect(bob.picture('Alice').getByText('Microphone off')).toHaveCount(0);
  await tabTo(bob.page, bob.button('Hang up'));
  await bob.page.keyboard.press('Space');
  await expect(alice.says('Call ended')).toBeVisible();
});

async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let stops = 0; stops < 60; stops += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the Tab key does not lead to ${target}`);
}
