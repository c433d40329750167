// Alerts: a revoked key is found out, confirmed and told within half a minute; the inbox says whose, what and next.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, toast } from "../support/app";
import { look } from "../support/look";
import { expect, test } from "../support/test";

test.describe.configure({ timeout: 120_000 });

test("a revoked key is confirmed by itself, raises the badge, and its alert ends with a new key", async ({ page, demo }) => {
  // R8; look.md: words.
  await connect(demo);
  await demo.sandbox.revoke(KEYS.good);
  await logIn(page, PEOPLE.admin, PAGES.alerts);
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
  await look(page, "alerts-empty");
  await page.goto(PAGES.keys);
  const card = new Card(page);
  await card.button("Test").click();
  await expect(card.badge("Rejected")).toBeVisible();

  const room = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Alerts/ });
  await expect(room).toHaveAccessibleName(/1 open/, { timeout: 60_000 });
  await room.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Alerts" })).toBeFocused();
  const alert = page.getByRole("list", { name: "Alerts" }).getByRole("listitem");
  await expect(alert).toHaveCount(1);
  await expect(alert).toContainText("Key rejected");
  await expect(alert).toContainText("The agency's Vapi key was rejected. Its 40 agents cannot call until it is replaced.");
  await look(page, "alerts-open");

  await alert.getByRole("link", { name: "Open API keys" }).click();
  await expect(page).toHaveURL(/settings\/api-keys/);
  const script = await Script.as(demo, PEOPLE.admin);
  await script.saveKey(KEYS.second);
  await script.syncEnded();
  await page.goto(PAGES.alerts);
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
  await page.getByRole("link", { name: "All", exact: true }).click();
  await expect(alert).toContainText("Over");
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
  await script.close();
});

test("staff put an alert aside, and it stays aside while its trouble lasts", async ({ page, demo, watch }) => {
  // R8; checklist 24.
  watch.expect(/net::ERR_FAILED/);
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  await demo.sandbox.inject({ path: "/vapi/assistant", effect: { kind: "status", status: 403 } });
  await script.startSync();
  await script.syncEnded("FAILED");
  await logIn(page, PEOPLE.staff, PAGES.alerts);
  const alert = page.getByRole("list", { name: "Alerts" }).getByRole("listitem");
  await expect(alert).toContainText("Sync failed");
  await alert.getByRole("button", { name: "Dismiss" }).click();
  await expect(toast(page)).toContainText("Put aside.");
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
  await script.startSync();
  await script.syncEnded("FAILED");
  await page.goto(`${PAGES.alerts}?show=all`);
  await expect(alert).toHaveCount(1);
  await expect(alert).toContainText("Put aside");
  await look(page, "alerts-all");
  await page.route("**/graphql", (route) => route.abort());
  await page.getByRole("link", { name: "Open", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
  await script.close();
});
