// What saving and testing a key can come to, each outcome with its own words, and what stays when it fails.

import { Card, KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, toast } from "../support/app";
import { expect, test } from "../support/test";

test("a refused key is not saved, and the key that was there stays in use", async ({ page, demo }) => {
  // K3, K7, K13; checklist 10, 12, 14, 26, 28, 38.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Replace").click();
  const dialog = openDialog(page);
  await expect(dialog.getByRole("heading", { name: "Replace the Vapi key" })).toBeVisible();
  await expect(dialog.getByText(/^In use now: …k7Qd/)).toBeVisible();
  const field = dialog.getByLabel("Vapi key", { exact: true });
  await expect(field).toHaveValue("");

  await field.fill(KEYS.revoked);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  const error = dialog.getByRole("alert");
  await expect(error).toContainText("Vapi refused this key");
  await expect(error).toContainText("The key that was here (…k7Qd) is still in use.");
  await expect(error).toContainText("Copy the private key, not the public one, from Vapi");
  await expect(error).toBeFocused();
  await expect(error).not.toContainText(KEYS.revoked);
  await expect(field).toHaveValue(KEYS.revoked);

  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Discard what you typed?")).toBeVisible();
  await dialog.getByRole("button", { name: "Discard" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(card.button("Replace")).toBeFocused();
  await expect(card.mask).toHaveText("…k7Qd");
  await expect(card.badge("Working")).toBeVisible();

  await page.goto(PAGES.agents);
  await expect(page.getByRole("status").filter({ hasText: /^40 agents$/ })).toBeVisible();
  await page.getByRole("button", { name: "Unreachable" }).click();
  await expect(page.getByText("0 agents found")).toBeVisible();
});

test("a key that replaces another passes its test first, and then is the one in use", async ({ page, demo }) => {
  // K3, K5, K6, S1; checklist 16, 26, 28.
  await connect(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Replace").click();
  const dialog = openDialog(page);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByLabel("Vapi key", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Vapi key", { exact: true }).fill(KEYS.second);
  await dialog.getByRole("button", { name: "Check and preview" }).click();
  await expect(dialog.getByText("40 agents can no longer call.")).toBeVisible();
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await dialog.getByRole("button", { name: "Put in use" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(toast(page)).toHaveText(/^Vapi key saved and tested\./);
  await expect(card.mask).toHaveText("…x4Rm");
  await expect(card.root.getByText(/version 2/)).toBeVisible();
  await card.synced();
  await expect(card.root.getByText(/12 agents, 3 numbers/)).toBeVisible();
});

test("a key without a permission is saved as limited, and says what it cannot do", async ({ page }) => {
  // K3, K4; checklist 12, 18.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.save(KEYS.limited);
  await expect(toast(page)).toContainText("It lacks a permission");
  await expect(card.badge("Limited")).toBeVisible();
  await expect(card.capabilities.filter({ hasText: "Cannot list numbers" })).toBeVisible();
  await expect(card.capabilities.filter({ hasText: "Can list agents" })).toBeVisible();
  await expect(card.root.getByText("The key cannot list numbers")).toBeVisible();
  await card.synced();
  await expect(card.root.getByText(/40 agents, 0 numbers/)).toBeVisible();
});

test("a key without funds is saved, and leads to where to top up", async ({ page }) => {
  // K3, R7; checklist 12, 18.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.save(KEYS.noFunds);
  await expect(toast(page)).toContainText("The account has no funds");
  await expect(card.badge("Out of funds")).toBeVisible();
  await expect(card.root.getByText("The Vapi account has no funds")).toBeVisible();
  await expect(card.root.getByRole("link", { name: /top up/i })).toHaveAttribute("href", /^https:\/\//);
});

test("a provider that limits us saves nothing, and the same key can be saved when the wait is over", async ({ page, demo }) => {
  // K3; checklist 12, 13.
  await page.clock.install();
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const recovered = await demo.sandbox.inject({
    key: KEYS.good,
    effect: { kind: "status", status: 429, retryAfter: "24" },
  });
  await card.save(KEYS.good);
  await expect(card.error).toContainText("Vapi is limiting requests");
  await expect(card.error).toContainText("Nothing was saved.");
  await expect(card.error).toContainText(/Next try in 2\d s\./);
  const again = card.button("Save again");
  await expect(again).toBeDisabled();
  await expect(card.field).toHaveValue(KEYS.good);
  await expect(card.badge("Not connected")).toBeVisible();

  await recovered();
  await page.clock.runFor(25_000);
  await expect(card.error).toContainText("The wait is over.");
  await again.click();
  await expect(card.badge("Working")).toBeVisible();
});

for (const { title, key, effect, says } of [
  { title: "is down", key: KEYS.down, effect: undefined, says: "Vapi did not answer" },
  { title: "answers with a web page", key: KEYS.good, effect: { kind: "not_json" }, says: "Vapi gave an answer that makes no sense" },
  { title: "breaks off in the middle", key: KEYS.good, effect: { kind: "cut_body" }, says: "Vapi did not answer" },
] as const) {
  test(`a provider that ${title} saves nothing and keeps what was typed`, async ({ page, demo }) => {
    // K3; checklist 12, 13.
    await logIn(page, PEOPLE.admin, PAGES.keys);
    const card = new Card(page);
    const recovered = effect && (await demo.sandbox.inject({ key, effect }));
    await card.save(key);
    await expect(card.error).toContainText(says);
    await expect(card.error).toContainText("Nothing was saved.");
    await expect(card.field).toHaveValue(key);
    await expect(card.badge("Not connected")).toBeVisible();
    await expect(card.button("Save again")).toBeEnabled();
    if (recovered) {
      await recovered();
      await card.button("Save again").click();
      await expect(card.badge("Working")).toBeVisible();
    }
  });
}

test("a provider that repeats the key in its answer does not get it onto the page", async ({ page, demo }) => {
  // K13.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await demo.sandbox.inject({ key: KEYS.good, effect: { kind: "echo_key", style: "plain" } });
  await card.save(KEYS.good);
  await expect(card.error).toContainText("Vapi refused this key");
  await card.error.getByText("Details").click();
  await expect(card.error).toContainText("The provider's own words");
  expect(await card.root.innerText()).not.toContain(KEYS.good.slice(13));
});

test("of two admins who save at once the later one reads who was first, and nothing is lost", async ({ page, otherPage, demo }) => {
  // K12.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  await logIn(otherPage, PEOPLE.owner, PAGES.keys);
  const [first, later] = [new Card(page), new Card(otherPage)];
  await expect(later.field).toBeVisible();
  await first.save(KEYS.good);
  await expect(first.badge("Working")).toBeVisible();
  await first.synced();

  await later.save(KEYS.second);
  const dialog = openDialog(otherPage);
  const field = dialog.getByLabel("Vapi key", { exact: true });
  await expect(dialog.getByRole("alert")).toContainText("Someone else changed this key meanwhile");
  await expect(dialog.getByText(/^In use now: …k7Qd/)).toBeVisible();
  await expect(field).toHaveValue(KEYS.second);
  await expect(later.mask).toHaveText("…k7Qd");
  await expect(later.root.getByText(/by Amir Haddad/)).toBeVisible();

  const script = await Script.as(demo, PEOPLE.admin);
  await script.saveKey(KEYS.limited);
  await script.close();
  const look = dialog.getByRole("button", { name: "Check and preview" });
  const put = dialog.getByRole("button", { name: "Put in use" });
  await look.click();
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await put.click();
  await expect(dialog.getByText(/^In use now: …b3Ht/)).toBeVisible();
  await expect(dialog.getByRole("alert")).toContainText("Someone else changed this key meanwhile");
  await expect(field).toHaveValue(KEYS.second);
  await look.click();
  await dialog.getByLabel("Type Vapi to confirm").fill("Vapi");
  await put.click();
  await expect(dialog).toHaveCount(0);
  await expect(later.mask).toHaveText("…x4Rm");
  await expect(later.error).toHaveCount(0);
});

test("a stored key is tested again without typing it, and its badge changes in place", async ({ page, demo }) => {
  // K15, R7; checklist 18, 21.
  await demo.sandbox.addAccount("key-of-a-test-account-0001", 3, 1);
  await connect(demo, "key-of-a-test-account-0001");
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await card.button("Test").click();
  await expect(toast(page)).toHaveText("Vapi key tested: it works.");
  await expect(card.capabilities.filter({ hasText: "Can list agents" })).toBeVisible();
  await demo.sandbox.revoke("key-of-a-test-account-0001");
  await card.button("Test").click();
  await expect(card.badge("Rejected")).toBeVisible();
  await expect(card.root.getByText("Vapi rejects this key")).toBeVisible();
  await expect(card.capabilities).toHaveCount(0);
  await expect(card.mask).toHaveText("…0001");
  await page.goto(PAGES.overview);
  await expect(page.getByText("The stored Vapi key does not work any more.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Replace the key" })).toBeVisible();
});

test("what cannot be a key is said before anything is sent", async ({ page, demo }) => {
  // K2; checklist 1, 6, 10.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  for (const typed of ["", "••••1234", "two words"]) {
    await card.save(typed);
    await expect(card.field).toHaveAttribute("aria-invalid", "true");
    await expect(card.field).toBeFocused();
    await expect(card.field).toHaveValue(typed);
    await expect(card.root.locator(".field-error")).toBeVisible();
  }
  expect(await demo.sandbox.requests()).toEqual([]);
});

test("a pasted key is cleaned, and the page says so; a stranger's key is questioned and not refused", async ({ page, demo }) => {
  // K2; checklist 3, 4, 5, 6.
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: demo.url });
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await page.evaluate((text) => navigator.clipboard.writeText(text), ` VAPI_API_KEY="${KEYS.good}"\n`);
  await card.field.focus();
  await page.keyboard.press("Control+V");
  await expect(card.field).toHaveValue(KEYS.good);
  await expect(card.root.getByText(/^Removed /)).toBeVisible();

  await card.button("Show key").click();
  await expect(card.field).toHaveAttribute("type", "text");
  await expect(card.button("Show key")).toHaveAttribute("aria-pressed", "true");

  await card.field.fill("sk-ant-something-else");
  await expect(card.root.getByText(/looks like an Anthropic key/)).toBeVisible();
  await card.button("Save key").click();
  await expect(card.error).toContainText("Vapi refused this key");
});

test("a click on a sandbox key puts it into the field and saves nothing", async ({ page }) => {
  // checklist 14.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  await page.getByRole("region", { name: "Sandbox keys" }).getByRole("button", { name: /Vapi: .*out of funds/ }).click();
  await expect(card.field).toHaveValue(KEYS.noFunds);
  await expect(card.field).toBeFocused();
  await expect(card.badge("Not connected")).toBeVisible();
});

test("keys cannot be tried without end", async ({ page }) => {
  // K16.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  for (let attempt = 0; attempt < 11; attempt += 1) {
    await card.save(KEYS.revoked);
    await expect(card.error).toBeVisible();
    await expect(card.button("Save key")).toBeEnabled();
  }
  await expect(card.error).toContainText("Too many attempts");
  await expect(card.error).toContainText(/Next try in \d+ s\./);
});
