// A client's people as the agency looks after them, and the keys that they hand in: added with a link that is shown once,
// allowed and removed; a key that waits is previewed, accepted or declined on its card. The portal's own screens are
// another file's; here its people speak GraphQL.

import { type APIRequestContext, type Locator, type Page, request } from "@playwright/test";
import { Card, KEYS, PAGES, PEOPLE, type Person, Script, connect, logIn, openDialog, toast } from "../support/app";
import { look } from "../support/look";
import type { Demo } from "../support/server";
import { expect, test } from "../support/test";
import { cutOff, hold } from "../support/traffic";

const clientPage = (client: string, tab: string) => `${PAGES.clients}/${client}/${tab}`;
const DENTAL = "Northside Dental";
const PRIYA: Person = { name: "Priya Shah", email: "priya@dental.test", password: "priyas-long-password" };

const personCard = (page: Page, name = PRIYA.name) =>
  page.getByRole("list", { name: "People", exact: true }).locator(":scope > li").filter({ has: page.getByRole("heading", { name }) });

const archive = (script: Script, clientId: string) =>
  script.send("mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }", { input: { clientId } });

/** Adds a person of a client; the token of the link. */
async function addPerson(script: Script, clientId: string, permissions: string[], person = PRIYA): Promise<string> {
  const { createPortalUser } = await script.send<{ createPortalUser: { logInLink: { url: string } } }>(
    "mutation($input: CreatePortalUserInput!) { createPortalUser(input: $input) { logInLink { url } } }",
    { input: { clientId, name: person.name, email: person.email, permissions } },
  );
  return new URL(createPortalUser.logInLink.url).hash.slice(1);
}

/** Opens a log-in link as the welcome page does: the code of the refusal, or null. */
async function redeem(demo: Demo, token: string, password = PRIYA.password): Promise<string | null> {
  const context: APIRequestContext = await request.newContext({ baseURL: demo.url });
  const response = await context.post("/graphql", {
    data: {
      query: "mutation($input: RedeemLogInLinkInput!) { redeemLogInLink(input: $input) { viewer { person { id } } } }",
      variables: { input: { token, password } },
    },
  });
  const answer = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  await context.dispose();
  return answer.errors?.[0]?.extensions.code ?? null;
}

/** A client with a person who may hand in keys and has logged in. */
async function withPerson(demo: Demo, script: Script, agentCount = 4): Promise<{ id: string; priya: Script }> {
  const { id } = await script.makeClient(DENTAL, agentCount);
  const token = await addPerson(script, id, ["VIEW_AGENTS", "MANAGE_INTEGRATIONS"]);
  expect(await redeem(demo, token)).toBeNull();
  return { id, priya: await Script.as(demo, PRIYA) };
}

const handIn = (person: Script, apiKey: string) =>
  person.send<{ handInProviderKey: { integration: { state: string } } }>(
    "mutation($input: HandInProviderKeyInput!) { handInProviderKey(input: $input) { integration { state } } }",
    { input: { provider: "VAPI", apiKey } },
  );

async function declineWaiting(script: Script, clientId: string): Promise<void> {
  const { keyHandIns } = await script.send<{ keyHandIns: { id: string; state: string }[] }>(
    "query($clientId: ID!) { keyHandIns(clientId: $clientId) { id state } }",
    { clientId },
  );
  await script.send("mutation($input: DeclineKeyHandInInput!) { declineKeyHandIn(input: $input) { keyHandIn { id } } }", {
    input: { keyHandInId: keyHandIns.find(({ state }) => state === "WAITING")?.id },
  });
}

/** In a connected agency, a client whose person has handed in a key of another account, which waits. */
async function withWaitingKey(demo: Demo): Promise<{ script: Script; id: string; priya: Script }> {
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id, priya } = await withPerson(demo, script);
  expect(await handIn(priya, KEYS.second)).toEqual({ handInProviderKey: { integration: { state: "WAITING" } } });
  return { script, id, priya };
}

/** Fills the form of the dialog and sends it. */
async function fillPerson(dialog: Locator, person = PRIYA): Promise<void> {
  await dialog.getByLabel("Name").fill(person.name);
  await dialog.getByLabel("Email").fill(person.email);
  await dialog.getByRole("button", { name: "Add person" }).click();
}

