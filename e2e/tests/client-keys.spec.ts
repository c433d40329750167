// A client's own keys: previewed before they are put in use, replaced, rolled back to, cleared and brought back, and what
// each of that does to the way of its agents' calls.

import type { Locator, Page } from "@playwright/test";
import { AGENCY, Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, sidePanel, toast } from "../support/app";
import { look } from "../support/look";
import { expect, test } from "../support/test";

const keysOf = (client: string) => `/a/${AGENCY}/clients/${client}/api-keys`;

/** Who pays for a call of this agent, as its panel says. */
async function payer(page: Page, agent: string | undefined): Promise<Locator> {
  await page.goto(`${PAGES.agents}?agent=${agent}`);
  const sentence = sidePanel(page).locator(".route-state");
  await expect(sentence).toBeVisible();
  return sentence;
}

test("a client's own key is previewed, put in use, replaced, rolled back and cleared", async ({ page, demo }) => {
  // K8, K9, K10, R1, R3, R5; checklist 9, 26, 28, 31.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental, agents } = await script.makeClient("Northside Dental", 4);
  const legal = await script.makeClient("Harbor Legal", 4);
  const same = "key-of-the-same-account-0001";
  await demo.sandbox.addKey(same, KEYS.good);
  await logIn(page, PEOPLE.admin, keysOf(dental));
  const card = new Card(page);
  await expect(card.badge("Agency key")).toBeVisible();
  await expect(card.root.getByText("Uses the agency key …k7Qd")).toBeVisible();
  await page.getByRole("region", { name: "Sandbox keys" }).getByRole("button", { name: /Vapi: .*out of funds/ }).click();
  const sampled = openDialog(page).getByLabel("Vapi key", { exact: true });
  await expect(sampled).toHaveValue(KEYS.noFunds);
  await expect(sampled).toBeFocused();
  await page.keyboard.press("Escape");
  await openDialog(page).getByRole("button", { name: "Discard" }).click();
  await expect(openDialog(page)).toHaveCount(0);
  await look(page, "client-keys");

  await card.button("Use an own key").click();
  const dialog = openDialog(page);
  await expect(dialog).toHaveAccessibleName("An own Vapi key for Northside Dental");
  await dialog.getByLabel("Vapi key", { exact: true }).fill(KEYS.second);
  await dialog.getByLabel("Vapi key", { exact: true }).press("Enter");
  await expect(dialog.locator(".consequence")).toHaveText("4 agents can no longer call.");
  await expect(dialog.locator(".consequence")).toBeFocused();
  await expect(dialog.getByText(/^Another account: .+ It lists 12 agents, 12 of them new here\.$/)).toBeVisible();
  await expect(dialog.getByText(/^4 agents are not in this account/)).toBeVisible();
  expect(page.url()).not.toContain(KEYS.second);
  await look(page, "client-key-preview");
  const put = dialog.getByRole("button", { name: "Put in use" });
  await expect(put).toBeDisabled();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("northside dental");
  await expect(put).toBeDisabled();

  await dialog.getByRole("button", { name: "Type another key" }).click();
  await expect(dialog.getByLabel("Vapi key", { exact: true })).toBeFocused();
  await dialog.getByLabel("Vapi key", { exact: true }).fill(same);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByText("Nothing that works now stops.")).toBeVisible();
  await expect(dialog.getByText(/^Same account, /)).toBeVisible();
  await put.click();
  await expect(dialog).toHaveCount(0);
  await expect(toast(page)).toHaveText(/^Vapi key saved and tested\./);
  await expect(card.mask).toHaveText("…0001");
  await card.synced();
  await expect(await payer(page, agents[0])).toContainText("Northside Dental pays");

  await page.goto(keysOf(dental));
  await card.button("Replace").click();
  await dialog.getByLabel("Vapi key", { exact: true }).fill(KEYS.second);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await dialog.getByRole("checkbox", { name: /^Create the 4 agents in this account/ }).uncheck();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
  await put.click();
  await expect(card.mask).toHaveText("…x4Rm");
  await card.synced();
  await expect(card.root.getByText("4 agents cannot call with this key yet")).toBeVisible();
  await look(page, "client-key-mismatch");
  await expect(await payer(page, agents[0])).toContainText("Nothing is dialled, so nobody pays.");
  await expect(await payer(page, legal.agents[0])).toContainText("The agency pays");

  await page.goto(keysOf(dental));
  await card.button("Versions").click();
  await expect(dialog.getByRole("listitem")).toHaveCount(2);
  await expect(dialog.getByRole("listitem").first()).toContainText("In use");
  await expect(dialog.getByRole("listitem").last()).toContainText(/…0001.*Out of use.*Can be brought back until tomorrow/s);
  await look(page, "versions");
  await dialog.getByRole("button", { name: "Roll back to version 1" }).click();
  // What the other account held was imported for the client, and only its key reaches that.
  await expect(dialog.locator(".consequence")).toHaveText("12 agents can no longer call.");
  await expect(dialog.getByRole("listitem").filter({ hasText: "4 agents can call again." })).toBeVisible();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
  await look(page, "roll-back");
  await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(card.mask).toHaveText("…0001");
  await expect(card.root.getByText(/version 3/)).toBeVisible();
  await card.synced();

  await card.button("Clear").click();
  await expect(dialog).toHaveAccessibleName("Clear Northside Dental's Vapi key");
  await expect(dialog.getByText(/^Its 4 agents go over to the agency's key …k7Qd, which pays from then on\./)).toBeVisible();
  const destroy = dialog.getByRole("checkbox", { name: /^Destroy now/ });
  await expect(destroy).not.toBeChecked();
  await look(page, "client-key-clear");
  // Nothing stops, so nothing has to be typed.
  await expect(dialog.getByLabel("Type Northside Dental to confirm")).toHaveCount(0);
  await dialog.getByRole("button", { name: "Clear key" }).click();
  await expect(card.badge("Agency key")).toBeVisible();
  await expect(card.root.getByText(/^A cleared key …0001 can be brought back until tomorrow \d\d:\d\d\./)).toBeVisible();
  await look(page, "client-key-cleared");
  await expect(await payer(page, agents[0])).toContainText("The agency pays");
  await script.close();
});

test("the client's agents are created in the account of its new key, as offered", async ({ page, demo }) => {
  // R5.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental, agents } = await script.makeClient("Northside Dental", 4);
  await script.close();
  await logIn(page, PEOPLE.admin, keysOf(dental));
  const card = new Card(page);
  const dialog = openDialog(page);
  await card.button("Use an own key").click();
  await dialog.getByLabel("Vapi key", { exact: true }).fill(KEYS.second);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByRole("checkbox", { name: /^Create the 4 agents in this account/ })).toBeChecked();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
  await dialog.getByRole("button", { name: "Put in use" }).click();
  await expect(card.mask).toHaveText("…x4Rm");
  await expect(card.badge("Working")).toBeVisible();
  // Nothing of these agents is lost at Vapi, so the run starts by itself.
  await expect(toast(page).filter({ hasText: "4 agents made at Vapi." })).toBeVisible({ timeout: 20_000 });
  await expect(card.root.getByText(/cannot call with this key yet/)).toHaveCount(0);
  await expect(await payer(page, agents[0])).toContainText("Northside Dental pays");
});

