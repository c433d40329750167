// The screens of a client's people: how they get in by a link that works once, the rooms that their permissions open, and
// the page where they hand in keys and are shown none.

import type { Page } from "@playwright/test";
import { Card, KEYS, PAGES, PEOPLE, fillLogIn, logIn, sidePanel } from "../support/app";
import { expectVisibleFocus, tabTo } from "../support/keyboard";
import { look } from "../support/look";
import { AGENCY_NAME, Answers, CLIENT, Client, DENTIST, ROOMS, enter } from "../support/portal";
import { expect, test } from "../support/test";
import { cutOff, hold, route } from "../support/traffic";

/** All that this page keeps: its elements, what stands in its fields, its address, and the browser's stores. */
async function kept(page: Page): Promise<string> {
  return page.evaluate(() =>
    [
      document.documentElement.outerHTML,
      ...Array.from(document.querySelectorAll("input, textarea"), (field) => (field as HTMLInputElement).value),
      location.href,
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      JSON.stringify(history.state),
    ].join("\n"),
  );
}

const rooms = (page: Page) => page.getByRole("navigation", { name: "Main" }).getByRole("link");

test("a log-in link sets the password once, and its token goes nowhere else", async ({ page, demo, otherPage }) => {
  // P2, H2; checklist 1, 10, 39.
  const client = await Client.make(demo);
  const link = await client.invite(["VIEW_AGENTS"]);
  const token = link.split("#")[1] ?? "";
  expect(token.length).toBeGreaterThan(20);
  const addresses: string[] = [];
  page.on("request", (request) => addresses.push(request.url(), request.headers().referer ?? ""));

  await page.goto(link);
  await expect(page.getByRole("heading", { level: 1, name: "Choose a password" })).toBeVisible();
  await expect(page).toHaveURL("/welcome");
  expect(await kept(page)).not.toContain(token);
  const field = page.getByLabel("Password", { exact: true });
  await tabTo(page, field);
  await page.keyboard.type("too short");
  await page.keyboard.press("Enter");
  await expect(field).toBeFocused();
  await expect(field).toHaveAccessibleDescription(/Choose a password of at least 12 characters/);
  await expect(field).toHaveValue("too short");
  await look(page, "welcome-too-short");
  await tabTo(page, page.getByRole("button", { name: "Show password" }));
  await page.keyboard.press("Enter");
  await expect(field).toHaveAttribute("type", "text");
  await field.fill(DENTIST.password);
  await tabTo(page, page.getByRole("button", { name: "Log in", exact: true }));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(ROOMS.agents);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeFocused();
  expect(addresses.filter((address) => address.includes(token))).toEqual([]);
  expect(await kept(page)).not.toContain(token);
  await page.goBack();
  expect(page.url()).not.toContain(token);

  // The same link again, in another browser: it is used.
  await otherPage.goto(link);
  await otherPage.getByLabel("Password", { exact: true }).fill("another password of mine");
  await otherPage.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(otherPage.getByRole("heading", { level: 2, name: "The link was not accepted" })).toBeVisible();
  await expect(otherPage.getByText(/each works once, for seven days\. Ask the agency for a new one\./)).toBeVisible();
  expect(await kept(otherPage)).not.toContain(token);
  await look(otherPage, "welcome-used");
  await otherPage.getByRole("link", { name: "Log in" }).click();
  await fillLogIn(otherPage, DENTIST);
  await expect(otherPage).toHaveURL(ROOMS.agents);
  await client.script.close();
});