/** Confirms with the client's name that the key which waits is put in use. */
async function acceptWaiting(dialog: Locator): Promise<void> {
  await dialog.getByLabel(`Type ${DENTAL} to confirm`).fill(DENTAL);
  await dialog.getByRole("button", { name: "Accept key" }).click();
}

/** The link that is shown once is still there, below the question whether it is copied. */
async function expectKept(dialog: Locator, url: string): Promise<void> {
  await expect(dialog.getByText("The log-in link is not shown again. Is it copied?")).toBeVisible();
  await expect(dialog.getByText(url)).toBeVisible();
}

test("an admin adds a person of a client and gets a link that is shown once", async ({ page, context, demo }) => {
  // P2; checklist 1, 10, 23, 38.
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const script = await Script.as(demo, PEOPLE.admin);
  const id = await script.makeEmptyClient(DENTAL);
  await logIn(page, PEOPLE.admin, clientPage(id, "people"));
  await expect(page.getByRole("navigation", { name: "Client", exact: true }).getByRole("link", { name: "People" })).toHaveAttribute("aria-current", "page");
  await expect(page.getByRole("heading", { name: "Nobody of Northside Dental logs in yet" })).toBeVisible();

  // The keyboard alone.
  await page.getByRole("button", { name: "Add the first person" }).press("Enter");
  const dialog = openDialog(page);
  await expect(dialog).toHaveAccessibleName("Add a person to Northside Dental");
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await page.keyboard.type(PRIYA.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type("priya at dental");
  await expect(dialog.getByRole("checkbox", { name: /^See agents/ })).toBeChecked();
  for (const name of ["See calls", "Place calls", "Hand in keys"]) {
    await expect(dialog.getByRole("checkbox", { name: new RegExp(`^${name}`) })).not.toBeChecked();
  }
  await page.keyboard.press("Enter");
  const email = dialog.getByLabel("Email");
  await expect(email).toBeFocused();
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await expect(dialog.getByLabel("Name")).toHaveValue(PRIYA.name);
  await page.keyboard.press("Escape");
  await expect(dialog.getByText("Discard what you typed?")).toBeVisible();
  await dialog.getByRole("button", { name: "Keep editing" }).click();
  await email.fill(PEOPLE.staff.email);
  await dialog.getByRole("button", { name: "Add person" }).click();
  await expect(dialog.getByText("Somebody with this email address belongs to the agency already.")).toBeVisible();

  await email.fill(PRIYA.email);
  await dialog.getByRole("checkbox", { name: /^Hand in keys/ }).check();
  await dialog.getByRole("button", { name: "Add person" }).click();
  await expect(dialog.getByText(/^Send this link to Priya Shah alone/)).toBeFocused();
  await expect(dialog).toHaveAccessibleName("Priya Shah was added");
  await expect(dialog.getByText(/The link works once, until /)).toBeVisible();
  await dialog.getByRole("button", { name: /^Copy log-in link/ }).click();
  const url = await page.evaluate(() => navigator.clipboard.readText());
  expect(url).toMatch(/\/welcome#[\w-]{20,}$/);

  // It is shown this once: no Esc, cross or click beside the dialog takes it away without an answer.
  for (let time = 0; time < 3; time += 1) await page.keyboard.press("Escape");
  await expectKept(dialog, url);
  await dialog.getByRole("button", { name: "Keep it open" }).click();
  await expect(dialog.getByRole("button", { name: "Keep it open" })).toHaveCount(0);
  await page.mouse.click(4, 4);
  await expect(dialog.getByText(url)).toBeVisible();
  for (let time = 0; time < 2; time += 1) await dialog.getByRole("button", { name: "Close", exact: true }).click();
  await expectKept(dialog, url);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText(url)).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 2, name: "People" })).toBeFocused();

  const card = personCard(page);
  await expect(card.getByText("Has not logged in yet")).toBeVisible();
  await expect(card.getByRole("list", { name: "What Priya Shah may do" }).getByRole("listitem")).toHaveText([
    "May see agents",
    "May not see calls",
    "May not place calls",
    "May hand in keys",
  ]);
  expect(await redeem(demo, new URL(url).hash.slice(1))).toBeNull();
  const priya = await Script.as(demo, PRIYA);
  await priya.close();
  await page.reload();
  await expect(card.getByText(/^Last seen just now/)).toBeVisible();
  await script.close();
});

