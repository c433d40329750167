// Each page in each of its states: pictures in light and dark, wide and narrow, without anything that axe finds.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, sidePanel } from "../support/app";
import { PHONE, look } from "../support/look";
import { expect, test } from "../support/test";
import { cutOff, hold } from "../support/traffic";

// Four pictures with axe for each of several states.
test.describe.configure({ timeout: 120_000 });

/** The list pages, each with the operation that fills it. */
const LISTS = [
  { name: "overview", path: PAGES.overview, operation: "GetOverview", full: "40 agents imported." },
  { name: "agents", path: PAGES.agents, operation: "ListAgents", full: "40 agents" },
  { name: "numbers", path: PAGES.numbers, operation: "ListPhoneNumbers", full: "12 numbers" },
  { name: "history", path: PAGES.history, operation: "ListSyncRuns", full: "1 sync" },
  { name: "keys", path: PAGES.keys, operation: "ListProviderKeys", full: "Working" },
  { name: "audit", path: PAGES.audit, operation: "ListAuditEntries", full: "Logged in." },
  { name: "alerts", path: `${PAGES.alerts}?show=all`, operation: "ListAlerts", full: "0 alerts" },
  { name: "api", path: PAGES.api, operation: "ListApiKeys", full: "Not connected" },
  { name: "webhooks", path: PAGES.webhooks, operation: "ListWebhookEndpoints", full: "No endpoints yet" },
] as const;

for (const { name, path, operation, full } of LISTS) {
  test(`${name}: loading, failed and full`, async ({ page, demo, watch }) => {
    // checklist 24, 40; look.md: loading, errors, narrow screens.
    watch.expect(/net::ERR_FAILED/);
    await connect(demo);
    await logIn(page, PEOPLE.admin, name === "overview" ? PAGES.agents : PAGES.overview);
    await page.clock.install();

    const answer = await hold(page, operation);
    await page.goto(path);
    await expect(page.locator("main .skeleton").first()).toBeVisible();
    await look(page, `${name}-loading`);
    answer();
    await expect(page.getByText(full, { exact: true }).first()).toBeAttached();
    await expect(page.locator("main .skeleton")).toHaveCount(0);
    await look(page, `${name}-full`);

    await page.unrouteAll({ behavior: "wait" });
    await cutOff(page, operation);
    await page.goto(path);
    await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
    await expect(page.locator("main .skeleton")).toHaveCount(0);
    await look(page, `${name}-failed`);
    await page.unrouteAll({ behavior: "wait" });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.getByText(full, { exact: true }).first()).toBeAttached();
    await expect(page.getByRole("alert")).toHaveCount(0);
  });
}

test("empty pages teach", async ({ page }) => {
  // checklist 23; look.md: empty.
  await logIn(page, PEOPLE.admin);
  await expect(page.getByText("0 of 4")).toBeVisible();
  await look(page, "overview-empty");
  await page.goto(PAGES.agents);
  await expect(page.getByRole("heading", { name: "No agents yet" })).toBeVisible();
  await look(page, "agents-empty");
  await page.goto(`${PAGES.agents}?q=nobody`);
  await expect(page.getByRole("heading", { name: "No agent matches" })).toBeVisible();
  await look(page, "agents-filtered-empty");
  await page.goto(PAGES.numbers);
  await expect(page.getByRole("heading", { name: "No numbers yet" })).toBeVisible();
  await look(page, "numbers-empty");
  await page.goto(PAGES.history);
  await expect(page.getByRole("heading", { name: "No syncs yet" })).toBeVisible();
  await look(page, "history-empty");
  await page.goto(PAGES.keys);
  await expect(new Card(page).badge("Not connected")).toBeVisible();
  await look(page, "keys-empty");
  await page.goto(`${PAGES.audit}?provider=vapi`);
  await expect(page.getByRole("heading", { level: 2 }).first()).toBeVisible();
  await look(page, "audit-empty");
});

test("the doors: log-in, and addresses that lead nowhere", async ({ page }) => {
  // checklist 40.
  await page.goto("/log-in");
  await expect(page.getByLabel("Email")).toBeVisible();
  await look(page, "log-in");
  await page.getByLabel("Email").fill("nobody@demo.test");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look(page, "log-in-refused");
  await page.goto("/set-up");
  await expect(page.getByText("Ringfence is set up already")).toBeVisible();
  await look(page, "set-up-closed");
  await page.goto("/nowhere");
  await expect(page.getByText("There is no page here")).toBeVisible();
  await look(page, "not-found");
  await logIn(page, PEOPLE.staff, `${PAGES.overview}/nowhere`);
  await look(page, "not-found-in-agency");
  await page.goto("/a/somebody-else");
  await expect(page.getByText("There is no such agency for you")).toBeVisible();
  await look(page, "no-agency");
});