test("the page of the link in its other states", async ({ page, demo, watch }) => {
  // P2, H2; checklist 40.
  test.setTimeout(120_000);
  watch.expect(/net::ERR_FAILED/);
  await page.goto("/welcome");
  await expect(page.getByRole("heading", { name: "This page needs a log-in link" })).toBeVisible();
  await look(page, "welcome-no-token");

  const client = await Client.make(demo);
  const link = await client.invite(["VIEW_AGENTS"]);
  // As somebody does who pastes the link into this window: nothing but the part behind the # changes.
  await page.goto(link);
  const field = page.getByLabel("Password", { exact: true });
  await expect(field).toBeVisible();
  await expect(page).toHaveURL("/welcome");
  await look(page, "welcome");
  await field.fill(DENTIST.password);
  const send = page.getByRole("button", { name: "Log in", exact: true });

  await cutOff(page, "RedeemLogInLink");
  await send.click();
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await expect(page.getByRole("alert")).toBeFocused();
  await expect(field).toHaveValue(DENTIST.password);
  await page.unrouteAll({ behavior: "wait" });
  await route(page, "RedeemLogInLink", (route) =>
    route.fulfill({
      json: { data: null, errors: [{ message: "Wait.", extensions: { code: "TOO_MANY_ATTEMPTS", retryAfterMs: 60_000 } }] },
    }),
  );
  await send.click();
  await expect(page.getByRole("alert")).toContainText(/Too many attempts.*Next try in /s);
  await look(page, "welcome-refused");
  await page.unrouteAll({ behavior: "wait" });
  // Somebody who has a log-in here from another agency proves it by its password.
  const known = "You have a log-in with this email address already. Enter the password that you have.";
  await route(page, "RedeemLogInLink", (route) =>
    route.fulfill({ json: { data: null, errors: [{ message: known, extensions: { code: "INVALID_INPUT", field: "password" } }] } }),
  );
  await send.click();
  await expect(field).toHaveAccessibleDescription(new RegExp(known));
  await expect(field).toBeFocused();
  await page.unrouteAll({ behavior: "wait" });

  // Somebody is logged in on this browser: they decide.
  const renewed = await client.renewLink();
  await logIn(page, PEOPLE.staff);
  await page.goto(renewed);
  await expect(page.getByText(`This browser is logged in as ${PEOPLE.staff.name} (${PEOPLE.staff.email}).`)).toBeVisible();
  await expect(page).toHaveURL("/welcome");
  await look(page, "welcome-logged-in");
  await page.getByRole("link", { name: "Stay logged in" }).click();
  await expect(page).toHaveURL(PAGES.overview);
  await page.goto(renewed);
  await page.getByRole("button", { name: "Log out and use the link" }).click();
  await field.fill(DENTIST.password);
  await send.click();
  await expect(page).toHaveURL(ROOMS.agents);
  await expect(page.getByText(CLIENT, { exact: true })).toBeVisible();
  await page.goto("/welcome");
  await expect(page).toHaveURL(ROOMS.agents);
  await client.script.close();
});

