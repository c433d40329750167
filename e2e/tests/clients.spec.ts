// Clients: made, named, archived and restored; agents given to them and taken back; what cannot call is told. Staff do all of
// it, by mouse and by keyboard, and each address can be reloaded.

import type { Locator, Page } from "@playwright/test";
import { KEYS, PAGES, PEOPLE, Script, connect, logIn, openDialog, sidePanel, toast } from "../support/app";
import { NARROWEST, PHONE, look } from "../support/look";
import { expect, test } from "../support/test";
import { cutOff, hold } from "../support/traffic";

const CLIENTS = PAGES.clients;

/** Gives the agents of a search to a client. */
async function assign(script: Script, clientId: string, search?: string): Promise<void> {
  await script.send("mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }", {
    input: { clientId, search, filter: { isAssigned: false } },
  });
}

function tab(page: Page, name: string): Locator {
  return page.getByRole("navigation", { name: "Client" }).getByRole("link", { name, exact: true });
}

function bar(page: Page): Locator {
  return page.getByRole("region", { name: "Selection" });
}

function box(page: Page, row: number): Locator {
  return page.getByRole("row").nth(row + 1).getByRole("checkbox");
}

function count(page: Page): Locator {
  return page.locator(".toolbar .count");
}

/** A figure of the client's overview. */
function figure(page: Page, label: string): Locator {
  return page.getByRole("link", { name: new RegExp(`^${label}: `) });
}

test("staff make, rename, archive and restore a client", async ({ page, demo }) => {
  // P1, R1; checklist 10, 29, 31, 40.
  await connect(demo);
  await logIn(page, PEOPLE.staff);
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Clients" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Clients" })).toBeFocused();
  await expect(page.getByRole("heading", { name: "No clients yet" })).toBeVisible();

  await test.step("a name is asked for, and goes to the client's page", async () => {
    await page.getByRole("button", { name: "Make the first client" }).click();
    const field = openDialog(page).getByLabel("Name");
    await expect(field).toBeFocused();
    await openDialog(page).getByRole("button", { name: "Make client" }).click();
    await expect(field).toHaveAccessibleDescription(/Enter a name\./);
    await field.fill("  Northside Dental ");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Northside Dental" })).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`${CLIENTS}/[0-9a-f-]{36}$`));
    await expect(page).toHaveTitle("Northside Dental · Ringfence");
    await expect(page.getByText("Northside Dental has no agents yet")).toBeVisible();
  });

  await test.step("a name that is taken is refused at the field, and stays typed", async () => {
    await page.getByRole("link", { name: "Clients", exact: true }).first().click();
    await page.getByRole("button", { name: "New client" }).click();
    const field = openDialog(page).getByLabel("Name");
    await field.fill("northside DENTAL");
    await openDialog(page).getByRole("button", { name: "Make client" }).click();
    await expect(field).toHaveAccessibleDescription(/There is a client called northside DENTAL already\./);
    await expect(field).toBeFocused();
    await expect(field).toHaveValue("northside DENTAL");
    await page.keyboard.press("Escape");
    await expect(openDialog(page).getByText("Discard what you typed?")).toBeVisible();
    await openDialog(page).getByRole("button", { name: "Discard" }).click();
    await expect(openDialog(page)).toHaveCount(0);
    await expect(page.getByRole("button", { name: "New client" })).toBeFocused();
  });

  await test.step("it is renamed; its address is reloaded, and Back goes through the tabs", async () => {
    await page.getByRole("rowheader", { name: "Northside Dental" }).getByRole("link").click();
    await tab(page, "Settings").click();
    await expect(tab(page, "Settings")).toHaveAttribute("aria-current", "page");
    await page.reload();
    const field = page.getByLabel("Name of the client");
    await expect(field).toHaveValue("Northside Dental");
    await field.fill("Northside Dental Group");
    await page.getByRole("button", { name: "Save name" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Northside Dental Group" })).toBeVisible();
    await expect(toast(page)).toHaveText("It is called Northside Dental Group now.");
    await page.getByRole("link", { name: "Open its API keys" }).click();
    await expect(page).toHaveURL(/\/api-keys$/);
    await expect(tab(page, "API keys")).toHaveAttribute("aria-current", "page");
    await page.goBack();
    await expect(page).toHaveURL(/\/settings$/);
    await expect(field).toHaveValue("Northside Dental Group");
  });

  await test.step("archiving says how many agents stop, and restoring brings it back", async () => {
    const script = await Script.as(demo, PEOPLE.staff);
    const { clients } = await script.send<{ clients: { nodes: { id: string }[] } }>("{ clients { nodes { id } } }");
    await assign(script, clients.nodes[0]?.id ?? "");
    await script.close();
    await page.reload();
    await page.getByRole("button", { name: "Archive client…" }).click();
    await expect(openDialog(page).getByText("Its 40 agents have no route until it is restored. Nothing is deleted.")).toBeVisible();
    await expect(openDialog(page).getByRole("button", { name: "Cancel" })).toBeFocused();
    await openDialog(page).getByRole("button", { name: "Archive client" }).click();
    await expect(page.getByText("This client is archived")).toBeVisible();
    await tab(page, "Agents").click();
    await expect(count(page)).toHaveText("40 agents");
    await expect(page.getByRole("button", { name: "Assign agents" })).toHaveCount(0);

    await page.goto(CLIENTS);
    await expect(page.getByRole("heading", { name: "Your one client is archived" })).toBeVisible();
    await page.getByRole("button", { name: "Archived" }).click();
    await expect(page).toHaveURL(`${CLIENTS}?archived=yes`);
    await page.getByRole("rowheader", { name: "Northside Dental Group" }).getByRole("link").click();
    await page.getByRole("button", { name: "Restore client" }).click();
    await expect(toast(page)).toHaveText("Northside Dental Group is in use again, with its agents and keys.");
    await expect(page.getByText("This client is archived")).toHaveCount(0);
    await expect(figure(page, "Agents")).toHaveText("40");
  });
});

