// The sync history: what each import did, live while it runs, and the panel of one import.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, sidePanel } from "../support/app";
import { expect, test } from "../support/test";

test("the history lists each sync with what started it and what it brought", async ({ page, demo }) => {
  // S2, S8; look.md: table.
  await connect(demo);
  await demo.sandbox.addAssistants(KEYS.good, 3, "New agent");
  const script = await Script.as(demo, PEOPLE.staff);
  await script.startSync();
  await script.syncEnded();
  const allowed = await demo.sandbox.inject({ path: "/vapi/assistant", effect: { kind: "status", status: 403 } });
  await script.startSync();
  await script.syncEnded("FAILED");
  await allowed();
  await script.close();

  await logIn(page, PEOPLE.staff);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Sync history" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sync history" })).toBeFocused();
  const rows = page.locator("tbody").getByRole("row");
  await expect(page.locator(".count")).toHaveText("3 syncs");
  await expect(rows.nth(0)).toContainText("Failed");
  await expect(rows.nth(0)).toContainText("The key may not list the agents at Vapi.");
  await expect(rows.nth(1)).toContainText("3 added");
  await expect(rows.nth(1)).toContainText("Sync now");
  await expect(rows.nth(2)).toContainText("40 added");
  await expect(rows.nth(2)).toContainText("Key saved");

  await rows.nth(0).getByRole("rowheader").getByRole("link").press("Enter");
  const panel = sidePanel(page);
  await expect(panel.getByRole("heading", { level: 2 })).toBeFocused();
  await expect(panel.getByText(/^The last Vapi sync failed/)).toBeVisible();
  await expect(panel.getByText(/what was imported before stays\.$/)).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Escape");
  await expect(rows.nth(0).getByRole("rowheader").getByRole("link")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1).getByRole("rowheader").getByRole("link")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(panel.locator(".count-tile").filter({ hasText: "Added" })).toContainText("3");
  await expect(panel.locator(".facts").getByText("43", { exact: true })).toBeVisible();
  await page.reload();
  await expect(panel.locator(".count-tile").filter({ hasText: "Added" })).toContainText("3");

  await page.getByRole("button", { name: "Failed" }).click();
  await expect(page).toHaveURL(/state=failed/);
  await expect(page.locator(".count")).toHaveText("1 sync found");
  await page.goto(`${PAGES.history}?provider=bland`);
  await expect(page.getByRole("heading", { name: "No sync matches" })).toBeVisible();
  await page.goto(PAGES.keys);
  await new Card(page).root.getByRole("link", { name: "Sync history" }).click();
  await expect(page).toHaveURL(`${PAGES.history}?provider=vapi`);
  await expect(page.locator(".count")).toHaveText("3 syncs found");
});

test("the panel of a sync names what changed, and leads to it", async ({ page, demo }) => {
  // S8; look.md: filters as chips.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { agents } = await script.send<{ agents: { nodes: { name: string; placements: { remoteId: string }[] }[] } }>(
    "{ agents(first: 1, sort: { field: CREATED_AT }) { nodes { name placements { remoteId } } } }",
  );
  const renamed = agents.nodes[0];
  if (!renamed?.placements[0]) throw new Error("no agent was imported");
  await demo.sandbox.removeAssistants(KEYS.good, 2);
  await demo.sandbox.addAssistants(KEYS.good, 30, "Overflow desk");
  await demo.sandbox.renameAssistant(KEYS.good, renamed.placements[0].remoteId, "Renamed at Vapi");
  await script.startSync();
  await script.syncEnded();
  await script.close();

  await logIn(page, PEOPLE.staff, PAGES.history);
  await page.getByRole("rowheader").first().getByRole("link").click();
  const panel = sidePanel(page);
  const items = panel.locator(".change-list").getByRole("listitem");
  await expect(panel.getByText("33 changes", { exact: true })).toBeVisible();
  await expect(items).toHaveCount(25);
  await panel.getByRole("button", { name: "Show more" }).click();
  await expect(items).toHaveCount(33);
  await expect(panel.getByRole("button", { name: "Show more" })).toHaveCount(0);

  await panel.getByRole("button", { name: "Changed" }).click();
  await expect(items).toHaveCount(1);
  await expect(items.first()).toContainText("Renamed at Vapi");
  await expect(items.first()).toContainText("Name");
  await panel.getByRole("button", { name: "Numbers" }).click();
  await expect(panel.getByText("None of these.")).toBeVisible();
  await panel.getByRole("button", { name: "Numbers" }).click();
  await panel.getByRole("button", { name: "Gone" }).click();
  await expect(items).toHaveCount(2);
  await expect(items.first()).toContainText("Gone");
  await items.first().getByRole("link").click();
  await expect(page).toHaveURL(/\/agents\?agent=/);
  await expect(sidePanel(page).getByText("This agent is inactive")).toBeVisible();

  await page.goto(PAGES.history);
  await page.getByRole("rowheader").last().getByRole("link").click();
  await panel.getByRole("button", { name: "Numbers" }).click();
  await expect(panel.getByText("12 changes", { exact: true })).toBeVisible();
  await items.first().getByRole("link").click();
  await expect(page).toHaveURL(/\/numbers\?number=/);
  await expect(sidePanel(page).getByRole("heading", { name: "Answered by" })).toBeVisible();
});

