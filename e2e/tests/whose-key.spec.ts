// The whole story of whose key pays: two clients, one with a key of its own that is revoked, replaced, rolled back and
// cleared, and a key that a client's person hands in and the owner accepts. Each part has a test of its own elsewhere; here
// they follow one another, as they do in an agency.

import type { Locator, Page } from "@playwright/test";
import { AGENCY, Card, PAGES, PEOPLE, Script, logIn, openDialog, sidePanel, toast } from "../support/app";
import { Answers, DENTIST, ROOMS, enter } from "../support/portal";
import { expect, test } from "../support/test";

test.describe.configure({ timeout: 300_000 });

const AGENCYS = "sandbox-retell-good-agency-h5Tn";
const OWN = "retell-key-of-the-dentist-0001-b7Qx";
const SAME = "retell-key-of-the-dentist-0002-c8Wz";
const OTHER = "retell-key-of-another-account-0003-d9Vy";

/** The way of a call of this agent, as its panel draws it. */
async function routeOf(page: Page, agent: string | undefined): Promise<Locator> {
  await page.goto(`${PAGES.agents}?agent=${agent}`);
  const route = sidePanel(page).locator(".route");
  await expect(route.getByRole("list", { name: "The way of a call" })).toBeVisible();
  return route;
}

test("whose key pays, from a client's own key to one that its person hands in", async ({ page, otherPage, demo }) => {
  // K8, K9, K10, R1, R2, R3, R6, R8, P2, P3, P4.
  await demo.sandbox.addKey(OWN, AGENCYS);
  await demo.sandbox.addKey(SAME, AGENCYS);
  await demo.sandbox.addAccount(OTHER, 2, 0, "retell");
  const card = new Card(page, "Retell");
  const dialog = openDialog(page);

  await logIn(page, PEOPLE.admin, PAGES.keys);
  await card.save(AGENCYS);
  await card.synced();
  const script = await Script.as(demo, PEOPLE.admin);
  const dental = await script.makeClient("Northside Dental", 4);
  const legal = await script.makeClient("Harbor Legal", 4);
  const keys = `${PAGES.clients}/${dental.id}/api-keys`;
  const alerts = page.getByRole("list", { name: "Alerts" }).getByRole("listitem");

  await test.step("a client gets a key of its own, and each agent says who pays", async () => {
    await page.goto(keys);
    await card.button("Use an own key").click();
    await dialog.getByLabel("Retell key", { exact: true }).fill(OWN);
    await dialog.getByRole("button", { name: "Check and preview" }).click();
    await expect(dialog.getByText("Nothing that works now stops.")).toBeVisible();
    await dialog.getByRole("button", { name: "Put in use" }).click();
    await expect(card.mask).toHaveText("…b7Qx");
    await card.synced();
    await expect((await routeOf(page, dental.agents[0])).getByText(/^Northside Dental pays, over its Retell account /)).toBeVisible();
    await expect((await routeOf(page, legal.agents[0])).getByText(/^The agency pays, over its Retell account /)).toBeVisible();
  });

  await test.step("revoked, its agents fail and no other key is used; the breaker opens by itself and an alert tells", async () => {
    await demo.sandbox.revoke(OWN);
    await page.goto(keys);
    await card.button("Test").click();
    await expect(card.badge("Rejected")).toBeVisible();
    const doubtful = await routeOf(page, dental.agents[0]);
    await expect(doubtful.getByText("Likely refused", { exact: true })).toBeVisible();
    await expect(doubtful.getByText(/^The agency pays/)).toHaveCount(0);
    const room = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Alerts/ });
    await expect(room).toHaveAccessibleName(/1 open/, { timeout: 60_000 });
    await room.click();
    await expect(alerts).toHaveCount(1);
    await expect(alerts).toContainText("Northside Dental's Retell key was rejected. Its 4 agents cannot call until it is replaced");
    const refused = await routeOf(page, dental.agents[0]);
    await expect(refused.getByText(/was refused several times in a row/)).toBeVisible();
    await expect(refused.getByRole("listitem").first()).toContainText("The call ends here.");
    await expect(refused.getByRole("listitem").nth(1)).toContainText("Passed over");
    await expect((await routeOf(page, legal.agents[0])).getByText(/^The agency pays/)).toBeVisible();
  });

  await test.step("replaced after a preview, its agents can call again and the alert is over", async () => {
    await page.goto(keys);
    await expect(card.root.getByText("Retell has rejected this key three times in a row")).toBeVisible();
    await card.button("Replace").click();
    await dialog.getByLabel("Retell key", { exact: true }).fill(SAME);
    await dialog.getByRole("button", { name: "Check and preview" }).click();
    await expect(dialog.getByText(/^Same account, /)).toBeVisible();
    await dialog.getByRole("button", { name: "Put in use" }).click();
    await expect(card.mask).toHaveText("…c8Wz");
    await card.synced();
    await page.goto(PAGES.alerts);
    await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();
    await expect((await routeOf(page, dental.agents[0])).getByText(/^Northside Dental pays/)).toBeVisible();
  });

  await test.step("a key of another account takes its agents' way away, and a roll-back gives it back", async () => {
    await page.goto(keys);
    await card.button("Replace").click();
    await dialog.getByLabel("Retell key", { exact: true }).fill(OTHER);
    await dialog.getByRole("button", { name: "Check and preview" }).click();
    await expect(dialog.locator(".consequence")).toHaveText("4 agents can no longer call.");
    await dialog.getByRole("checkbox", { name: /^Create the 4 agents in this account/ }).uncheck();
    await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
    await dialog.getByRole("button", { name: "Put in use" }).click();
    await expect(card.mask).toHaveText("…d9Vy");
    await card.synced();
    await expect((await routeOf(page, dental.agents[0])).getByText("Nothing is dialled, so nobody pays. The agency's key is not used instead.")).toBeVisible();
    await page.goto(keys);
    await card.button("Versions").click();
    await dialog.getByRole("button", { name: "Roll back to version 2" }).click();
    await expect(dialog.getByRole("listitem").filter({ hasText: "4 agents can call again." })).toBeVisible();
    await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
    await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
    await expect(card.mask).toHaveText("…c8Wz");
    await card.synced();
    await expect((await routeOf(page, dental.agents[0])).getByText(/^Northside Dental pays/)).toBeVisible();
  });

  await test.step("cleared, the agency pays from the next call on", async () => {
    await page.goto(keys);
    await card.button("Clear").click();
    await expect(dialog.getByText(/go over to the agency's key …h5Tn, which pays from then on\./)).toBeVisible();
    await dialog.getByRole("button", { name: "Clear key" }).click();
    await expect(card.badge("Agency key")).toBeVisible();
    const route = await routeOf(page, dental.agents[0]);
    await expect(route.getByText(/^The agency pays, over its Retell account /)).toBeVisible();
    await expect(route.getByText("Can call", { exact: true })).toBeVisible();
  });

  const answers = new Answers(otherPage);
  const handed = new Card(otherPage, "Retell");
  await test.step("a person of the client gets a link, logs in and hands in a key, which waits", async () => {
    await page.goto(`${PAGES.clients}/${dental.id}/people`);
    await page.getByRole("button", { name: "Add the first person" }).click();
    await dialog.getByLabel("Name").fill(DENTIST.name);
    await dialog.getByLabel("Email").fill(DENTIST.email);
    await dialog.getByRole("checkbox", { name: /^Hand in keys/ }).check();
    await dialog.getByRole("button", { name: "Add person" }).click();
    const link = await dialog.locator(".copyable .code").innerText();
    await dialog.getByRole("button", { name: "Done" }).click();
    await enter(otherPage, new URL(link).pathname + new URL(link).hash);
    await expect(otherPage).toHaveURL(ROOMS.agents);
    await expect(otherPage.locator("tbody").getByRole("row").first()).toBeVisible();
    await otherPage.goto(ROOMS.keys);
    await handed.field.fill(OTHER);
    await handed.button("Hand in key").click();
    await expect(handed.badge("Waiting")).toBeVisible();
    await expect((await routeOf(page, dental.agents[0])).getByText(/^The agency pays/)).toBeVisible();
  });

  await test.step("the owner reviews and accepts it, and its person learns no more than that", async () => {
    // K16: the admin has tried ten keys by now, on a fast machine within a minute.
    await page.context().clearCookies();
    await logIn(page, PEOPLE.owner, PAGES.alerts);
    await expect(alerts).toContainText("Northside Dental handed in a Retell key that waits for an owner or admin.");
    await alerts.getByRole("link", { name: "Review the key" }).click();
    await expect(page).toHaveURL(new RegExp(`/a/${AGENCY}/clients/${dental.id}/api-keys`));
    await card.button("Review").click();
    await expect(dialog.locator(".consequence")).toHaveText("4 agents can no longer call.");
    await dialog.getByRole("checkbox", { name: /^Create the 4 agents in this account/ }).uncheck();
    await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
    await dialog.getByRole("button", { name: "Accept key" }).click();
    await expect(toast(page)).toBeVisible();
    await expect(card.mask).toHaveText("…d9Vy");
    await card.synced();
    await otherPage.reload();
    await expect(handed.badge("Working")).toBeVisible();
    const told = await answers.text();
    expect(told.length).toBeGreaterThan(1_000);
    for (const secret of ["b7Qx", "c8Wz", "d9Vy", "h5Tn", "…"]) expect(told, secret).not.toContain(secret);
    expect(await answers.errors()).toEqual([]);
  });
  await script.close();
});