test("a cleared key is brought back from its card, unless it was destroyed", async ({ page, demo }) => {
  // K10.
  await demo.sandbox.addAccount("key-of-an-empty-account-0001", 0);
  await connect(demo, "key-of-an-empty-account-0001");
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const dialog = openDialog(page);
  await card.button("Clear").click();
  await dialog.getByRole("button", { name: "Clear key" }).click();
  await card.button("Bring it back").click();
  await dialog.getByRole("button", { name: "Roll back to version 1" }).click();
  await dialog.getByRole("button", { name: "Roll back", exact: true }).click();
  await expect(card.mask).toHaveText("…0001");
  await expect(card.badge("Working")).toBeVisible();
  await card.synced();

  await card.button("Clear").click();
  await dialog.getByRole("checkbox", { name: /^Destroy now/ }).check();
  // What can be brought back is asked once the card is empty; before that answer nothing proves anything.
  const versions = page.waitForResponse((response) => (response.request().postData() ?? "").includes("ListVersions"));
  await dialog.getByRole("button", { name: "Clear key" }).click();
  // The button is gone, and the focus is not lost with it.
  await expect(page.locator("main").getByRole("heading").and(page.locator(":focus"))).toHaveCount(1);
  await versions;
  await expect(card.badge("Not connected")).toBeVisible();
  await expect(card.field).toBeVisible();
  await expect(card.button("Bring it back")).toHaveCount(0);
});

