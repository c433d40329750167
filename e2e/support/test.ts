// The test of this suite: each one has a demo of its own, a watched browser context, and at its end a second, cached load
// of the page it stands on. Import `test` and `expect` from here and not from Playwright.

import { type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { Demo } from "./server";
import { Watch } from "./watch";

interface Fixtures {
  /** How long each page of a provider's list takes, in milliseconds. */
  pageDelayMs: number;
  demo: Demo;
  watch: Watch;
  /** Another browser, watched like the first. */
  otherPage: Page;
}

export const test = base.extend<Fixtures>({
  pageDelayMs: [50, { option: true }],

  demo: async ({ pageDelayMs }, use, testInfo) => {
    const demo = await Demo.start(pageDelayMs);
    await use(demo);
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach("server", { body: demo.log(), contentType: "text/plain" });
    }
    await demo.stop();
  },

  baseURL: async ({ demo }, use) => {
    await use(demo.url);
  },

  watch: async ({}, use, testInfo) => {
    const watch = new Watch();
    await use(watch);
    if (testInfo.status === testInfo.expectedStatus) {
      expect(watch.unexpected(), "what the browser reported").toEqual([]);
    }
  },

  context: async ({ context, watch }, use) => {
    await watch.attach(context);
    await use(context);
  },

  page: async ({ page }, use, testInfo) => {
    await use(page);
    if (testInfo.status === testInfo.expectedStatus) await loadAgain(page);
  },

  otherPage: async ({ browser, contextOptions, baseURL, watch }, use) => {
    const context: BrowserContext = await browser.newContext({ ...contextOptions, baseURL });
    await watch.attach(context);
    await use(await context.newPage());
    await context.close();
  },
});

/** The second load comes from the browser's cache and must violate nothing either (H4). */
async function loadAgain(page: Page): Promise<void> {
  if (page.isClosed() || !page.url().startsWith("http")) return;
  // Routing by the test switches the cache off.
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.reload();
  await expect(page.locator("#first-paint")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
}

export { expect };
