// A sync as people see it: moving, waiting, failing, asking before it marks agents, and ending empty.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, recordProgress, recordSpoken, toast } from "../support/app";
import { expect, test } from "../support/test";

test("the bar moves with a large account, and leaving the page does not stop the sync", async ({ page, demo }) => {
  // S1, S2, S7; checklist 22.
  const key = "key-of-a-large-account-0001";
  await demo.sandbox.addAccount(key, 4_500, 20);
  await demo.sandbox.setPageDelay(400);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const [seen, spoken] = [await recordProgress(page), await recordSpoken(page)];
  await card.save(key);
  await expect(card.progress).toHaveAccessibleName(/^Agents [1-4],000/, { timeout: 15_000 });
  const agents = (await seen()).filter(({ text }) => text.startsWith("Agents"));
  expect(agents.length).toBeGreaterThan(1);

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
  await expect(page.getByRole("progressbar")).toBeVisible();
  await expect(page.getByText(/^Synced .* 4,500 agents, 20 numbers/)).toBeVisible({ timeout: 30_000 });
  // The toast of the save says that the import has begun; its end is spoken on whichever page one is.
  const said = [expect.stringMatching(/saved and tested\. Its agents and numbers are being imported/), expect.stringMatching(/^Vapi sync ended\. 4,500 agents/)];
  expect(await spoken()).toEqual(expect.arrayContaining(said));
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
  await expect(page.getByRole("status").filter({ hasText: /^4,500 agents$/ })).toBeVisible();
  const pages = page.getByRole("navigation", { name: "Pages of agents" });
  await expect(pages).toContainText("1–50 of 4,500");
  await pages.getByRole("link", { name: "Next" }).click();
  await expect(pages).toContainText("51–100 of 4,500");
  await page.goBack();
  await expect(pages).toContainText("1–50 of 4,500");
});

