import { expect, test } from '../support/test.ts';

// Without the browser's pretended devices there are none.
test.use({
  launchOptions: async ({ launchOptions }, use) => {
    await use({ ...launchOptions, args: launchOptions.args?.filter((arg) => !arg.startsWith('--use-fake-device-for-media-stream')) });
  },
});

test('a computer without devices says so, and the call goes on without', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'video');
  await expect(alice.says(/No (microphone|camera) was found/)).toBeVisible();
  await bob.accept();
  await expect(alice.callWith('Bob')).toBeVisible();
  await expect(alice.button('Hang up')).toBeVisible();
});
