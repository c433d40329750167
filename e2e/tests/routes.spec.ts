// Whose key a call goes over, drawn on the agent's panel: each key with what became of it, where the call ends, who pays,
// and the way to mend it. Clients with keys of their own, through their whole life.

import type { Locator, Page } from "@playwright/test";
import { KEYS, PAGES, PEOPLE, Script, connect, logIn, sidePanel } from "../support/app";
import { look } from "../support/look";
import { expect, test } from "../support/test";

async function openAgent(page: Page, id: string | undefined): Promise<Locator> {
  await page.goto(`${PAGES.agents}?agent=${id}`);
  const route = sidePanel(page).locator(".route");
  await expect(route.getByRole("list", { name: "The way of a call" })).toBeVisible();
  return route;
}

/** The stops of the line, each as its text. */
async function stops(route: Locator): Promise<string[]> {
  const texts = await route.getByRole("list", { name: "The way of a call" }).getByRole("listitem").allInnerTexts();
  return texts.map((text) => text.replaceAll(/\s+/g, " ").trim());
}

test("each agent shows whose key its calls go over, and where they end", async ({ page, demo }) => {
  // R1, R2, R5, R6.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental, agents } = await script.makeClient("Northside Dental", 4);
  const legal = await script.makeClient("Harbor Legal", 4);
  await logIn(page, PEOPLE.admin, PAGES.agents);

  const agency = await openAgent(page, legal.agents[0]);
  expect(await stops(agency)).toEqual([
    "Harbor Legal's own Vapi key None stored None is stored, so the agency's key counts.",
    "The agency's Vapi key …k7Qd Taken The agency's Vapi key is used and pays.",
    expect.stringMatching(/^Account .* Holds the agent$/),
    expect.stringMatching(/^Vapi Places the call From /),
  ]);
  await expect(agency.getByText(/^The agency pays, over its Vapi account /)).toBeVisible();
  await expect(agency.getByText("Can call", { exact: true })).toBeVisible();
  await look(page, "route-ready");

  await script.saveClientKey(dental, KEYS.second);
  const own = await openAgent(page, agents[0]);
  const [first, second, third, last] = await stops(own);
  expect(first).toMatch(/^Northside Dental's own Vapi key …x4Rm Taken/);
  expect(second).toBe("The agency's Vapi key …k7Qd Passed over The client has a key of its own, which counts whatever its health.");
  expect(third).toMatch(/^Account (.+) Another account The key opens \1, and the agent lives in .+\.$/);
  expect(last).toBe("Vapi Not reached");
  await expect(own.getByText("Nothing is dialled, so nobody pays. The agency's key is not used instead.")).toBeVisible();
  await expect(own.getByRole("link", { name: "Open Northside Dental's API keys" })).toHaveAttribute("href", new RegExp(`/clients/${dental}/api-keys$`));
  await look(page, "route-mismatch");

  await script.send("mutation($input: ArchiveClientInput!) { archiveClient(input: $input) { client { id } } }", { input: { clientId: dental } });
  const archived = await openAgent(page, agents[0]);
  expect((await stops(archived))[0]).toBe("Northside Dental Archived None of its agents has a route until it is restored.");
  await script.close();
});

test("a refused key is red, no other key is used instead, and cleared it returns to the agency's at once", async ({ page, demo }) => {
  // R2, R3, R6, R8.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental, agents } = await script.makeClient("Northside Dental", 4);
  const key = "key-of-the-same-account-0001";
  await demo.sandbox.addKey(key, KEYS.good);
  await script.saveClientKey(dental, key);
  await logIn(page, PEOPLE.admin, PAGES.agents);
  const ready = await openAgent(page, agents[0]);
  await expect(ready.getByText(/^Northside Dental pays, over its Vapi account /)).toBeVisible();

  await demo.sandbox.revoke(key);
  const check = async () => {
    await script.send("mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health } } }", {
      input: { providerKeyId: (await script.clientKey(dental)).id },
    });
  };
  await check();
  const doubtful = await openAgent(page, agents[0]);
  expect((await stops(doubtful))[0]).toMatch(/^Northside Dental's own Vapi key …0001 Refused at the last check/);
  await expect(doubtful.getByText("Likely refused", { exact: true })).toBeVisible();
  await look(page, "route-doubtful");

  await check();
  await check();
  const refused = await openAgent(page, agents[0]);
  expect(await stops(refused)).toEqual([
    "Northside Dental's own Vapi key …0001 Rejected The call ends here.",
    expect.stringMatching(/^The agency's Vapi key …k7Qd Passed over/),
    expect.stringMatching(/Not reached$/),
    "Vapi Not reached",
  ]);
  await expect(refused.getByText(/was refused several times in a row/)).toBeVisible();
  await look(page, "route-refused");

  const stored = await script.clientKey(dental);
  await script.send("mutation($input: ClearProviderKeyInput!) { clearProviderKey(input: $input) { clearedVersion } }", {
    input: { providerKeyId: stored.id, expectedVersion: stored.version, acknowledgement: stored.clearImpact.acknowledgement },
  });
  const cleared = await openAgent(page, agents[0]);
  await expect(cleared.getByText(/^The agency pays, over its Vapi account /)).toBeVisible();
  await script.close();
});

test("staff see the same line without names of accounts and without any part of a key", async ({ page, demo }) => {
  // P1, K7, R6. Keys of the test's own: the demo tells everybody its sample keys.
  const [agencyKey, clientKey] = ["key-of-the-agency-vQ31", "key-of-the-client-nB58"];
  await demo.sandbox.addAccount(agencyKey, 6);
  await demo.sandbox.addAccount(clientKey, 2);
  await connect(demo, agencyKey);
  const script = await Script.as(demo, PEOPLE.admin);
  const { id: dental, agents } = await script.makeClient("Northside Dental", 4);
  await script.saveClientKey(dental, clientKey);
  const { explainRoute } = await script.send<{ explainRoute: { account: { name: string }; otherAccounts: { name: string }[] } }>(
    "query($id: ID!) { explainRoute(agentId: $id) { account { name } otherAccounts { name } } }",
    { id: agents[0] },
  );
  await script.close();
  const secrets = ["vQ31", "nB58", explainRoute.account.name, ...explainRoute.otherAccounts.map(({ name }) => name)];
  expect(secrets).toHaveLength(4);

  const bodies: Promise<string>[] = [];
  page.on("response", (response) => {
    // An answer that a navigation cut off told the page nothing.
    if (response.url().endsWith("/graphql")) bodies.push(response.text().catch(() => ""));
  });
  await logIn(page, PEOPLE.staff, PAGES.agents);
  const route = await openAgent(page, agents[0]);
  expect(await stops(route)).toEqual([
    "Northside Dental's own Vapi key Taken This key counts for the agent's calls.",
    expect.stringMatching(/^The agency's Vapi key Passed over/),
    "The key's account Another account The agent lives in another Vapi account than the one that this key opens.",
    "Vapi Not reached",
  ]);
  const told = (await Promise.all(bodies)).join("\n");
  for (const secret of secrets) expect(told).not.toContain(secret);
});