test("a client's person walks their rooms, and nothing that they ask is refused", async ({ page, demo, watch }) => {
  // P1, P2, P3, P5, P6; checklist 25, 40.
  test.setTimeout(180_000);
  watch.expect(/net::ERR_FAILED/);
  const client = await Client.make(demo, 12);
  const { agents: strangers } = await client.script.makeClient("Harbor Legal", 2);
  const answers = new Answers(page);
  await enter(page, await client.invite(["VIEW_AGENTS", "MANAGE_INTEGRATIONS"]));
  await expect(page).toHaveURL(ROOMS.agents);
  await expect(rooms(page)).toHaveText(["Agents", "API keys"]);
  const sidebar = page.getByRole("complementary", { name: "Navigation" });
  await expect(sidebar.getByText(CLIENT, { exact: true })).toBeVisible();
  await expect(sidebar.getByText(AGENCY_NAME, { exact: true })).toBeVisible();
  await expect(sidebar.getByRole("button", { name: /Account menu/ })).toContainText("Client");
  await expect(page.getByText("12 agents", { exact: true })).toBeVisible();
  await expect(page.getByRole("columnheader")).toHaveText(["Name", "Status", "Provider", "Numbers", "Changed"]);
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  await look(page, "portal-agents");

  const answering = page.locator("tbody").getByRole("row").filter({ hasText: /\+\d/ }).first().getByRole("rowheader").getByRole("link");
  await answering.click();
  await expect(sidePanel(page).getByRole("heading", { name: "Numbers that it answers" })).toBeVisible();
  await expect(sidePanel(page).getByRole("listitem").first()).toContainText(/\+\d/);
  await expect(sidePanel(page).getByText("Why this key?")).toHaveCount(0);
  await look(page, "portal-agent");
  await page.keyboard.press("Escape");
  await expect(answering).toBeFocused();
  await page.getByRole("searchbox", { name: "Search agents" }).fill("no agent is called this");
  await expect(page.getByRole("heading", { name: "No agent matches" })).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("button", { name: "Inactive" }).click();
  await expect(page.getByText("0 agents found")).toBeVisible();

  await rooms(page).filter({ hasText: "API keys" }).click();
  await expect(page).toHaveURL(ROOMS.keys);
  await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeFocused();
  await expect(new Card(page, "Retell").badge("Not connected")).toBeVisible();

  // The agency's rooms are no pages for them, however they got the address.
  for (const path of [PAGES.numbers, PAGES.clients, `${PAGES.clients}/${client.id}`, PAGES.history, PAGES.audit, PAGES.webhooks, PAGES.alerts]) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1, name: "Page not found" }), path).toBeVisible();
  }
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await expect(page).toHaveURL(ROOMS.agents);
  expect(await answers.errors()).toEqual([]);
  expect(answers.socketCount).toBe(0);

  // Another client's agent is as absent as none.
  await page.goto(`${ROOMS.agents}?agent=${strangers[0]}`);
  await expect(sidePanel(page).getByRole("alert")).toContainText("This agent is not here");
  expect(new Set(await answers.errors())).toEqual(new Set(["NOT_FOUND"]));
  const told = await answers.text();
  for (const id of strangers) expect(told.replaceAll(`"${strangers[0]}"`, "")).not.toContain(id);
  expect(told).not.toContain("Harbor Legal");
  const { providerKeys } = await client.script.send<{
    providerKeys: { nodes: { id: string; maskedKey: string; account: { name: string } }[] };
  }>("{ providerKeys(first: 1) { nodes { id maskedKey account { name } } } }");
  const key = providerKeys.nodes[0];
  if (!key) throw new Error("the agency's key is not there");
  const secrets = [key.id, key.maskedKey, key.maskedKey.slice(-4), key.account.name];
  expect(secrets.every((secret) => secret.length >= 4)).toBe(true);
  // The client's own name is theirs to read; the account may be called after the agency, whose name they see as well.
  for (const secret of secrets.filter((secret) => secret !== AGENCY_NAME)) expect(told, secret).not.toContain(secret);
  await look(page, "portal-agent-absent");

  const answer = await hold(page, "ListPortalAgents");
  await page.goto(ROOMS.agents);
  await expect(page.locator("main .skeleton").first()).toBeVisible();
  await look(page, "portal-agents-loading");
  answer();
  await expect(page.getByText("12 agents", { exact: true })).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  await cutOff(page, "ListPortalAgents");
  await page.goto(ROOMS.agents);
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await look(page, "portal-agents-failed");
  await client.script.close();
});

test("permissions open and close rooms at the next request", async ({ page, demo }) => {
  // P2; checklist 23, 25.
  test.setTimeout(120_000);
  const client = await Client.make(demo, 0);
  const answers = new Answers(page);
  await enter(page, await client.invite([]));
  await expect(page).toHaveURL(ROOMS.home);
  await expect(page.getByRole("heading", { name: "Nothing is open to you yet" })).toBeVisible();
  await expect(rooms(page)).toHaveCount(0);
  await look(page, "portal-nothing");
  await page.goto(ROOMS.keys);
  await expect(page.getByRole("heading", { level: 1, name: "This page is not open to you" })).toBeVisible();
  await look(page, "portal-closed");

  await client.permit(["MANAGE_INTEGRATIONS"]);
  await page.goto(ROOMS.home);
  await expect(page).toHaveURL(ROOMS.keys);
  await expect(rooms(page)).toHaveText(["API keys"]);
  await client.permit(["VIEW_AGENTS"]);
  await page.goto(ROOMS.home);
  await expect(page).toHaveURL(ROOMS.agents);
  await expect(rooms(page)).toHaveText(["Agents"]);
  await expect(page.getByRole("heading", { name: "No agents yet" })).toBeVisible();
  await expect(page.getByText(`${AGENCY_NAME} has given ${CLIENT} no agents so far.`)).toBeVisible();
  await look(page, "portal-agents-empty");
  expect(await answers.errors()).toEqual([]);

  // Taken away while the page is open: the next question is refused, and the room closes.
  await client.permit([]);
  await page.getByRole("button", { name: "Inactive" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "This page is not open to you" })).toBeVisible();
  await expect(rooms(page)).toHaveCount(0);
  expect(await answers.errors()).toEqual(["FORBIDDEN"]);
  await client.script.close();
});

