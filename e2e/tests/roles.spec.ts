// What each role sees: staff see whether a key works and nothing that belongs to it, owners see who did what.

import type { Page } from "@playwright/test";
import { Card, PAGES, PEOPLE, Script, connect, logIn } from "../support/app";
import { expect, test } from "../support/test";

/** All that GraphQL tells this page from now on, over both transports. */
function listen(page: Page): () => Promise<string> {
  const bodies: Promise<string>[] = [];
  page.on("response", (response) => {
    // An answer that a navigation cut off told the page nothing.
    if (response.url().endsWith("/graphql")) bodies.push(response.text().catch(() => ""));
  });
  page.on("websocket", (socket) => {
    socket.on("framereceived", (frame) => bodies.push(Promise.resolve(frame.payload.toString())));
  });
  return async () => (await Promise.all(bodies)).join("\n");
}

test("staff see whether the key works, and no part of it in any answer", async ({ page, demo }) => {
  // P1, K7; checklist 20, 25.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.owner);
  const { providerKeys } = await script.send<{
    providerKeys: { nodes: { id: string; maskedKey: string; account: { name: string; remoteId: string | null } }[] };
  }>("{ providerKeys(first: 1) { nodes { id maskedKey account { name remoteId } } } }");
  await script.close();
  const key = providerKeys.nodes[0];
  if (!key) throw new Error("the key is not there");
  const secrets = [key.id, key.maskedKey, key.maskedKey.slice(-4), key.account.name, key.account.remoteId ?? key.account.name];
  expect(secrets.every((secret) => secret.length >= 4)).toBe(true);

  const answers = listen(page);
  await logIn(page, PEOPLE.staff, PAGES.keys);
  const card = new Card(page);
  await expect(card.badge("Working")).toBeVisible();
  await expect(card.root.getByText("Key stored")).toBeVisible();
  await expect(card.mask).toHaveCount(0);

  for (const action of ["Test", "Replace", "Clear"]) {
    await expect(card.button(action)).toBeDisabled();
    await expect(card.button(action)).toHaveAccessibleDescription("Only owners and admins can test, replace or clear this key.");
  }
  await expect(card.root.getByText("Only owners and admins can test, replace or clear this key.")).toBeVisible();
  await expect(page.getByRole("region", { name: "Sandbox keys" })).toHaveCount(0);

  await demo.sandbox.setPageDelay(500);
  await card.button("Sync now").click();
  await expect(card.progress).toBeVisible();
  await expect(card.button("Sync now")).toBeDisabled();
  await card.synced();
  await expect(card.root.getByText(/No changes$/)).toBeVisible();

  await page.goto(PAGES.overview);
  await expect(page.getByText("40 agents imported.")).toBeAttached();
  await page.goto(PAGES.agents);
  await page.getByRole("rowheader").first().getByRole("link").click();
  await expect(page.getByRole("complementary").getByRole("heading", { name: "At the provider" })).toBeVisible();

  const told = await answers();
  expect(told).toContain("VALID");
  // The log-in page of a demo tells everyone the sandbox's keys; that is no answer about the agency's key.
  const aboutKeys = told.replaceAll(/sandbox-vapi-[\w-]+/g, "");
  for (const secret of secrets) expect(aboutKeys).not.toContain(secret);
});

test("staff are told who can connect a provider", async ({ page }) => {
  // P1; checklist 25.
  await logIn(page, PEOPLE.staff, PAGES.keys);
  const card = new Card(page);
  await expect(card.badge("Not connected")).toBeVisible();
  await expect(card.root.getByText("Only owners and admins can connect Vapi.")).toBeVisible();
  await expect(card.field).toHaveCount(0);
  await page.goto(PAGES.overview);
  await expect(page.getByText("An owner or admin of the agency saves the provider's key.")).toBeVisible();
});

test("staff find no audit log, neither in the navigation nor by its address", async ({ page, demo }) => {
  // P1, P6.
  await connect(demo);
  await logIn(page, PEOPLE.staff);
  const navigation = page.getByRole("navigation", { name: "Main" });
  await expect(navigation.getByRole("link", { name: "API keys" })).toBeVisible();
  await expect(navigation.getByRole("link", { name: "Audit log" })).toHaveCount(0);
  await page.goto(PAGES.audit);
  await expect(page.getByText(/Your role does not allow this|There is no page at this address/)).toBeVisible();
  await expect(page.getByRole("table")).toHaveCount(0);
});

test("an owner reads in the audit log who did what", async ({ page, demo }) => {
  // E7, P1; checklist 33.
  await connect(demo);
  await logIn(page, PEOPLE.owner, PAGES.keys);
  const card = new Card(page);
  await card.button("Test").click();
  await expect(page.locator(".toast")).toHaveText("Vapi key tested: it works.");
  await card.root.getByRole("link", { name: "Activity" }).click();
  await expect(page).toHaveURL(`${PAGES.audit}?provider=vapi`);
  const rows = page.getByRole("table", { name: "Audit log" }).locator("tbody").getByRole("row");
  await expect(rows).toHaveCount(2);
  await expect(rows.nth(0)).toContainText("Olivia Hart");
  await expect(rows.nth(0)).toContainText("Vapi key …k7Qd tested");
  await expect(rows.nth(1)).toContainText("Amir Haddad");
  await expect(rows.nth(1)).toContainText("Vapi key …k7Qd saved as version 1");

  await page.getByRole("link", { name: /Show all entries/ }).click();
  await expect(page).toHaveURL(PAGES.audit);
  await expect(rows.filter({ hasText: "Logged in." }).first()).toContainText("Olivia Hart");
});

test("another agency's address opens nothing", async ({ page }) => {
  // P5.
  await logIn(page, PEOPLE.owner);
  await page.goto("/a/somebody-else/agents");
  await expect(page.getByText("There is no such agency for you")).toBeVisible();
  await page.goto(`${PAGES.overview}/no-such-room`);
  await expect(page.getByRole("heading", { level: 1, name: "Page not found" })).toBeVisible();
});