test("agents are given to a client from the list, found there, and given back", async ({ page, demo }) => {
  // P1; look.md: table; checklist 29.
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.staff);
  const id = await script.makeEmptyClient("Northside Dental");
  await script.makeEmptyClient("Harbour Legal");
  await script.close();
  await logIn(page, PEOPLE.staff, PAGES.agents);
  const names = page.getByRole("rowheader");
  await expect(names).toHaveCount(40);
  const first = (await names.first().innerText()).trim();

  await test.step("chosen rows, a client by search", async () => {
    for (const row of [0, 1, 2]) await box(page, row).check();
    await bar(page).getByRole("button", { name: "Assign to client…" }).click();
    const dialog = openDialog(page);
    await expect(dialog.getByRole("heading", { name: "Assign 3 agents to a client" })).toBeVisible();
    await expect(dialog.getByRole("button", { name: "Assign", exact: true })).toBeDisabled();
    await dialog.getByRole("searchbox", { name: "Search clients" }).fill("dental");
    await expect(dialog.getByRole("radio")).toHaveCount(1);
    await dialog.getByRole("radio", { name: /Northside Dental/ }).check();
    await dialog.getByRole("button", { name: "Assign to Northside Dental" }).click();
    await expect(toast(page)).toHaveText("3 agents work for Northside Dental now.");
    await expect(bar(page)).toBeHidden();
    await expect(page.locator("td.cell-client").getByText("Northside Dental", { exact: true })).toHaveCount(3);
  });

  await test.step("those without a client are a filter of their own", async () => {
    await page.getByRole("button", { name: "Without client" }).click();
    await expect(count(page)).toHaveText("37 agents found");
    await expect(page).toHaveURL(`${PAGES.agents}?assigned=no`);
    await page.goBack();
    await expect(count(page)).toHaveText("40 agents");
  });

  await test.step("the panel says whom an agent works for, and leads there", async () => {
    await names.filter({ hasText: first }).first().getByRole("link").click();
    await sidePanel(page).getByRole("link", { name: "Northside Dental", exact: true }).click();
    await expect(page).toHaveURL(`${CLIENTS}/${id}`);
    await expect(figure(page, "Agents")).toHaveText("3");
    await expect(page.getByText("Its calls go over your agency's keys")).toBeVisible();
    await figure(page, "Agents").click();
    await expect(page).toHaveURL(`${CLIENTS}/${id}/agents`);
    await expect(names).toHaveCount(3);
  });

  await test.step("one goes back to the agency", async () => {
    await box(page, 0).check();
    await bar(page).getByRole("button", { name: "Give back to the agency" }).click();
    await expect(openDialog(page).getByText("Their calls go over your agency's keys from then on, and your agency pays for them.")).toBeVisible();
    await openDialog(page).getByRole("button", { name: "Give back" }).click();
    await expect(toast(page)).toHaveText("1 agent works for the agency itself now.");
    await expect(names).toHaveCount(2);
    await page.reload();
    await expect(names).toHaveCount(2);
  });
});

