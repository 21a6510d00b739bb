import { join } from 'node:path';
import { test } from '../support/test.ts';
import { callScreens, fromAllSides, quietScreens, sizes } from '../support/tour.ts';

// They ring for as long as they are drawn.
test.use({ settings: { RING_TIMEOUT: '5m' } });

const folder = join(import.meta.dirname, '../../../docs/screenshots');

for (const tour of [quietScreens, callScreens]) {
  test(`draw the ${tour.name}`, async ({ stage }) => {
    test.setTimeout(300_000);
    for await (const { name, page } of tour(stage)) {
      await fromAllSides(page, async (size, theme) => {
        // Away from everything that answers to it.
        await page.mouse.move(sizes[size].width - 1, sizes[size].height - 1);
        await page.evaluate(still);
        await page.screenshot({ path: join(folder, `${name}-${size}-${theme}.png`), animations: 'disabled', caret: 'hide' });
      });
    }
  });
}

/** What is another one each time: the hour, the length of a call, the port of the homeserver. */
function still(): void {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const text = node.nodeValue ?? '';
    const calm = text.replace(/\b\d{1,2}:\d{2}(?= |$)/g, '12:34').replace(/(localhost|127\.0\.0\.1):\d{4,5}/g, 'localhost:8008');
    if (calm !== text) node.nodeValue = calm;
  }
  for (const field of document.querySelectorAll('input')) {
    if (/localhost:\d+/.test(field.value)) field.value = field.value.replace(/localhost:\d+/, 'localhost:8008');
  }
}