test("who asked for a sync is told to those who administer, and of which account it is", async ({ page, otherPage, demo }) => {
  // P1, S1.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.staff);
  await script.startSync();
  await script.syncEnded();
  await script.close();
  const account = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  await logIn(page, PEOPLE.admin, PAGES.history);
  const rows = page.locator("tbody").getByRole("row");
  await expect(rows.nth(0)).toContainText(`Sync now${PEOPLE.staff.name}`);
  await rows.nth(0).getByRole("rowheader").getByRole("link").click();
  await expect(sidePanel(page).getByText(`Sync now by ${PEOPLE.staff.name}, just now`)).toBeVisible();
  await expect(sidePanel(page).locator(".facts").getByText(account)).toBeVisible();

  await logIn(otherPage, PEOPLE.staff, PAGES.history);
  await otherPage.getByRole("rowheader").first().getByRole("link").click();
  await expect(sidePanel(otherPage).getByText("Sync now, just now")).toBeVisible();
  await expect(sidePanel(otherPage).locator(".facts").getByText("40", { exact: true })).toBeVisible();
  await expect(sidePanel(otherPage).locator(".facts").getByText(account)).toHaveCount(0);
});

test("a sync under way moves in the list and in its panel until it ends", async ({ page, demo }) => {
  // S2.
  const key = "key-of-a-large-account-0003";
  await demo.sandbox.addAccount(key, 3_500, 20);
  await demo.sandbox.setPageDelay(700);
  const script = await Script.as(demo, PEOPLE.admin);
  await script.saveKey(key);
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.history);
  const row = page.locator("tbody").getByRole("row").first();
  await expect(row).toContainText(/Agents [1-3],000/, { timeout: 20_000 });
  await expect(row).toContainText("Syncing");
  await row.getByRole("rowheader").getByRole("link").click();
  await expect(sidePanel(page).getByRole("progressbar")).toBeVisible();
  await expect(row).toContainText("3,500 added", { timeout: 30_000 });
  await expect(row).toContainText("Synced");
  await expect(sidePanel(page).getByText(/^Synced .* 3,500 agents, 20 numbers/)).toBeVisible();
  await expect(sidePanel(page).locator(".count-tile").filter({ hasText: "Added" })).toContainText("3,500");
});

test("a sync that begins while the page is open appears by itself", async ({ page, demo }) => {
  // S2.
  await connect(demo);
  await logIn(page, PEOPLE.staff, PAGES.history);
  const rows = page.locator("tbody").getByRole("row");
  await expect(rows).toHaveCount(1);
  await rows.first().getByRole("rowheader").getByRole("link").click();
  const script = await Script.as(demo, PEOPLE.admin);
  await script.startSync();
  await expect(rows).toHaveCount(2);
  await expect(rows.first()).toContainText("Sync now");
  await expect(rows.first()).toContainText("Synced");
  await expect(sidePanel(page).getByText(/^Synced .* 40 agents, 12 numbers/)).toBeVisible();
  await script.close();
});

test("a sync that waits says why in the history", async ({ page, demo }) => {
  // S4.
  await connect(demo);
  await demo.sandbox.inject({ path: "/vapi/assistant", times: 1, effect: { kind: "status", status: 429, retryAfter: "300" } });
  const script = await Script.as(demo, PEOPLE.admin);
  await script.startSync();
  await script.syncEnded("WAITING");
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.history);
  const row = page.locator("tbody").getByRole("row").first();
  await expect(row).toContainText("Waiting for Vapi's rate limit");
  await row.getByRole("rowheader").getByRole("link").click();
  await expect(sidePanel(page).getByText(/^Waiting for Vapi's rate limit, next try in \d+ (s|min)\.$/)).toBeVisible();
});