test("agents are chosen on the client's page by search, and all that match at once", async ({ page, demo }) => {
  // P1.
  const key = "sandbox-vapi-many-agents-q2Ws";
  await demo.sandbox.addAccount(key, 130, 1);
  await demo.sandbox.addAssistants(key, 60, "Recall");
  await connect(demo, key);
  const script = await Script.as(demo, PEOPLE.staff);
  const id = await script.makeEmptyClient("Northside Dental");
  await script.close();
  await logIn(page, PEOPLE.staff, `${CLIENTS}/${id}`);
  await page.getByRole("link", { name: "Assign agents" }).click();
  const dialog = openDialog(page);
  await expect(dialog.getByRole("heading", { name: "Assign agents to Northside Dental" })).toBeVisible();
  await expect(page).toHaveURL(`${CLIENTS}/${id}/agents`);
  const boxes = dialog.getByRole("checkbox");
  await expect(boxes).toHaveCount(50);
  await expect(dialog.getByText("The first 50 of 190. Search to find others.")).toBeVisible();

  await test.step("what was picked stays picked through a search", async () => {
    await boxes.nth(0).check();
    await expect(dialog.getByRole("button", { name: "Assign 1 agent", exact: true })).toBeEnabled();
    await dialog.getByRole("searchbox", { name: "Search agents without client" }).fill("recall");
    await expect(dialog.getByText("The first 50 of 60. Search to find others.")).toBeVisible();
    await boxes.nth(4).check();
    await expect(dialog.getByRole("button", { name: "Assign 2 agents" })).toBeEnabled();
  });

  await test.step("all that match, but one", async () => {
    await dialog.getByRole("button", { name: "Select all 60 that match" }).click();
    await expect(dialog.getByRole("button", { name: "Assign 60 agents" })).toBeEnabled();
    await boxes.nth(0).uncheck();
    await dialog.getByRole("button", { name: "Assign 59 agents" }).click();
    await expect(toast(page)).toHaveText("59 agents work for Northside Dental now.");
    await expect(count(page)).toHaveText("59 agents");
  });

  await test.step("and the one that is left, by its search", async () => {
    await page.getByRole("button", { name: "Assign agents" }).click();
    await dialog.getByRole("searchbox", { name: "Search agents without client" }).fill("recall");
    await expect(boxes).toHaveCount(1);
    await dialog.getByRole("button", { name: "Select all 1 that match" }).click();
    await dialog.getByRole("button", { name: "Assign 1 agent" }).click();
    await expect(count(page)).toHaveText("60 agents");
  });
});

test("agents that a client's own key does not reach are told with their count", async ({ page, demo }) => {
  // R5; look.md: dialog.
  await demo.sandbox.addAssistants(KEYS.good, 3, "Recall");
  await connect(demo);
  const script = await Script.as(demo, PEOPLE.admin);
  const id = await script.makeEmptyClient("Northside Dental");
  await script.saveClientKey(id, KEYS.second);
  await script.syncEnded();
  await script.close();
  await logIn(page, PEOPLE.staff, `${PAGES.agents}?q=recall`);
  await expect(count(page)).toHaveText("3 agents found");
  await expect(page.getByRole("cell", { name: "Active" })).toHaveCount(3);
  for (const row of [0, 1]) await box(page, row).check();
  await bar(page).getByRole("button", { name: "Assign to client…" }).click();
  await openDialog(page).getByRole("radio", { name: /Northside Dental/ }).check();
  await openDialog(page).getByRole("button", { name: "Assign to Northside Dental" }).click();
  await expect(openDialog(page).getByRole("heading", { name: "Assigned" })).toBeVisible();
  await expect(openDialog(page)).toContainText("2 agents work for Northside Dental now.");
  await expect(openDialog(page)).toContainText("None of them can call");
  await look(page, "clients-assigned-cannot-call");
  await openDialog(page).getByRole("link", { name: "Show them" }).click();
  await expect(page).toHaveURL(`${CLIENTS}/${id}/agents?reachable=no`);
  await expect(page.getByRole("rowheader")).toHaveCount(2);
  await page.goto(`${CLIENTS}/${id}`);
  await expect(figure(page, "Cannot call")).toHaveText("2");
  await expect(page.getByText("2 agents cannot call")).toBeVisible();
  await look(page, "client-overview-cannot-call");
  await page.goto(CLIENTS);
  await expect(page.getByRole("row", { name: /Northside Dental/ })).toContainText("Vapi");
  await look(page, "clients-full");
});

