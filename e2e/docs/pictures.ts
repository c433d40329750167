// The pictures in the documentation, made anew by hand: `npm --prefix e2e run docs-pictures`. They are no tests and do not run
// with them.

import { fileURLToPath } from "node:url";
import { Card, PAGES, PEOPLE, connect, logIn } from "../support/app";
import { test } from "../support/test";

test("the picture of the README", async ({ page, demo }) => {
  await connect(demo);
  await page.setViewportSize({ width: 1280, height: 720 });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  await new Card(page).synced();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.screenshot({ path: fileURLToPath(new URL("../../docs/settings-api-keys.png", import.meta.url)) });
});