test("a key is handed in, waits, is accepted and replaced, and no answer ever held a part of one", async ({ page, demo }) => {
  // P3, P4; checklist 2, 9, 16, 20.
  test.setTimeout(180_000);
  const first = "key-of-the-dentist-0001-a9Qx";
  const same = "key-of-the-dentist-0002-b8Wz";
  const other = "key-of-the-dentist-0003-c7Vy";
  const stranger = "key-of-nobody-at-all-0004-d6Ut";
  await demo.sandbox.addAccount(first, 3);
  await demo.sandbox.addKey(same, first);
  await demo.sandbox.addAccount(other, 2);
  const client = await Client.make(demo);
  const answers = new Answers(page);
  await enter(page, await client.invite(["MANAGE_INTEGRATIONS"]));
  await expect(page).toHaveURL(ROOMS.keys);
  const card = new Card(page);
  await expect(card.badge("Not connected")).toBeVisible();
  await expect(card.root.getByText(`${AGENCY_NAME} reviews the key before it is used, because your calls go over it from then on.`)).toBeVisible();
  await look(page, "portal-keys");

  // What cannot be a key is told without asking anybody.
  const send = card.button("Hand in key");
  await card.field.fill("two words");
  await send.click();
  await expect(card.root.locator(".field-error")).toContainText("There is a space or line break inside this key.");
  await expect(card.field).toBeFocused();

  // In the moment in which it is sent it is nowhere on the page any more.
  const answer = await hold(page, "HandInProviderKey");
  await card.field.fill(` ${first} `);
  await send.click();
  await expect(card.root.getByText("Testing with Vapi…")).toBeVisible();
  await expect(card.field).toHaveValue("");
  expect(await kept(page)).not.toContain(first);
  answer();
  await expect(card.badge("Waiting")).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  await expect(card.root.getByRole("heading", { name: "Vapi" })).toBeFocused();
  await expect(card.root.getByRole("status").filter({ hasText: `Handed in, waiting for ${AGENCY_NAME}` })).toBeVisible();
  await expect(card.field).toHaveCount(0);
  await look(page, "portal-keys-waiting");
  const waiting = await client.waiting();
  expect(waiting.maskedKey).toBe("…a9Qx");

  // A refused one leaves everything as it was.
  await card.button("Hand in another key").click();
  await expect(card.root.getByText(/^The key that waits is destroyed when this one is taken\./)).toBeVisible();
  await card.field.fill(stranger);
  await send.click();
  await expect(card.error).toContainText("Vapi refused this key");
  await expect(card.error).toContainText("Nothing was handed in, and nothing has changed.");
  await expect(card.error).toBeFocused();
  await expect(card.field).toHaveValue("");
  await expect(card.badge("Waiting")).toBeVisible();
  await look(page, "portal-keys-refused");
  await card.button("Cancel").click();
  expect((await client.waiting()).id).toBe(waiting.id);

  // The page finds out by itself that it was accepted.
  await page.clock.install();
  await page.reload();
  await expect(card.badge("Waiting")).toBeVisible();
  await client.accept();
  await page.clock.fastForward(16_000);
  await expect(card.badge("Working")).toBeVisible();
  await expect(card.root.getByText(/^Your own Vapi account is connected, and its key works\./)).toBeVisible();

  // Another key of the account that is connected needs nobody.
  await card.button("Hand in another key").click();
  await expect(card.root.getByText(/^A key of the account that is connected now is used at once\./)).toBeVisible();
  await card.field.fill(same);
  await card.field.press("Enter");
  await expect(card.root.getByText("In use from now on")).toBeVisible();
  await expect(card.badge("Working")).toBeVisible();
  await look(page, "portal-keys-used");

  // One of another account waits again, and the agency declines it.
  await card.button("Hand in another key").click();
  await card.field.fill(other);
  await send.click();
  await expect(card.badge("Waiting")).toBeVisible();
  await client.decline();
  await page.clock.fastForward(16_000);
  await expect(card.badge("Working")).toBeVisible();
  await expect(card.root.getByText(/^Handed in/)).toHaveCount(0);

  // The provider stops taking it.
  await demo.sandbox.revoke(same);
  const { id } = await client.script.clientKey(client.id);
  await client.script.send("mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health } } }", {
    input: { providerKeyId: id },
  });
  await page.reload();
  await expect(card.badge("Needs attention")).toBeVisible();
  await look(page, "portal-keys-attention");

  const told = await answers.text();
  expect(told).toContain("WAITING");
  const masks = [first, same, other, stranger, KEYS.good].map((key) => key.slice(-4));
  const names = [waiting.accountName ?? "no name"];
  for (const secret of [first, same, other, stranger, ...masks, ...names, "…"]) expect(told, secret).not.toContain(secret);
  expect(new Set(await answers.errors())).toEqual(new Set(["KEY_REJECTED"]));
  await client.script.close();
});