test("a client is made and gets an agent without a mouse", async ({ page, demo }) => {
  // checklist 38, 39.
  await connect(demo);
  await logIn(page, PEOPLE.staff, CLIENTS);
  const tabTo = async (target: Locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`60 times Tab did not lead to ${target}`);
  };
  await tabTo(page.getByRole("button", { name: "New client" }));
  await page.keyboard.press("Enter");
  await expect(openDialog(page).getByLabel("Name")).toBeFocused();
  await page.keyboard.type("Harbour Legal");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Harbour Legal" })).toBeFocused();
  await tabTo(page.getByRole("link", { name: "Assign agents" }));
  await page.keyboard.press("Enter");
  await expect(openDialog(page).getByRole("searchbox")).toBeFocused();
  await tabTo(openDialog(page).getByRole("checkbox").first());
  await page.keyboard.press("Space");
  await tabTo(openDialog(page).getByRole("button", { name: "Assign 1 agent" }));
  await page.keyboard.press("Enter");
  await expect(count(page)).toHaveText("1 agent");
  await tabTo(page.getByRole("rowheader").getByRole("link"));
  await page.keyboard.press("Space");
  await tabTo(bar(page).getByRole("button", { name: "Give back to the agency" }));
  await page.keyboard.press("Enter");
  await expect(openDialog(page).getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "No agents yet" })).toBeVisible();
});

test("a client's tabs stand in one line on a phone, the selected and the focused one in sight", async ({ page, demo }) => {
  // look.md: frame; checklist 29.
  const script = await Script.as(demo, PEOPLE.admin);
  const client = `${CLIENTS}/${await script.makeEmptyClient("Northside Dental")}`;
  await script.close();
  await page.setViewportSize(PHONE);
  await logIn(page, PEOPLE.admin, `${client}/settings`);
  const names = ["Overview", "Agents", "API keys", "People", "Settings"];
  const links = page.getByRole("navigation", { name: "Client" }).getByRole("link");
  await expect(links).toHaveText(names);
  for (const size of [PHONE, NARROWEST]) {
    await page.setViewportSize(size);
    expect(new Set(await links.evaluateAll((all) => all.map((link) => link.getBoundingClientRect().top))).size).toBe(1);
    await expect(tab(page, "Settings")).toBeInViewport({ ratio: 0.95 });
  }
  await expect(tab(page, "Overview")).not.toBeInViewport({ ratio: 0.95 });
  await page.getByRole("heading", { level: 1 }).focus();
  for (const [key, order] of [
    ["Tab", names],
    ["Shift+Tab", [...names].reverse().slice(1)],
  ] as const) {
    for (const name of order) {
      await page.keyboard.press(key);
      await expect(tab(page, name)).toBeFocused();
      await expect(tab(page, name)).toBeInViewport({ ratio: 0.95 });
    }
  }
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(client);
  await expect(tab(page, "Overview")).toHaveAttribute("aria-current", "page");
  await expect(tab(page, "Overview")).toBeInViewport({ ratio: 0.95 });
});

