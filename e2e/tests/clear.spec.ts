// Clearing a key: what stops is read first and agreed to, numbers are detached while the key still works, and afterwards
// nothing can be reached.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, toast } from "../support/app";
import type { Demo } from "../support/server";
import { expect, test } from "../support/test";

/** How often the sandbox was asked to change a number. */
async function detachRequests(demo: Demo): Promise<number> {
  const requests = await demo.sandbox.requests();
  return requests.filter(({ method, path }) => method === "PATCH" && path.startsWith("/vapi/phone-number/")).length;
}

test("a key is cleared after reading what stops, and its agents are out of reach", async ({ page, demo }) => {
  // K8; checklist 30, 31, 38.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  const dialog = openDialog(page);
  await expect(dialog).toHaveAccessibleName("Clear the Vapi key");
  await expect(dialog.getByText(/^40 agents stop being reachable, and 12 numbers with them/)).toBeVisible();
  await expect(dialog.getByRole("link", { name: "and 35 more" })).toBeVisible();
  const title = await dialog.getByText(/^\d+ numbers are still answering at Vapi$/).innerText();
  const answering = Number.parseInt(title, 10);
  expect(answering).toBeGreaterThan(0);
  const detach = dialog.getByRole("checkbox", { name: /^Detach these numbers first/ });
  await expect(detach).toBeChecked();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();

  const clear = dialog.getByRole("button", { name: "Clear key" });
  const confirmation = dialog.getByLabel("Type Vapi to confirm");
  await expect(clear).toBeDisabled();
  for (const typed of ["", "vapi", "Vap"]) {
    await confirmation.fill(typed);
    await confirmation.press("Enter");
    await expect(clear).toBeDisabled();
  }
  await expect(dialog).toBeVisible();
  await confirmation.fill("Vapi");
  await expect(clear).toBeEnabled();
  await confirmation.press("Enter");

  await expect(dialog).toHaveCount(0);
  await expect(toast(page)).toHaveText(`Vapi key cleared. ${answering} numbers detached.`);
  await expect(card.badge("Not connected")).toBeVisible();
  await expect(card.mask).toHaveCount(0);
  expect(await detachRequests(demo)).toBe(answering);

  await page.goto(PAGES.agents);
  await page.getByRole("button", { name: "Unreachable" }).click();
  await expect(page.getByText("40 agents found")).toBeVisible();
  await page.getByRole("rowheader").first().getByRole("link").click();
  await expect(page.getByRole("complementary").getByText("No Vapi key is stored.")).toBeVisible();
  await page.goto(PAGES.overview);
  await expect(page.getByRole("link", { name: "Connect" })).toBeVisible();
});

test("numbers that are not detached are told to answer on", async ({ page, demo }) => {
  // K8.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  const dialog = openDialog(page);
  await dialog.getByRole("checkbox", { name: /^Detach these numbers first/ }).uncheck();
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await dialog.getByRole("button", { name: "Clear key" }).click();
  await expect(toast(page)).toHaveText(/^Vapi key cleared\. \d+ numbers still answering at Vapi\.$/);
  expect(await detachRequests(demo)).toBe(0);
});

test("a key that nothing uses is cleared without typing, and Escape leaves everything as it was", async ({ page, demo }) => {
  // K8; checklist 31, 38.
  await demo.sandbox.addAccount("key-of-an-empty-account-0001", 0);
  await connect(demo, "key-of-an-empty-account-0001");
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  await expect(openDialog(page).getByText(/^Nothing uses this key\./)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(openDialog(page)).toHaveCount(0);
  await expect(card.button("Clear")).toBeFocused();
  await expect(card.mask).toHaveText("…0001");

  await card.button("Clear").click();
  await openDialog(page).getByRole("button", { name: "Clear key" }).click();
  await expect(toast(page)).toHaveText("Vapi key cleared.");
  await expect(card.badge("Not connected")).toBeVisible();
});

test("a failed detach stops the clearing and offers to clear anyway", async ({ page, demo }) => {
  // K8; checklist 32. One of two numbers is detached: what is cleared anyway is what is shown now, not what was shown first.
  await connect(demo, KEYS.second);
  await demo.sandbox.inject({
    method: "PATCH",
    path: "/vapi/phone-number/*",
    after: 1,
    effect: { kind: "status", status: 500 },
  });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  const dialog = openDialog(page);
  await expect(dialog.getByText("2 numbers are still answering at Vapi")).toBeVisible();
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await dialog.getByRole("button", { name: "Clear key" }).click();
  const error = dialog.getByRole("alert");
  await expect(error).toContainText("could not be detached");
  await expect(error).toContainText("The key was not cleared.");
  await expect(dialog.getByText("1 number is still answering at Vapi")).toBeVisible();
  await expect(dialog.getByLabel("Type Vapi to confirm")).toHaveValue("Vapi");
  await expect(card.mask).toHaveText("…x4Rm");

  await error.getByRole("button", { name: "Clear anyway" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(toast(page)).toHaveText("Vapi key cleared. 1 number still answering at Vapi.");
  await expect(card.badge("Not connected")).toBeVisible();
});

test("where more stops after a failed detach, the name is typed again", async ({ page, demo }) => {
  // K8: clearing anyway is no way around reading what stops.
  await connect(demo, KEYS.second);
  await demo.sandbox.inject({
    method: "PATCH",
    path: "/vapi/phone-number/*",
    effect: { kind: "status", status: 500 },
  });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  const dialog = openDialog(page);
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await dialog.getByRole("button", { name: "Clear key" }).click();
  const anyway = dialog.getByRole("alert").getByRole("button", { name: "Clear anyway" });
  await expect(anyway).toBeEnabled();

  const script = await Script.as(demo, PEOPLE.owner);
  await demo.sandbox.addAssistants(KEYS.second, 3, "Late agent");
  await script.startSync();
  await script.syncEnded();
  await script.close();
  await anyway.click();
  await expect(dialog.getByText(/^15 agents stop being reachable/)).toBeVisible();
  await expect(dialog.getByLabel("Type Vapi to confirm")).toHaveValue("");
  await expect(dialog.getByRole("button", { name: "Clear key" })).toBeDisabled();
  await expect(card.mask).toHaveText("…x4Rm");
});

test("an impact that changed meanwhile is read and typed again", async ({ page, demo }) => {
  // K8.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Clear").click();
  const dialog = openDialog(page);
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");

  const script = await Script.as(demo, PEOPLE.owner);
  await demo.sandbox.addAssistants(KEYS.good, 3, "Late agent");
  await script.startSync();
  await script.syncEnded();
  await script.close();
  await dialog.getByRole("button", { name: "Clear key" }).click();
  await expect(dialog.getByRole("alert")).toContainText("What stops has changed");
  await expect(dialog.getByText(/^43 agents stop being reachable/)).toBeVisible();
  await expect(dialog.getByLabel("Type Vapi to confirm")).toHaveValue("");
  await expect(dialog.getByRole("button", { name: "Clear key" })).toBeDisabled();

  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await dialog.getByRole("button", { name: "Clear key" }).click();
  await expect(toast(page)).toHaveText(/^Vapi key cleared\./);
});
