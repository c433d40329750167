// How a state looks: a picture in each theme and width for people to look at, and for each what a program can check:
// nothing scrolls sideways, and axe finds nothing against WCAG 2.2 A and AA.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

const PICTURES = fileURLToPath(new URL("../screenshots/", import.meta.url));
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
export const NARROWEST = { width: 320, height: 640 };

/** Fails on anything that axe finds, with the elements and what is wrong with them. */
async function checkAccessibility(page: Page, state: string, rules: "all" | "contrast"): Promise<void> {
  // Our pages hold no frames, and without them axe needs no second page to put its results together.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (rules === "all" ? axe.withTags(RULES) : axe.withRules("color-contrast")).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`);
  expect(found, `axe, ${state}`).toEqual([]);
}

/** Nothing on the page is wider than the window. */
async function checkWidth(page: Page, state: string): Promise<void> {
  const { content, window: room } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: window.innerWidth,
  }));
  expect(content, `width, ${state}`).toBeLessThanOrEqual(room);
}

/** Takes the pictures of a state in both themes and both widths, and checks each of them. */
export async function look(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const size of [DESKTOP, PHONE]) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const state = `${name}-${colorScheme}-${size.width}`;
      await page.screenshot({ path: join(PICTURES, `${state}.png`), fullPage: !(await hasDialog(page)), animations: "disabled" });
      await checkWidth(page, state);
      // The theme changes nothing but colours.
      await checkAccessibility(page, state, colorScheme === "light" ? "all" : "contrast");
    }
  }
  await page.setViewportSize(NARROWEST);
  await checkWidth(page, `${name}-320`);
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
}

/** A dialog stands in the middle of the window, so a picture of the whole page would misplace it. */
async function hasDialog(page: Page): Promise<boolean> {
  return (await page.locator("dialog[open]").count()) > 0;
}
