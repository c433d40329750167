// The product without a mouse: the whole way to a saved key by Tab and Enter, focus that is seen and goes where one
// expects it, and no motion for those who want none.

import { Card, KEYS, PAGES, PEOPLE, connect, logIn, openDialog } from "../support/app";
import { expectVisibleFocus, tabTo } from "../support/keyboard";
import { expect, test } from "../support/test";

test("a key is saved by Tab and Enter alone", async ({ page }) => {
  // checklist 10, 16, 39.
  await page.goto("/log-in");
  await expect(page.getByLabel("Email")).toBeVisible();
  await tabTo(page, page.getByLabel("Email"));
  await page.keyboard.type(PEOPLE.admin.email);
  await tabTo(page, page.getByLabel("Password"));
  await page.keyboard.type(PEOPLE.admin.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeFocused();

  await tabTo(page, page.getByRole("link", { name: "Connect" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeFocused();
  const card = new Card(page);
  await expect(card.field).toBeVisible();
  await tabTo(page, card.field);
  await page.keyboard.type(KEYS.good);
  await tabTo(page, card.button("Save key"));
  await page.keyboard.press("Enter");
  await expect(card.root.getByRole("heading", { name: "Vapi" })).toBeFocused();
  await card.synced();

  await tabTo(page, card.button("Clear"));
  await page.keyboard.press("Enter");
  await expect(openDialog(page).getByRole("button", { name: "Cancel" })).toBeFocused();
  await expectVisibleFocus(openDialog(page).getByRole("button", { name: "Cancel" }));
  // The focus stays in the dialog.
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    const isOutside = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused !== null && focused !== document.body && focused.closest("dialog") === null;
    });
    expect(isOutside).toBe(false);
  }
  await page.keyboard.press("Escape");
  await expect(card.button("Clear")).toBeFocused();
});

test("agents are searched and opened by the keyboard", async ({ page, demo }) => {
  // checklist 39; look.md: table.
  await connect(demo);
  await logIn(page, PEOPLE.staff, PAGES.agents);
  const search = page.getByRole("searchbox", { name: "Search agents" });
  await expect(page.getByRole("rowheader")).toHaveCount(40);
  await page.keyboard.press("/");
  await expect(search).toBeFocused();
  await expectVisibleFocus(search);
  await expect(search).toHaveValue("");
  await page.keyboard.type("dental / night");
  await expect(search).toHaveValue("dental / night");
  await search.fill("dental");
  await expect(page.getByText(/^\d+ agents? found$/)).toBeVisible();
  const first = page.getByRole("rowheader").first().getByRole("link");
  await expect(first).toContainText("Dental");
  await tabTo(page, first);
  await page.keyboard.press("Enter");
  const panel = page.getByRole("complementary", { name: /Dental/ });
  await expect(panel.getByRole("heading", { level: 2 })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  await expect(first).toBeFocused();
});

test("each navigation names the window and puts the focus on the heading", async ({ page }) => {
  // checklist 40.
  await logIn(page, PEOPLE.admin);
  for (const room of ["Agents", "Numbers", "API keys", "Sync history", "Audit log", "Overview"]) {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: room }).click();
    await expect(page.getByRole("heading", { level: 1, name: room })).toBeFocused();
    await expect(page).toHaveTitle(`${room} · Ringfence`);
    await expect(page.getByRole("link", { name: room, exact: true })).toHaveAttribute("aria-current", "page");
  }
  await page.keyboard.press("Home");
  await page.getByRole("link", { name: "Skip to content" }).focus();
  await expectVisibleFocus(page.getByRole("link", { name: "Skip to content" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
});

test("everything that is pressed is large enough", async ({ page, demo }) => {
  // checklist 39: targets of at least 24 px, links in running text apart.
  await connect(demo);
  for (const path of [PAGES.overview, PAGES.agents, PAGES.numbers, PAGES.keys, PAGES.history, PAGES.audit]) {
    if (path === PAGES.overview) await logIn(page, PEOPLE.admin, path);
    else await page.goto(path);
    await expect(page.locator("main .skeleton")).toHaveCount(0);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, input, select, summary, a.button, nav a")]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .map((element) => ({ box: element.getBoundingClientRect(), text: element.outerHTML.slice(0, 120) }))
        .filter(({ box }) => box.width > 1 && (box.width < 24 || box.height < 24))
        .map(({ box, text }) => `${Math.round(box.width)}×${Math.round(box.height)} ${text}`),
    );
    expect(small, path).toEqual([]);
  }
});

test("nothing moves for those who want no motion", async ({ page, demo }) => {
  // checklist 39; look.md: motion.
  await demo.sandbox.setPageDelay(60_000);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const running = () =>
    page.evaluate(() =>
      document
        .getAnimations()
        // What takes no time only appears later, as skeletons do.
        .filter((animation) => animation.playState === "running" && Number(animation.effect?.getComputedTiming().duration) > 0)
        .map((animation) => (animation as CSSAnimation).animationName ?? (animation as CSSTransition).transitionProperty),
    );
  expect(await running()).toEqual([]);
  await demo.sandbox.inject({ path: "/vapi/assistant", times: 1, effect: { kind: "delay", ms: 1_500 } });
  await card.save(KEYS.good);
  await expect(card.root.getByText("Testing with Vapi…")).toBeVisible();
  expect(await running()).toEqual([]);
});
