import { expect, test } from '../support/test.ts';
import { expectFlow, flow } from '../support/media.ts';
import { Phone } from '../support/phone.ts';

test('of two windows that ring, the one that answers has the call', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  const second = await Phone.open(await bob.page.context().newPage(), stage.server.url);
  await alice.call('Bob', 'voice');
  await expect(bob.incoming('Alice', 'voice')).toBeVisible();
  await expect(second.incoming('Alice', 'voice')).toBeVisible();
  await second.accept();
  await expect(bob.incoming('Alice', 'voice')).toBeHidden();
  await expectFlow(second.page, { video: false });
  await expectFlow(alice.page, { video: false });
  expect((await flow(bob.page)).paths).toEqual([]);
});

test('a window that is loaded again goes back into its call', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'video');
  await bob.accept();
  await expectFlow(alice.page);
  await bob.page.reload();
  await expect(bob.callWith('Alice')).toBeVisible();
  await Promise.all([expectFlow(alice.page), expectFlow(bob.page)]);
  await alice.hangUp();
  await expect(bob.says('Call ended')).toBeVisible();
});

test('a second window takes the call over from the first', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'voice');
  await bob.accept();
  await expectFlow(bob.page, { video: false });
  const second = await Phone.open(await bob.page.context().newPage(), stage.server.url);
  await expect(second.says('You are still in a call with Alice')).toBeVisible();
  await second.button('Rejoin').click();
  await Promise.all([expectFlow(alice.page, { video: false }), expectFlow(second.page, { video: false })]);
});

test('a network that is gone for ten seconds: the call goes on', async ({ stage }) => {
  const people = [await stage.person('Alice'), await stage.person('Bob')] as const;
  await stage.room([...people]);
  // Alice has no other way: her page, her socket and her media go by this network.
  const network = await stage.network();
  const [alice, bob] = await Promise.all([stage.phone(people[0], { network }), stage.phone(people[1])]);
  await alice.call('Bob', 'video');
  await bob.accept();
  await Promise.all([expectFlow(alice.page), expectFlow(bob.page)]);

  const cutAt = Date.now();
  network.cut();
  await alice.page.context().setOffline(true);
  await expect(alice.says('Reconnecting…')).toBeVisible();
  const before = await flow(bob.page);
  await expect.poll(() => Date.now() - cutAt, { timeout: 12_000 }).toBeGreaterThan(10_000);
  const after = await flow(bob.page);
  expect(after.audioBytes - before.audioBytes, 'what came through a network that is cut').toBeLessThan(20_000);

  network.mend();
  await alice.page.context().setOffline(false);
  await Promise.all([expectFlow(alice.page, { within: 20_000 }), expectFlow(bob.page, { within: 20_000 })]);
  await alice.hangUp();
  await expect(bob.says('Call ended')).toBeVisible();
});