test("a sync that the provider makes wait says why and until when, and goes on by itself", async ({ page, demo }) => {
  // S4; checklist 22.
  await connect(demo);
  await demo.sandbox.inject({
    path: "/vapi/assistant",
    times: 1,
    effect: { kind: "status", status: 429, retryAfter: "4" },
  });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Sync now").click();
  await expect(card.root.getByText(/^Waiting for Vapi's rate limit, next try in [34] s\.$/)).toBeVisible();
  await expect(card.root.getByText(/next try in [12] s\.$/)).toBeVisible();
  await expect(card.button("Sync now")).toBeDisabled();
  await card.synced();
  await expect(card.badge("Working")).toBeVisible();
});

test("a failed sync keeps key and agents, and is tried again", async ({ page, demo }) => {
  // S2, S5.
  await connect(demo);
  const allowed = await demo.sandbox.inject({ path: "/vapi/assistant", effect: { kind: "status", status: 403 } });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Sync now").click();
  await expect(card.root.getByText(/^The last Vapi sync failed/)).toBeVisible();
  await expect(card.root.getByText(/The key may not list the agents at Vapi\./)).toBeVisible();
  await expect(card.root.getByText(/The key stays in use, and what was imported before stays\.$/)).toBeVisible();
  await expect(card.badge("Working")).toBeVisible();
  await page.goto(PAGES.overview);
  await expect(page.getByText("Failed", { exact: true })).toBeVisible();
  await page.goto(PAGES.agents);
  await page.getByRole("button", { name: "Active", exact: true }).click();
  await expect(page.getByText("40 agents found")).toBeVisible();

  await allowed();
  await page.goto(PAGES.keys);
  await card.button("Try again").click();
  await card.synced();
  await expect(card.root.getByText(/No changes$/)).toBeVisible();
});

test("where many agents would go inactive, a person decides", async ({ page, demo }) => {
  // S3.
  await connect(demo);
  await demo.sandbox.removeAssistants(KEYS.good, 15);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Sync now").click();
  await expect(card.root.getByText("15 of 40 agents were not listed any more")).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Vapi sync asks: 15 of 40 agents were not listed any more." })).toBeAttached();
  await page.goto(PAGES.overview);
  await expect(page.getByText("15 of 40 agents were not listed any more")).toBeVisible();
  await page.goto(`${PAGES.history}?state=asks`);
  await expect(page.getByRole("row").filter({ hasText: "15 of 40 agents were not listed any more" })).toContainText("Needs your answer");

  await page.goto(PAGES.keys);
  await card.root.getByRole("link", { name: "Review" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Review missing agents" })).toBeFocused();
  await expect(page.getByText("15 of 40 agents were not listed any more", { exact: true })).toBeVisible();
  await expect(page.getByText(/^In the Vapi account [0-9a-f]{8}-[0-9a-f-]{27}\./)).toBeVisible();
  await expect(page.getByText(/^In the Vapi account .+\. The list was read to its end /)).toBeVisible();
  const named = page.getByRole("list", { name: "Agents that were not listed" }).getByRole("listitem");
  await expect(named).toHaveCount(8);
  const name = await named.last().innerText();
  await page.getByRole("link", { name: "Search all 15 agents" }).click();
  await expect(page.locator(".count")).toHaveText("15 agents found");
  await expect(page.getByRole("link", { name: "Missing in a sync. Show all agents" })).toBeVisible();
  await page.getByRole("searchbox", { name: "Search agents" }).fill(name);
  await expect(page.locator(".count")).toHaveText(/^[1-3] agents? found$/);
  await page.goto(PAGES.keys);
  await card.root.getByRole("link", { name: "Review" }).click();
  await page.getByRole("button", { name: "Keep them active" }).click();
  await expect(page.getByRole("heading", { name: "Nothing is left to decide" })).toBeFocused();
  await expect(page.getByText(/No changes$/)).toBeVisible();
  await page.goto(`${PAGES.agents}?status=active`);
  await expect(page.getByText("40 agents found")).toBeVisible();

  await page.goto(PAGES.keys);
  await card.button("Sync now").click();
  await card.root.getByRole("link", { name: "Review" }).click();
  await page.getByRole("button", { name: "Mark 15 agents inactive" }).click();
  await expect(page.getByText(/15 no longer there$/)).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Sync history" }).click();
  await expect(page.getByRole("row").nth(1)).toContainText("15 no longer there");
  await page.goto(`${PAGES.agents}?status=inactive`);
  await expect(page.getByText("15 agents found")).toBeVisible();
  await page.getByRole("rowheader").first().getByRole("link").click();
  await expect(page.getByRole("complementary").getByText("This agent is inactive")).toBeVisible();
});

test("staff see the question and are not asked to decide it", async ({ page, demo }) => {
  // S3, P1; checklist 25.
  await connect(demo);
  await demo.sandbox.removeAssistants(KEYS.good, 15);
  const script = await Script.as(demo, PEOPLE.staff);
  await script.startSync();
  await script.syncEnded("NEEDS_CONFIRMATION");
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.keys);
  const card = new Card(page);
  await expect(card.root.getByText("15 of 40 agents were not listed any more")).toBeVisible();
  await card.root.getByRole("link", { name: "Review" }).click();
  await expect(page.getByText("An owner or admin has to decide this")).toBeVisible();
  await expect(page.getByText(/^In your Vapi account\./)).toBeVisible();
  for (const answer of ["Mark 15 agents inactive", "Keep them active"]) {
    const button = page.getByRole("button", { name: answer });
    await expect(button).toBeDisabled();
    await expect(button).toHaveAccessibleDescription(/^An owner or admin has to decide this/);
  }
});

test("a sync that ends empty says what to check", async ({ page, demo }) => {
  // S2; checklist 23.
  const key = "key-of-an-empty-account-0001";
  await demo.sandbox.addAccount(key, 0);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.save(key);
  await card.synced();
  await expect(card.root.getByText("Found nothing")).toBeVisible();
  await expect(card.root.getByText(/^No agents and no numbers were found\./)).toBeVisible();
  await expect(card.root.getByText(/Check that the key belongs to the right Vapi organisation/)).toBeVisible();
  await page.goto(PAGES.overview);
  await expect(page.getByText(/The account holds no agents yet\./)).toBeVisible();
  for (const [path, noun] of [[PAGES.agents, "agents"], [PAGES.numbers, "numbers"]] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { name: `The last sync found no ${noun}` })).toBeVisible();
    await expect(page.getByText(/Check that the key belongs to the right Vapi organisation/)).toBeVisible();
    await expect(page.getByRole("link", { name: "Open API keys" })).toBeVisible();
  }
});

test("a second sync joins the one that runs", async ({ page, otherPage, demo }) => {
  // S6.
  await connect(demo);
  await demo.sandbox.setPageDelay(1_500);
  await logIn(otherPage, PEOPLE.owner, PAGES.keys);
  await logIn(page, PEOPLE.staff, PAGES.keys);
  const [first, second] = [new Card(page), new Card(otherPage)];
  await expect(second.button("Sync now")).toBeEnabled();
  await first.button("Sync now").click();
  await expect(first.progress).toBeVisible();
  await second.button("Sync now").click();
  await expect(toast(otherPage)).toHaveText("A Vapi sync is running already. You are watching it.");
  await expect(second.progress).toBeVisible();
  await first.synced();
  await second.synced();
});