test("the agent's panel", async ({ page, demo }) => {
  // checklist 40; look.md: table.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.agents);
  await page.getByRole("rowheader").first().getByRole("link").click();
  const panel = page.getByRole("complementary").filter({ has: page.getByRole("button", { name: "Close panel" }) });
  await expect(panel.getByRole("heading", { name: "At the provider" })).toBeVisible();
  await look(page, "agent");
  await panel.getByRole("button", { name: "Close panel" }).click();

  // Names are what rows are told apart by, so that the table cuts none of them, with the panel and without it.
  const cut = () =>
    page.getByRole("rowheader").evaluateAll((cells) =>
      cells
        .flatMap((cell) => [cell, ...cell.querySelectorAll("*")])
        .filter((element) => element.scrollWidth > element.clientWidth && element.clientWidth > 0)
        .map((element) => element.textContent),
    );
  expect(await cut()).toEqual([]);
  // Beside the panel the list stays in place and usable.
  await page.getByRole("rowheader").nth(1).getByRole("link").click();
  const [list, beside] = [await page.getByRole("table").boundingBox(), await panel.boundingBox()];
  if (!list || !beside) throw new Error("list and panel are both shown");
  expect(list.x + list.width, "the table ends where the panel begins").toBeLessThanOrEqual(beside.x + 1);
  await page.getByRole("rowheader").nth(2).getByRole("link").click();
  await expect(panel).toHaveCount(1);
  expect(await cut()).toEqual([]);
});

test("the keys page: each health, a refused key, a sync in each of its states", async ({ page, demo }) => {
  // K3, R7, S2; checklist 18, 40.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.save(KEYS.revoked);
  await expect(card.error).toBeVisible();
  await look(page, "keys-refused");
  await card.save("two words");
  await expect(card.root.locator(".field-error")).toBeVisible();
  await look(page, "keys-field-error");
  await card.save(KEYS.limited);
  await card.synced();
  await look(page, "keys-limited");

  const script = await Script.as(demo, PEOPLE.owner);
  await script.saveKey(KEYS.noFunds);
  await page.reload();
  await expect(card.badge("Out of funds")).toBeVisible();
  await look(page, "keys-no-funds");

  const key = "key-of-a-test-account-0001";
  await demo.sandbox.addAccount(key, 2_500, 4);
  // Slow enough to be looked at, and quick enough for the test of the key before it.
  await demo.sandbox.setPageDelay(1_500);
  await script.saveKey(key);
  await demo.sandbox.setPageDelay(60_000);
  await page.reload();
  await expect(card.progress).toBeVisible();
  await look(page, "keys-syncing");
  await page.goto(PAGES.overview);
  await expect(page.getByRole("progressbar")).toBeVisible();
  await look(page, "overview-syncing");

  await demo.sandbox.setPageDelay(0);
  await demo.sandbox.revoke(key);
  await script.saveKey(KEYS.good);
  await script.syncEnded();
  await demo.sandbox.inject({ path: "/vapi/assistant", times: 1, effect: { kind: "status", status: 429, retryAfter: "300" } });
  await script.startSync();
  await script.syncEnded("WAITING");
  await page.goto(PAGES.keys);
  await expect(card.root.getByText(/next try in/)).toBeVisible();
  await look(page, "keys-waiting");
  await script.close();
});

test("the keys page: a failed sync, and a question", async ({ page, demo }) => {
  // S2, S3; checklist 40.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.owner);
  const allowed = await demo.sandbox.inject({ path: "/vapi/assistant", effect: { kind: "status", status: 403 } });
  await script.startSync();
  await script.syncEnded("FAILED");
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await expect(card.root.getByText(/^The last Vapi sync failed/)).toBeVisible();
  await look(page, "keys-sync-failed");
  await allowed();
  await demo.sandbox.removeAssistants(KEYS.good, 15);
  await script.startSync();
  await script.syncEnded("NEEDS_CONFIRMATION");
  await script.close();
  await page.reload();
  await expect(card.root.getByText("15 of 40 agents were not listed any more")).toBeVisible();
  await look(page, "keys-question");
  await page.goto(PAGES.overview);
  await expect(page.getByText("15 of 40 agents were not listed any more")).toBeVisible();
  await look(page, "overview-question");
  await page.goto(PAGES.history);
  await expect(page.locator("tbody").getByRole("row")).toHaveCount(3);
  await look(page, "history-states");
  await page.getByRole("rowheader").nth(1).getByRole("link").click();
  await expect(sidePanel(page).getByText(/^The last Vapi sync failed/)).toBeVisible();
  await look(page, "run-failed");
  await page.getByRole("rowheader").nth(2).getByRole("link").click();
  await expect(sidePanel(page).getByText(/^Synced .* 40 agents/)).toBeVisible();
  await expect(sidePanel(page).getByText("52 changes")).toBeVisible();
  await look(page, "run");
  await page.getByRole("rowheader").nth(0).getByRole("link").click();
  await sidePanel(page).getByRole("link", { name: "Review" }).click();
  await expect(page.getByRole("link", { name: "Search all 15 agents" })).toBeVisible();
  await look(page, "review");
  await page.getByRole("button", { name: "Mark 15 agents inactive" }).click();
  await expect(page.getByText(/15 no longer there$/)).toBeVisible();
  await look(page, "review-decided");
});

