import { expect, test } from '../support/test.ts';
import { expectFlow, flow } from '../support/media.ts';
import type { Phone } from '../support/phone.ts';

test('a video call: it rings within a second, both see and hear, and hanging up ends it for both', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  let took = await untilItRings(alice, bob, () => alice.call('Bob', 'video'));
  // A machine that is busy with other things may be late once.
  for (let again = 0; took >= 1000 && again < 2; again += 1) {
    await alice.hangUp();
    await expect(bob.incoming('Alice', 'video')).toBeHidden();
    took = await untilItRings(alice, bob, () => alice.button('Call again').click());
  }
  expect(took, 'ms from the click to the screen that rings').toBeLessThan(1000);
  await expect(bob.incoming('Alice', 'video')).toBeVisible();

  await bob.accept();
  await expect(alice.callWith('Bob')).toBeVisible();
  await expect(bob.callWith('Alice')).toBeVisible();
  await Promise.all([expectFlow(alice.page), expectFlow(bob.page)]);

  await alice.hangUp();
  await expect(alice.says('Call ended')).toBeVisible();
  await expect(bob.says('Call ended')).toBeVisible();
  expect((await flow(bob.page)).paths, 'connections that are left').toEqual([]);
});

test('microphone, camera and screen: what one turns off and on, the other sees', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'video');
  await bob.accept();
  await expectFlow(bob.page);

  await alice.button('Mute microphone').click();
  await expect(bob.picture('Alice').getByText('Microphone off')).toBeAttached();
  await alice.button('Unmute microphone').click();
  await expect(bob.picture('Alice').getByText('Microphone off')).toHaveCount(0);

  await alice.button('Turn camera off').click();
  await expect(bob.picture('Alice').getByText('Camera off').first()).toBeVisible();
  await alice.button('Turn camera on').click();
  await expect(bob.picture('Alice').getByText('Camera off')).toHaveCount(0);
  await expectFlow(bob.page);

  await alice.button('Share screen').click();
  await expect(bob.picture('Alice is sharing a screen')).toBeVisible();
  await expect(alice.says('You are sharing your screen')).toBeVisible();
  await expect.poll(async () => (await flow(bob.page)).videos).toBe(2);
  await alice.button('Stop sharing').first().click();
  await expect(bob.picture('Alice is sharing a screen')).toBeHidden();
});

test('a call that is declined says so to the caller', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'voice');
  await expect(bob.incoming('Alice', 'voice')).toBeVisible();
  await bob.button('Reject').click();
  await expect(alice.says('Bob declined the call.')).toBeVisible();
  await expect(bob.incoming('Alice', 'voice')).toBeHidden();
});

test('a caller who gives up stops the ringing', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'voice');
  await expect(bob.incoming('Alice', 'voice')).toBeVisible();
  await expect(alice.says('Ringing on 1 device')).toBeVisible();
  await alice.hangUp();
  await expect(bob.incoming('Alice', 'voice')).toBeHidden();
});

test('a video call that is accepted without video', async ({ stage }) => {
  const { alice, bob } = await stage.pair();
  await alice.call('Bob', 'video');
  await bob.button('Accept without video').click();
  await expectFlow(bob.page);
  await expectFlow(alice.page, { video: false });
  await expect(alice.picture('Bob').getByText('Camera off').first()).toBeVisible();
  await expect(bob.button('Turn camera on')).toBeVisible();
});

test('three in a group hear each other, and two go on when one leaves', async ({ stage }) => {
  const people = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => stage.person(name)));
  await stage.room(people, 'Choir');
  const [alice, bob, carol] = await Promise.all(people.map((person) => stage.phone(person)));
  await alice!.call('Choir', 'voice');
  await bob!.accept();
  await expectFlow(bob!.page, { video: false });
  await carol!.accept();
  for (const phone of [alice!, bob!, carol!]) {
    await expect.poll(async () => (await flow(phone.page)).paths.length, { timeout: 15_000 }).toBe(2);
    await expectFlow(phone.page, { video: false });
  }
  await bob!.hangUp();
  await expect.poll(async () => (await flow(alice!.page)).paths.length).toBe(1);
  await expectFlow(alice!.page, { video: false });
});

test.describe('when nobody answers', () => {
  test.use({ settings: { RING_TIMEOUT: '5s' } });

  test('the call is missed, and counted until it is looked at', async ({ stage }) => {
    const { alice, bob } = await stage.pair();
    await alice.call('Bob', 'voice');
    await expect(bob.incoming('Alice', 'voice')).toBeVisible();
    await expect(alice.says('Bob did not answer.')).toBeVisible();
    await expect(bob.incoming('Alice', 'voice')).toBeHidden();
    await expect(bob.tab('Calls')).toHaveAccessibleName('Calls 1 missed call');
    await bob.tab('Calls').click();
    await expect(bob.says('Missed')).toBeVisible();
    await expect(bob.tab('Calls')).toHaveAccessibleName('Calls');
  });
});

/** Milliseconds from the caller's last click to the first picture of the screen that rings. */
async function untilItRings(caller: Phone, callee: Phone, call: () => Promise<void>): Promise<number> {
  const shown = callee.page.evaluate(async () => {
    const isThere = () => [...document.querySelectorAll('button')].some((button) => button.textContent === 'Accept' && button.checkVisibility());
    while (!isThere()) await new Promise(requestAnimationFrame);
    return performance.timeOrigin + performance.now();
  });
  await call();
  return (await shown) - (await caller.page.evaluate(() => window.inPage.clickedAt));
}