test("the same key for the agency and a client is pointed out, in the preview and on both cards", async ({ page, demo }) => {
  // K11.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental } = await script.makeClient("Northside Dental", 4);
  await script.close();
  await logIn(page, PEOPLE.admin, keysOf(dental));
  const card = new Card(page);
  const dialog = openDialog(page);
  await card.button("Use an own key").click();
  await dialog.getByLabel("Vapi key", { exact: true }).fill(KEYS.good);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByText("The very same key is stored as the agency's own too.")).toBeVisible();
  await dialog.getByRole("button", { name: "Put in use" }).click();
  await expect(card.root.getByText("The very same key is stored as the agency's own too.")).toBeVisible();
  await page.goto(PAGES.keys);
  await expect(card.root.getByText("The very same key is stored as Northside Dental's too.")).toBeVisible();
});

test("an archived client's keys are read and not changed, and staff see no part of them", async ({ page, otherPage, demo }) => {
  // P1, K7; checklist 25.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental } = await script.makeClient("Northside Dental", 4);
  await script.saveClientKey(dental, KEYS.second);
  await logIn(otherPage, PEOPLE.staff, keysOf(dental));
  const seen = new Card(otherPage);
  await expect(seen.badge("Working")).toBeVisible();
  await expect(seen.mask).toHaveCount(0);
  await expect(seen.button("Replace")).toHaveAccessibleDescription("Only owners and admins can change the Vapi key of Northside Dental.");
  await expect(seen.button("Versions")).toHaveCount(0);

  await script.send("mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }", { input: { clientId: dental } });
  await script.close();
  await logIn(page, PEOPLE.admin, keysOf(dental));
  const card = new Card(page);
  await expect(card.mask).toHaveText("…x4Rm");
  for (const action of ["Test", "Replace", "Clear"]) {
    await expect(card.button(action)).toBeDisabled();
    await expect(card.button(action)).toHaveAccessibleDescription("Northside Dental is archived: its keys stay as they are until it is restored.");
  }
});

test("a preview that the provider refuses saves nothing, and a restricted key says what it does not list", async ({ page, demo }) => {
  // K3, K9; checklist 12, 13, 32.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const dialog = openDialog(page);
  await card.button("Replace").click();
  const field = dialog.getByLabel("Vapi key", { exact: true });
  await field.fill(KEYS.down);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Vapi did not answer");
  await expect(field).toHaveValue(KEYS.down);
  await expect(card.mask).toHaveText("…k7Qd");

  const restricted = "key-that-sees-ten-agents-0001";
  await demo.sandbox.addKey(restricted, KEYS.good, 10);
  await field.fill(restricted);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByText(/^Same account, .+ It lists 10 agents, all of them known here\.$/)).toBeVisible();
  await expect(dialog.getByText(/^30 agents are not listed by this key and become inactive\..+and 25 more$/)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Discard what you typed?")).toBeVisible();
});