test("numbers: the panel, and a selection of agents", async ({ page, demo }) => {
  // checklist 40; look.md: table.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.numbers);
  await page.getByRole("rowheader").nth(1).getByRole("link").click();
  await expect(sidePanel(page).getByRole("heading", { name: "Answered by" })).toBeVisible();
  await look(page, "number");
  await page.goto(PAGES.agents);
  const boxes = page.locator("tbody").getByRole("checkbox");
  await boxes.nth(1).click();
  await boxes.nth(4).click({ modifiers: ["Shift"] });
  await expect(page.getByText("4 agents selected")).toBeVisible();
  await look(page, "agents-selected");
});

test("lists after a sync that found nothing", async ({ page, demo }) => {
  // S2; checklist 23, 40.
  const key = "key-of-an-empty-account-0002";
  await demo.sandbox.addAccount(key, 0);
  await connect(demo, key);
  await logIn(page, PEOPLE.admin, PAGES.agents);
  await expect(page.getByRole("heading", { name: "The last sync found no agents" })).toBeVisible();
  await look(page, "agents-found-nothing");
  await page.goto(PAGES.numbers);
  await expect(page.getByRole("heading", { name: "The last sync found no numbers" })).toBeVisible();
  await look(page, "numbers-found-nothing");
});

test("the review as staff see it", async ({ page, demo }) => {
  // P1, S3; checklist 25, 40.
  await connect(demo);
  await demo.sandbox.removeAssistants(KEYS.good, 15);
  const script = await Script.as(demo, PEOPLE.staff);
  await script.startSync();
  await script.syncEnded("NEEDS_CONFIRMATION");
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.history);
  await page.getByRole("rowheader").first().getByRole("link").click();
  await sidePanel(page).getByRole("link", { name: "Review" }).click();
  await expect(page.getByText("An owner or admin has to decide this")).toBeVisible();
  await expect(page.getByRole("link", { name: "Search all 15 agents" })).toBeVisible();
  await look(page, "review-staff");
});

test("the keys page as staff see it", async ({ page, demo }) => {
  // P1; checklist 25, 40.
  await connect(demo);
  await logIn(page, PEOPLE.staff, PAGES.keys);
  await expect(new Card(page).badge("Working")).toBeVisible();
  await look(page, "keys-staff");
});

test("the dialogs and the account menu", async ({ page, demo }) => {
  // checklist 38, 40.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Replace").click();
  await openDialog(page).getByLabel("Vapi key", { exact: true }).fill(KEYS.revoked);
  await openDialog(page).getByRole("button", { name: "Check and preview" }).click();
  await expect(openDialog(page).getByRole("alert")).toBeVisible();
  await look(page, "replace-refused");
  await page.keyboard.press("Escape");
  await look(page, "replace-discard");
  await openDialog(page).getByRole("button", { name: "Discard" }).click();
  await card.button("Clear").click();
  await expect(openDialog(page).getByText(/^40 agents stop being reachable/)).toBeVisible();
  await look(page, "clear");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /Account menu/ }).click();
  await expect(page.getByRole("group", { name: "Theme" })).toBeVisible();
  await look(page, "account-menu");
});

test("on a phone the navigation is a drawer", async ({ page }) => {
  // checklist 39; look.md: frame.
  await page.setViewportSize(PHONE);
  await logIn(page, PEOPLE.admin);
  const opener = page.getByRole("button", { name: "Open navigation" });
  const navigation = page.getByRole("navigation", { name: "Main" });
  await expect(navigation).toHaveCount(0);
  await opener.click();
  await expect(navigation.getByRole("link", { name: "Overview" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(opener).toBeFocused();
  await opener.click();
  await navigation.getByRole("link", { name: "API keys" }).click();
  await expect(page).toHaveURL(PAGES.keys);
  await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeFocused();
  await expect(navigation).toHaveCount(0);
});

test("the theme can be chosen and stays", async ({ page }) => {
  // look.md: ink.
  await page.emulateMedia({ colorScheme: "light" });
  await logIn(page, PEOPLE.admin);
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: /Account menu/ }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(await background()).toBe(dark);
});
