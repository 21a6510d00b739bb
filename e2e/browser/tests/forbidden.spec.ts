import type { Page } from '@playwright/test';
import { expect, test } from '../support/test.ts';

// Without the pretended dialog, which allows everything.
test.use({
  launchOptions: async ({ launchOptions }, use) => {
    await use({ ...launchOptions, args: launchOptions.args?.filter((arg) => arg !== '--use-fake-ui-for-media-stream') });
  },
});

test('a browser that may not use the microphone says how to allow it', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await forbid(alice.page, stage.server.url, 'microphone');
  await alice.call('Bob', 'voice');
  await expect(alice.says('The browser does not allow the microphone')).toBeVisible();
  await expect(alice.says(/Click the symbol to the left of the address/)).toBeVisible();
  await expect(bob.incoming('Alice', 'voice')).toBeVisible();
});

/** As if the user had chosen «block». */
async function forbid(page: Page, origin: string, name: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { targetInfo } = await devtools.send('Target.getTargetInfo');
  const { browserContextId } = targetInfo;
  await devtools.send('Browser.setPermission', { origin, permission: { name }, setting: 'denied', ...(browserContextId && { browserContextId }) });
}