test.describe("how it looks", () => {
  // Four pictures with axe for each of many states.
  test.describe.configure({ timeout: 180_000 });

  test("the list of clients: empty, asking, refused, found nothing, loading and failed", async ({ page, demo, watch }) => {
    // checklist 23, 24, 40; look.md: empty, loading, errors.
    watch.expect(/net::ERR_FAILED/);
    await logIn(page, PEOPLE.staff, CLIENTS);
    await expect(page.getByRole("heading", { name: "No clients yet" })).toBeVisible();
    await look(page, "clients-empty");
    await page.getByRole("button", { name: "New client" }).click();
    await look(page, "clients-new");
    await openDialog(page).getByRole("button", { name: "Make client" }).click();
    await expect(openDialog(page).getByText("Enter a name.")).toBeVisible();
    await look(page, "clients-new-refused");
    const script = await Script.as(demo, PEOPLE.staff);
    await script.makeEmptyClient("Northside Dental");
    await script.close();
    await page.goto(`${CLIENTS}?q=nobody`);
    await expect(page.getByRole("heading", { name: "No client matches" })).toBeVisible();
    await look(page, "clients-filtered-empty");
    await page.goto(`${CLIENTS}?archived=yes`);
    await expect(page.getByRole("heading", { name: "No client matches" })).toBeVisible();

    const answer = await hold(page, "ListClients");
    await page.goto(CLIENTS);
    await expect(page.locator("main .skeleton").first()).toBeVisible();
    await look(page, "clients-loading");
    answer();
    await expect(count(page)).toHaveText("1 client");
    await page.unrouteAll({ behavior: "wait" });
    await cutOff(page, "ListClients");
    await page.goto(CLIENTS);
    await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
    await look(page, "clients-failed");
    await page.unrouteAll({ behavior: "wait" });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(count(page)).toHaveText("1 client");
  });

  test("a client's page, each tab and dialog", async ({ page, demo, watch }) => {
    // checklist 40; look.md: dialog, table, empty.
    watch.expect(/net::ERR_FAILED/);
    await connect(demo);
    const script = await Script.as(demo, PEOPLE.admin);
    const id = await script.makeEmptyClient("Northside Dental");
    const client = `${CLIENTS}/${id}`;
    await logIn(page, PEOPLE.admin, client);
    await expect(page.getByText("Northside Dental has no agents yet")).toBeVisible();
    await look(page, "client-overview-new");
    await page.goto(`${client}/agents`);
    await expect(page.getByRole("heading", { name: "No agents yet" })).toBeVisible();
    await look(page, "client-agents-empty");
    await page.getByRole("button", { name: "Assign agents" }).click();
    await expect(openDialog(page).getByRole("checkbox").first()).toBeVisible();
    await openDialog(page).getByRole("checkbox").nth(1).check();
    await look(page, "client-assign");
    await openDialog(page).getByRole("searchbox").fill("nobody at all");
    await expect(openDialog(page).getByText("No agent without client has this name.")).toBeVisible();
    await look(page, "client-assign-nothing");
    await page.keyboard.press("Escape");
    await assign(script, id);
    await script.close();
    await page.goto(`${client}/agents`);
    await expect(count(page)).toHaveText("40 agents");
    await box(page, 1).check();
    await look(page, "client-agents-full");
    await bar(page).getByRole("button", { name: "Give back to the agency" }).click();
    await look(page, "client-give-back");
    await page.keyboard.press("Escape");
    await page.goto(client);
    await expect(page.getByText("Its calls go over your agency's keys")).toBeVisible();
    await look(page, "client-overview-agency-keys");
    await page.goto(`${client}/settings`);
    await expect(page.getByLabel("Name of the client")).toBeVisible();
    await look(page, "client-settings");
    await page.getByRole("button", { name: "Archive client…" }).click();
    await look(page, "client-archive");
    await openDialog(page).getByRole("button", { name: "Archive client" }).click();
    await expect(page.getByText("This client is archived")).toBeVisible();
    await expect(openDialog(page)).toHaveCount(0);
    await look(page, "client-archived");
    await page.goto(`${CLIENTS}/00000000-0000-7000-8000-000000000000`);
    await expect(page.getByText("This client is not here")).toBeVisible();
    await look(page, "client-not-found");
    await cutOff(page, "GetClient");
    await page.goto(client);
    await expect(page.getByRole("alert")).toContainText("Ringfence did not answer");
    await look(page, "client-failed");
    await page.unrouteAll({ behavior: "wait" });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(figure(page, "Agents")).toHaveText("40");
  });

  test("the agents list with clients", async ({ page, demo }) => {
    // look.md: table.
    await connect(demo);
    const script = await Script.as(demo, PEOPLE.staff);
    await assign(script, await script.makeEmptyClient("Northside Dental"), "a");
    await script.makeEmptyClient("Harbour Legal");
    await script.close();
    await logIn(page, PEOPLE.staff, PAGES.agents);
    await expect(count(page)).toHaveText("40 agents");
    await box(page, 0).check();
    await look(page, "agents-with-clients");
    await bar(page).getByRole("button", { name: "Assign to client…" }).click();
    await openDialog(page).getByRole("radio", { name: /Northside Dental/ }).check();
    await look(page, "agents-assign");
  });
});
