/** What every screen must be, whatever it shows. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

/** Nothing that keeps people out: axe's serious and critical findings. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // There are no frames, so there is no need of a page of its own to put their findings together.
  const { violations } = await new AxeBuilder({ page }).options({ resultTypes: ['violations'] }).setLegacyMode().analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = grave.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html.slice(0, 200)).join('\n  ')}`);
  expect.soft(told, where).toEqual([]);
}

/** No button or label whose text does not fit, and nothing that makes the page scroll sideways. */
export async function expectNothingCut(page: Page, where: string): Promise<void> {
  const cut = await page.evaluate(() => {
    const found: string[] = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page is ${scrollWidth - clientWidth} px too wide`);
    const named = 'button, a, label, h1, h2, h3, [role=tab], [role=menuitem], [role=option], [role=status], [role=alert]';
    for (const element of document.querySelectorAll<HTMLElement>(named)) {
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const style = getComputedStyle(element);
      // A picture's name stands beside it, and only when asked for.
      if (element.innerText.trim() === '') continue;
      // What others have typed may be long, and ends in an ellipsis; what is there for screen readers alone has no size.
      const mayEnd = style.textOverflow === 'ellipsis' || element.offsetWidth <= 1;
      if (style.overflowX === 'visible' && style.display === 'inline') continue;
      if (!mayEnd && element.scrollWidth > element.clientWidth + 1) {
        found.push(`«${element.innerText.slice(0, 60)}» (${element.tagName}) needs ${element.scrollWidth} px and has ${element.clientWidth}`);
      }
    }
    return found;
  });
  expect.soft(cut, where).toEqual([]);
}