test("what a person may is changed, a new link ends the one before, and who is removed has no way in", async ({ page, demo, watch }) => {
  // P2, P3; checklist 30, 31, 38.
  watch.expect(/net::ERR_FAILED/);
  const script = await Script.as(demo, PEOPLE.admin);
  const id = await script.makeEmptyClient(DENTAL);
  const first = await addPerson(script, id, ["VIEW_AGENTS"]);
  await logIn(page, PEOPLE.admin, clientPage(id, "people"));
  const card = personCard(page);
  const dialog = openDialog(page);

  await card.getByRole("button", { name: "Permissions" }).click();
  await expect(dialog.getByRole("checkbox", { name: /^See agents/ })).toBeChecked();
  await dialog.getByRole("checkbox", { name: /^See agents/ }).uncheck();
  await dialog.getByRole("checkbox", { name: /^Hand in keys/ }).check();
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Keep editing" }).click();
  await cutOff(page, "UpdatePortalUser");
  await dialog.getByRole("button", { name: "Save permissions" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Ringfence did not answer");
  await expect(dialog.getByRole("checkbox", { name: /^Hand in keys/ })).toBeChecked();
  await page.unrouteAll({ behavior: "wait" });
  await dialog.getByRole("button", { name: "Save permissions" }).click();
  await expect(toast(page)).toHaveText("Priya Shah may hand in keys from now on.");
  await expect(card.getByText("May not see agents")).toBeVisible();
  await expect(card.getByRole("button", { name: "Permissions" })).toBeFocused();

  await card.getByRole("button", { name: "New log-in link" }).click();
  await expect(dialog.getByText("The link that Priya Shah was sent before stops working now.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await dialog.getByRole("button", { name: "Make new link" }).click();
  const second = (await dialog.locator(".copyable .code").innerText()).split("#")[1] ?? "";
  expect(second).not.toBe(first);
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Close dialog" }).click();
  await expect(dialog).toHaveCount(0);
  expect(await redeem(demo, first)).toBe("INVALID_INPUT");
  expect(await redeem(demo, second)).toBeNull();
  const priya = await Script.as(demo, PRIYA);

  // Now there is a password, and the dialog says what becomes of it.
  await page.reload();
  await card.getByRole("button", { name: "New log-in link" }).click();
  await expect(dialog.getByText(/^With it Priya Shah chooses another password.+everything stays as it is\.$/)).toBeVisible();
  await page.keyboard.press("Escape");

  await card.getByRole("button", { name: "Remove" }).click();
  await expect(dialog.getByText(/^Priya Shah sees nothing of Northside Dental any more/)).toBeVisible();
  await dialog.getByRole("button", { name: "Remove person" }).click();
  await expect(toast(page)).toHaveText("Priya Shah was removed.");
  await expect(page.getByRole("heading", { name: "Nobody of Northside Dental logs in yet" })).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name: "People" })).toBeFocused();
  await expect(handIn(priya, KEYS.second)).rejects.toThrow(/FORBIDDEN|NOT_FOUND/);
  await priya.close();

  // They can be added again, and get in by a new link alone.
  await page.getByRole("button", { name: "Add the first person" }).click();
  await fillPerson(dialog);
  await expect(dialog.getByText(/^With it Priya Shah chooses a password;/)).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(card.getByText("Has not logged in yet")).toBeVisible();
  await script.close();
});

test("staff find no people, and an archived client's are read and not changed", async ({ page, otherPage, demo }) => {
  // P1; checklist 25.
  const script = await Script.as(demo, PEOPLE.admin);
  const id = await script.makeEmptyClient(DENTAL);
  await addPerson(script, id, ["VIEW_AGENTS"]);
  await logIn(otherPage, PEOPLE.staff, clientPage(id, "agents"));
  const tabs = otherPage.getByRole("navigation", { name: "Client", exact: true });
  await expect(tabs.getByRole("link", { name: "Agents" })).toBeVisible();
  await expect(tabs.getByRole("link", { name: "People" })).toHaveCount(0);
  await otherPage.goto(clientPage(id, "people"));
  await expect(otherPage.getByText("Your role does not allow this")).toBeVisible();
  await expect(otherPage.getByText(PRIYA.email)).toHaveCount(0);
  await otherPage.goto(PAGES.keys);
  await expect(new Card(otherPage).root).toBeVisible();
  await expect(otherPage.getByRole("region", { name: "Keys from clients" })).toHaveCount(0);

  await archive(script, id);
  await script.close();
  await logIn(page, PEOPLE.owner, clientPage(id, "people"));
  await expect(personCard(page)).toContainText(PRIYA.email);
  await expect(page.getByText("This client is archived")).toBeVisible();
  await expect(page.getByRole("button", { name: /Add a person|Permissions|New log-in link|Remove/ })).toHaveCount(0);
});

test("a handed-in key waits on its card, is previewed, and is accepted after the client's name was typed", async ({ page, demo }) => {
  // P4, K9, P3, R5; checklist 30, 31, 38.
  const { script, id, priya } = await withWaitingKey(demo);

  await logIn(page, PEOPLE.admin, PAGES.alerts);
  const alert = page.getByRole("list", { name: "Alerts" }).getByRole("listitem");
  await expect(alert).toContainText("Northside Dental handed in a Vapi key that waits for an owner or admin.");
  await alert.getByRole("link", { name: "Review the key" }).click();
  await expect(page).toHaveURL(new RegExp(clientPage(id, "api-keys")));
  const card = new Card(page);
  await expect(card.badge("Agency key")).toBeVisible();
  await expect(card.root.getByText("A Vapi key waits for your review")).toBeVisible();
  await expect(card.root.getByText(/^Priya Shah handed in the key …x4Rm; it opens the account .+\. Until you accept it, nothing changes\.$/)).toBeVisible();

  await card.button("Review").press("Enter");
  const dialog = openDialog(page);
  await expect(dialog).toHaveAccessibleName("A Vapi key from Northside Dental");
  await expect(dialog.locator(".consequence")).toHaveText("4 agents can no longer call.");
  await expect(dialog.locator(".consequence")).toBeFocused();
  await expect(dialog.getByText(/^Handed in by Priya Shah just now/)).toBeVisible();
  const accept = dialog.getByRole("button", { name: "Accept key" });
  await expect(accept).toBeDisabled();
  await expect(dialog.getByRole("checkbox", { name: /^Create the 4 agents in this account/ })).toBeChecked();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("northside dental");
  await expect(accept).toBeDisabled();
  await dialog.getByLabel("Type Northside Dental to confirm").fill("Northside Dental");
  await dialog.getByLabel("Type Northside Dental to confirm").press("Enter");
  await expect(dialog).toHaveCount(0);
  await expect(card.mask).toHaveText("…x4Rm");
  await expect(card.root.getByText("A Vapi key waits for your review")).toHaveCount(0);
  await expect(card.root.getByRole("heading", { level: 2, name: "Vapi" })).toBeFocused();
  await expect(toast(page).filter({ hasText: "4 agents made at Vapi." })).toBeVisible({ timeout: 20_000 });
  await page.goto(PAGES.alerts);
  await expect(page.getByRole("heading", { name: "Nothing needs attention" })).toBeVisible();

  // A later one of the very same account needs nobody.
  const same = "key-of-the-same-account-0002";
  await demo.sandbox.addKey(same, KEYS.second);
  expect(await handIn(priya, same)).toEqual({ handInProviderKey: { integration: { state: "CONNECTED" } } });
  await page.goto(clientPage(id, "api-keys"));
  await expect(card.mask).toHaveText("…0002");
  await priya.close();
  await script.close();
});

test("a key that the provider refuses by now is declined, and an outage is waited out", async ({ page, demo }) => {
  // P4, K9, K3; checklist 12, 13, 32.
  const { script, id, priya } = await withWaitingKey(demo);
  await logIn(page, PEOPLE.admin, clientPage(id, "api-keys"));
  const card = new Card(page);
  const dialog = openDialog(page);
  const mend = await demo.sandbox.inject({ key: KEYS.second, path: "/vapi/*", effect: { kind: "status", status: 503 } });
  await card.button("Review").click();
  await expect(dialog.getByRole("alert")).toContainText("Vapi gave no answer that counts");
  await expect(dialog.getByRole("button", { name: "Accept key" })).toBeDisabled();
  await mend();
  await dialog.getByRole("button", { name: "Look again" }).click();
  await expect(dialog.locator(".consequence")).toHaveText("4 agents can no longer call.");

  // Refused between the preview and the acceptance.
  await demo.sandbox.revoke(KEYS.second);
  await acceptWaiting(dialog);
  await expect(dialog.getByRole("alert")).toContainText("Vapi refuses this key by now");
  await expect(dialog.getByRole("alert")).toContainText("Decline it, and ask Northside Dental for another one.");
  await expect(dialog.getByRole("alert")).toBeFocused();
  await dialog.getByRole("button", { name: "Decline key" }).click();
  await expect(toast(page)).toHaveText("Declined. The key is destroyed, and nothing has changed.");
  await expect(card.root.getByText("A Vapi key waits for your review")).toHaveCount(0);
  await expect(card.badge("Agency key")).toBeVisible();
  await priya.close();
  await script.close();
});

test("what somebody else decided or changed meanwhile is told, and nothing is decided twice", async ({ page, demo }) => {
  // P4, K12.
  const { script, id, priya } = await withWaitingKey(demo);
  await logIn(page, PEOPLE.owner, clientPage(id, "api-keys"));
  const card = new Card(page);
  const dialog = openDialog(page);
  await card.button("Review").click();
  await expect(dialog.locator(".consequence")).toBeVisible();
  await declineWaiting(script, id);
  await acceptWaiting(dialog);
  await expect(dialog.getByText("Amir Haddad declined this key meanwhile")).toBeVisible();
  await expect(dialog.getByRole("button", { name: /Accept|Decline/ })).toHaveCount(0);
  await expect(dialog.getByRole("button", { name: "Close", exact: true }).last()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog).toHaveCount(0);
  await expect(card.root.getByText("A Vapi key waits for your review")).toHaveCount(0);

  await handIn(priya, KEYS.second);
  await page.reload();
  await card.button("Review").click();
  await expect(dialog.locator(".consequence")).toBeVisible();
  const other = "key-of-the-agencys-account-0003";
  await demo.sandbox.addKey(other, KEYS.good);
  await script.saveClientKey(id, other);
  await acceptWaiting(dialog);
  await expect(dialog.getByRole("alert")).toContainText("Northside Dental's Vapi key was changed meanwhile");
  await expect(card.mask).toHaveText("…0003");
  await dialog.getByRole("button", { name: "Look again" }).click();
  await expect(dialog.getByText("The key …0003 goes out of use and can be brought back for a day.", { exact: false })).toBeVisible();
  await dialog.getByRole("button", { name: "Decline key" }).click();
  await expect(card.mask).toHaveText("…0003");
  await priya.close();
  await script.close();
});

test("the agency's switch closes handing in, and leaves what waits to be decided", async ({ page, demo, watch }) => {
  // P4.
  watch.expect(/net::ERR_FAILED/);
  const { script, id, priya } = await withWaitingKey(demo);
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const box = page.getByRole("region", { name: "Keys from clients" }).getByRole("checkbox", { name: "Clients may hand in keys" });
  await expect(box).toBeChecked();
  await box.press("Space");
  await expect(toast(page)).toHaveText("Nobody of a client can hand in a key any more.");
  await expect(box).not.toBeChecked();
  await expect(handIn(priya, KEYS.limited)).rejects.toThrow(/CONFLICT/);
  await page.reload();
  await expect(box).not.toBeChecked();
  await page.goto(clientPage(id, "api-keys"));
  await expect(new Card(page).button("Review")).toBeVisible();

  await page.goto(PAGES.keys);
  await cutOff(page, "UpdateHandIns");
  await box.click();
  await expect(page.getByRole("region", { name: "Keys from clients" }).getByRole("alert")).toContainText("Ringfence did not answer");
  await expect(box).not.toBeChecked();
  await page.unrouteAll({ behavior: "wait" });
  await box.click();
  await expect(toast(page)).toHaveText("Clients may hand in keys again.");
  expect((await handIn(priya, KEYS.limited)).handInProviderKey.integration.state).toBe("WAITING");
  await priya.close();
  await script.close();
});

test("an open breaker is told in words, on the card of its key and on those of the clients that use it", async ({ page, demo }) => {
  // R8, R2; look.md: words.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental } = await script.makeClient(DENTAL, 4);
  const { id: legal } = await script.makeClient("Harbor Legal", 4);
  await script.saveClientKey(dental, KEYS.second);
  for (const key of [KEYS.good, KEYS.second]) await demo.sandbox.revoke(key);
  const { agency, own } = await script.send<Record<"agency" | "own", { nodes: { id: string }[] }>>(
    "query($client: ID!) { agency: providerKeys(first: 1) { nodes { id } } own: providerKeys(clientId: $client, first: 1) { nodes { id } } }",
    { client: dental },
  );
  for (const key of [...agency.nodes, ...own.nodes]) {
    for (let time = 0; time < 3; time++) {
      await script.send("mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health } } }", { input: { providerKeyId: key.id } });
    }
  }
  await script.close();
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const card = new Card(page);
  const title = card.root.getByText("Vapi has rejected this key three times in a row");
  await expect(title).toBeVisible();
  await expect(card.root.getByText(/^Its agents cannot call: calls are refused at once, without asking Vapi\./)).toBeVisible();
  await look(page, "keys-breaker");
  await page.goto(clientPage(dental, "api-keys"));
  await expect(title).toBeVisible();
  await expect(card.root.getByText(/The agency's key is not used instead\./)).toBeVisible();
  await page.goto(clientPage(legal, "api-keys"));
  await expect(card.root.getByText("Vapi has rejected the agency's key three times in a row")).toBeVisible();
  await expect(card.root.getByRole("link", { name: "Open the agency's API keys" })).toHaveAttribute("href", PAGES.keys);
  await look(page, "client-keys-agency-breaker");
});

test("a run that makes agents is shown again after a reload, with what it left unmade", async ({ page, demo }) => {
  // R5; checklist 22.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id } = await script.makeClient(DENTAL, 4);
  await script.saveClientKey(id, KEYS.second);
  await script.syncEnded();
  await script.close();
  const creating = { key: KEYS.second, method: "POST", path: "/vapi/assistant" };
  await demo.sandbox.inject({ ...creating, times: 1, effect: { kind: "status", status: 400, message: "The voice is not there." } });
  // Slow enough for a reload in between.
  const slow = await demo.sandbox.inject({ ...creating, effect: { kind: "delay", ms: 4_000 } });
  await logIn(page, PEOPLE.admin, clientPage(id, "api-keys"));
  const card = new Card(page);
  await card.button("Create 4 agents at Vapi").click();
  await expect(card.root.getByText(/^Agents made \d of 4$/)).toBeVisible();
  await page.reload();
  await expect(card.root.getByText(/^Agents made \d of 4$/)).toBeVisible();
  await expect(toast(page).filter({ hasText: "3 agents made at Vapi. 1 agent not made." })).toBeVisible({ timeout: 30_000 });
  await slow();

  for (const isReloaded of [false, true]) {
    if (isReloaded) await page.reload();
    await expect(card.root.getByText("The last run did not make every agent")).toBeVisible();
    await expect(card.root.getByRole("list", { name: "What was not made" }).getByRole("listitem")).toHaveText(/Vapi refused it: The voice is not there\./);
  }
  await look(page, "client-keys-unmade");
  await card.button("Create 1 agent at Vapi").click();
  await expect(toast(page).filter({ hasText: "1 agent made at Vapi." })).toBeVisible({ timeout: 20_000 });
  await expect(card.root.getByText(/cannot call with this key yet|did not make every agent/)).toHaveCount(0);
});

test("with archived clients alone the list says so and shows them", async ({ page, demo }) => {
  // checklist 23.
  const script = await Script.as(demo, PEOPLE.staff);
  for (const name of ["Northside Dental", "Harbor Legal"]) await archive(script, await script.makeEmptyClient(name));
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.clients);
  await expect(page.getByRole("heading", { name: "Your 2 clients are archived" })).toBeVisible();
  await look(page, "clients-all-archived");
  await page.getByRole("link", { name: "Show archived" }).click();
  await expect(page).toHaveURL(`${PAGES.clients}?archived=yes`);
  await expect(page.getByRole("rowheader")).toHaveText(["Harbor Legal", "Northside Dental"]);
});

test.describe("how it looks", () => {
  // Four pictures with axe for each of many states.
  test.describe.configure({ timeout: 180_000 });

  test("people: loading, failed, empty, full and archived, and each dialog", async ({ page, demo, watch }) => {
    // P2; checklist 24, 40.
    watch.expect(/net::ERR_FAILED/);
    const script = await Script.as(demo, PEOPLE.admin);
    const id = await script.makeEmptyClient(DENTAL);
    await logIn(page, PEOPLE.admin, clientPage(id, "people"));
    await expect(page.getByRole("button", { name: "Add the first person" })).toBeVisible();
    await look(page, "people-empty");
    await page.getByRole("button", { name: "Add the first person" }).click();
    const dialog = openDialog(page);
    await dialog.getByRole("button", { name: "Add person" }).click();
    await expect(dialog.locator(".field-error").first()).toBeVisible();
    await look(page, "people-add-refused");
    await fillPerson(dialog);
    await expect(dialog.getByRole("button", { name: "Done" })).toBeVisible();
    await look(page, "people-link");
    await page.keyboard.press("Escape");
    await expect(dialog.getByRole("button", { name: "Keep it open" })).toBeVisible();
    await look(page, "people-link-asks");
    await dialog.getByRole("button", { name: "Done" }).click();
    const token = await addPerson(script, id, ["VIEW_AGENTS", "VIEW_CALLS", "TRIGGER_CALLS", "MANAGE_INTEGRATIONS"], {
      name: "Maximiliane Oberhauser-Lindqvist",
      email: "maximiliane.oberhauser-lindqvist@northside-dental-group.example.test",
      password: PRIYA.password,
    });
    expect(await redeem(demo, token)).toBeNull();

    const answer = await hold(page, "ListPortalUsers");
    await page.reload();
    await expect(page.locator("main .skeleton").first()).toBeVisible();
    await look(page, "people-loading");
    answer();
    await expect(personCard(page)).toBeVisible();
    await look(page, "people-full");
    await page.unrouteAll({ behavior: "wait" });
    for (const [button, name] of [
      ["Permissions", "people-permissions"],
      ["New log-in link", "people-new-link"],
      ["Remove", "people-remove"],
    ] as const) {
      await personCard(page).getByRole("button", { name: button }).click();
      await expect(dialog).toBeVisible();
      await look(page, name);
      await page.keyboard.press("Escape");
    }
    await cutOff(page, "ListPortalUsers");
    await page.reload();
    await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
    await look(page, "people-failed");
    await page.unrouteAll({ behavior: "wait" });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(personCard(page)).toBeVisible();
    await archive(script, id);
    await script.close();
    await page.reload();
    await expect(page.getByText("This client is archived")).toBeVisible();
    await look(page, "people-archived");
  });

  test("a key that waits: the card, the dialog while it looks, previewed, refused and decided meanwhile", async ({ page, demo }) => {
    // P4, K9; checklist 40.
    const { script, id, priya } = await withWaitingKey(demo);
    await logIn(page, PEOPLE.admin, clientPage(id, "api-keys"));
    const card = new Card(page);
    await expect(card.button("Review")).toBeVisible();
    await look(page, "hand-in-waiting");
    await demo.sandbox.setPageDelay(8_000);
    await card.button("Review").click();
    const dialog = openDialog(page);
    await expect(dialog.getByText(/^Testing with Vapi and reading/)).toBeVisible();
    await look(page, "hand-in-looking");
    await demo.sandbox.setPageDelay(0);
    await expect(dialog.locator(".consequence")).toBeVisible({ timeout: 20_000 });
    await look(page, "hand-in-previewed");
    await page.keyboard.press("Escape");
    const mend = await demo.sandbox.inject({ key: KEYS.second, path: "/vapi/*", effect: { kind: "status", status: 503 } });
    await card.button("Review").click();
    await expect(dialog.getByRole("alert")).toBeVisible();
    await look(page, "hand-in-outage");
    await mend();
    await declineWaiting(script, id);
    await dialog.getByRole("button", { name: "Look again" }).click();
    await expect(dialog.getByText("Amir Haddad declined this key meanwhile")).toBeVisible();
    await look(page, "hand-in-decided");
    await page.goto(PAGES.keys);
    await expect(page.getByRole("checkbox", { name: "Clients may hand in keys" })).toBeChecked();
    await look(page, "keys-hand-in-switch");
    await priya.close();
    await script.close();
  });
});
