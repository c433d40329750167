// The product's main job in one flow, as the demo admin lives it: log in, save the good key, watch the sync, use the agents.

import { Card, KEYS, PAGES, PEOPLE, fillLogIn, recordProgress, toast } from "../support/app";
import { expect, test } from "../support/test";

test.use({ pageDelayMs: 700 });

test("an admin connects Vapi, watches the sync and opens an agent", async ({ page }) => {
  // K2, K3, K4, K5, K7, S1, S2; checklist 2, 3, 10, 11, 14, 16, 17, 18, 20, 22.
  await test.step("log in by the form", async () => {
    await page.goto("/");
    await expect(page).toHaveURL("/log-in");
    await fillLogIn(page, PEOPLE.admin);
    await expect(page).toHaveURL(PAGES.overview);
    await expect(page).toHaveTitle("Overview · Ringfence");
  });

  const checklist = page.locator("section", { has: page.getByRole("heading", { name: "To your first call" }) });
  await test.step("the overview points at the first step", async () => {
    await expect(checklist.getByText("0 of 4")).toBeVisible();
    const first = checklist.getByRole("listitem").filter({ hasText: "Connect a voice provider" });
    await expect(first.getByText("Next", { exact: true })).toBeAttached();
    await first.getByRole("link", { name: "Connect" }).click();
    await expect(page).toHaveURL(PAGES.keys);
  });

  const card = new Card(page);
  await test.step("the empty card says what Vapi powers and what the key needs", async () => {
    await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeVisible();
    await expect(card.badge("Not connected")).toBeVisible();
    await expect(card.field).toHaveAccessibleDescription(/^Find it in Vapi/);
    await expect(card.field).toHaveAttribute("type", "password");
    for (const name of ["Retell", "Bland"]) {
      await expect(new Card(page, name).badge("Not connected")).toBeVisible();
    }
  });

  await test.step("save the good key, typed with spaces around it", async () => {
    await card.save(`  ${KEYS.good} `);
    await expect(card.root.getByText("Testing with Vapi…")).toBeVisible();
    await expect(card.button("Save key")).toBeDisabled();
    await expect(toast(page)).toHaveText(/^Vapi key saved and tested\./);
    await expect(card.badge("Working")).toBeVisible();
    await expect(card.root.getByRole("heading", { name: "Vapi" })).toBeFocused();
  });

  await test.step("watch the bar through its phases", async () => {
    const seen = await recordProgress(page);
    await expect(card.progress).toBeVisible();
    await card.synced();
    const texts = (await seen()).map((state) => state.text.split(" ")[0]);
    expect(texts).toEqual(expect.arrayContaining(["Agents", "Numbers"]));
    await expect(card.root.getByText(/40 agents, 12 numbers/)).toBeVisible();
    await expect(card.progress).toHaveCount(0);
  });

  await test.step("the card shows mask, account, health and capabilities", async () => {
    await expect(card.mask).toHaveText(/k7Qd$/);
    await expect(card.mask).not.toContainText("sandbox");
    await expect(card.root.getByText(/^Checked/)).toBeVisible();
    await expect(card.capabilities.filter({ hasText: "Can list agents" })).toBeVisible();
    await expect(card.capabilities.filter({ hasText: "Can list numbers" })).toBeVisible();
  });

  await test.step("the agents are there: search, filter, sort", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
    await expect(page.getByRole("status").filter({ hasText: /^40 agents$/ })).toBeVisible();
    const names = page.getByRole("rowheader");
    await expect(names).toHaveCount(40);

    await page.getByRole("searchbox", { name: "Search agents" }).fill("dental");
    await expect(page.getByText(/^\d+ agents? found$/)).toBeVisible();
    await expect(names.first()).toContainText("Northside Dental");
    await expect(page).toHaveURL(/[?&]q=dental/);
    await page.getByRole("searchbox", { name: "Search agents" }).fill("");
    await expect(names).toHaveCount(40);

    await page.getByRole("button", { name: "Inactive" }).click();
    await expect(page.getByRole("heading", { name: "No agent matches" })).toBeVisible();
    await page.getByRole("button", { name: "Clear filters" }).click();
    await expect(names).toHaveCount(40);

    const ascending = await names.allInnerTexts();
    await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
    await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
    await expect(names.first()).toHaveText(ascending.at(-1) ?? "");
    await page.goBack();
    await expect(names.first()).toHaveText(ascending[0] ?? "");
  });

  await test.step("open an agent; its link survives a reload; Back closes it", async () => {
    const panel = page.getByRole("complementary", { name: /Northside Dental/ });
    await page.getByRole("rowheader").filter({ hasText: "Northside Dental" }).first().getByRole("link").click();
    await expect(panel.getByRole("heading", { name: "First message" })).toBeVisible();
    await expect(panel.getByRole("heading", { name: "Prompt" })).toBeVisible();
    await expect(page.getByRole("rowheader")).toHaveCount(40);
    await page.reload();
    await expect(panel.getByRole("heading", { name: "First message" })).toBeVisible();
    await page.goBack();
    await expect(panel).toHaveCount(0);
    await expect(page.getByRole("rowheader")).toHaveCount(40);
  });

  await test.step("the overview has advanced to the call", async () => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
    await expect(page.getByText(/^Call .* from your phone: .* answers\.$/).first()).toBeVisible();
    await page.getByText("Show the steps").click();
    await expect(page.getByRole("listitem").filter({ hasText: "40 agents imported." })).toBeVisible();
  });
});
