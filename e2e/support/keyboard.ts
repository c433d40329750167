// Going through a page without a mouse.

import { type Locator, type Page, expect } from "@playwright/test";

/** Presses Tab until the element has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 40; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      await expectVisibleFocus(target);
      return;
    }
    await page.keyboard.press("Tab");
  }
  throw new Error(`40 times Tab did not lead to ${target}`);
}

/** The focused element is marked by an outline or a ring. */
export async function expectVisibleFocus(target: Locator): Promise<void> {
  const mark = await target.evaluate((element) => {
    // The mark of a field may stand around its box.
    const shown = [element, element.parentElement].map((each) => (each ? getComputedStyle(each) : undefined));
    return shown.some((style) => style && ((style.outlineStyle !== "none" && style.outlineWidth !== "0px") || style.boxShadow !== "none"));
  });
  expect(mark, `${target} shows that it has the focus`).toBe(true);
}