test("a provider that repeats the key is not repeated", async ({ page, demo }) => {
  // P3, K7.
  const client = await Client.make(demo);
  const answers = new Answers(page);
  await enter(page, await client.invite(["MANAGE_INTEGRATIONS"]));
  const card = new Card(page);
  for (const style of ["plain", "masked"] as const) {
    const key = `key-of-an-echo-${style}-e5Ts`;
    await demo.sandbox.inject({ key, times: 1, effect: { kind: "echo_key", style } });
    await card.field.fill(key);
    await card.button("Hand in key").click();
    await expect(card.error).toBeVisible();
    expect(await kept(page)).not.toContain("e5Ts");
    await page.reload();
    await expect(card.field).toHaveValue("");
  }
  expect(await answers.text()).not.toContain("e5Ts");
  await client.script.close();
});

test("the agency's switch closes the page, and a key that comes too late is not taken", async ({ page, demo, watch }) => {
  // P4; checklist 24, 40.
  test.setTimeout(120_000);
  watch.expect(/net::ERR_FAILED/);
  const client = await Client.make(demo);
  await enter(page, await client.invite(["MANAGE_INTEGRATIONS"]));
  const card = new Card(page);
  await expect(card.field).toBeVisible();
  await client.switchHandIns(false);
  await card.field.fill(KEYS.second);
  await card.button("Hand in key").click();
  await expect(page.getByText(`${AGENCY_NAME} takes no keys here at the moment`)).toBeVisible();
  await expect(page.getByRole("textbox")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Hand in key" })).toHaveCount(0);
  await expect(card.badge("Not connected")).toBeVisible();
  await expect(client.waiting()).rejects.toThrow("0 keys wait");
  await look(page, "portal-keys-off");
  await client.switchHandIns(true);
  await page.reload();
  await expect(card.field).toBeVisible();

  await demo.sandbox.inject({ path: "/vapi/*", times: 1, effect: { kind: "status", status: 503 } });
  await card.field.fill(KEYS.second);
  await card.button("Hand in key").click();
  await expect(card.error).toContainText("Vapi did not answer");
  for (let attempt = 0; attempt < 12 && !(await card.error.getByText("Too many attempts").isVisible()); attempt += 1) {
    await card.field.fill(KEYS.revoked);
    await card.button("Hand in key").click();
    await expect(card.button("Hand in key")).toBeEnabled();
  }
  await expect(card.error).toContainText(/Too many attempts.*Next try in /s);
  await look(page, "portal-keys-throttled");

  const answer = await hold(page, "ListIntegrations");
  await page.goto(ROOMS.keys);
  await expect(page.locator("main .skeleton").first()).toBeVisible();
  await look(page, "portal-keys-loading");
  answer();
  await expect(card.field).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  await cutOff(page, "ListIntegrations");
  await page.goto(ROOMS.keys);
  await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
  await look(page, "portal-keys-failed");
  await client.script.close();
});

test("a key is handed in by Tab and Enter alone", async ({ page, demo }) => {
  // P4; checklist 10, 16, 39.
  const key = "key-of-the-dentist-0005-f4Sr";
  await demo.sandbox.addAccount(key, 1);
  const client = await Client.make(demo);
  await enter(page, await client.invite(["VIEW_AGENTS", "MANAGE_INTEGRATIONS"]));
  await tabTo(page, rooms(page).filter({ hasText: "API keys" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "API keys" })).toBeFocused();
  const card = new Card(page);
  await expect(card.field).toBeVisible();
  await tabTo(page, card.field);
  await page.keyboard.type(key);
  await tabTo(page, card.button("Hand in key"));
  await page.keyboard.press("Enter");
  await expect(card.badge("Waiting")).toBeVisible();
  await expect(card.root.getByRole("heading", { name: "Vapi" })).toBeFocused();
  await tabTo(page, card.button("Hand in another key"));
  await page.keyboard.press("Enter");
  await expect(card.field).toBeFocused();
  await expectVisibleFocus(card.field);
  await client.script.close();
});
