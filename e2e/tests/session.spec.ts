// Log-in, log-out, and how a new installation gets its first owner.

import { test as base } from "@playwright/test";
import { AGENCY, Card, PAGES, PEOPLE, Script, connect, fillLogIn, logIn, openDialog } from "../support/app";
import { FreshServer } from "../support/server";
import { expect, test } from "../support/test";
import { Watch } from "../support/watch";

test("a wrong password is told without saying which of both was wrong", async ({ page }) => {
  // H2; checklist 1, 10.
  await page.goto("/log-in");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(page.getByLabel("Email")).toBeFocused();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(/Enter your email address/);
  await expect(page).toHaveTitle("Error: Log in · Ringfence");
  for (const person of [PEOPLE.admin, { ...PEOPLE.admin, email: "nobody@demo.test" }]) {
    await fillLogIn(page, person, "not the password");
    await expect(page.getByRole("alert")).toContainText("Email or password is wrong");
    await expect(page.getByRole("alert")).toBeFocused();
    await expect(page.getByLabel("Email")).toHaveValue(person.email);
  }
  await fillLogIn(page, PEOPLE.admin);
  await expect(page).toHaveURL(PAGES.overview);
  await expect(page).toHaveTitle("Overview · Ringfence");
});

test("log-in pauses after many wrong passwords, and says for how long", async ({ page }) => {
  // H2.
  await page.goto("/log-in");
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const answered = page.waitForResponse(/\/graphql$/);
    await fillLogIn(page, PEOPLE.admin, `wrong password ${attempt}`);
    await answered;
    await expect(page.getByRole("button", { name: "Log in", exact: true })).toBeEnabled();
  }
  await expect(page.getByRole("alert")).toContainText("Too many attempts");
  await expect(page.getByRole("alert")).toContainText(/Next try in /);
  await expect(page.getByLabel("Password")).toHaveValue("wrong password 5");
});

test("a deep link leads through log-in and back to it", async ({ page }) => {
  // H2; look.md: deep links.
  const wanted = `${PAGES.agents}?q=dental&status=active`;
  await page.goto(wanted);
  await expect(page).toHaveURL(`/log-in?next=${encodeURIComponent(wanted)}`);
  await expect(page.getByRole("heading", { level: 1, name: "Log in" })).toBeVisible();
  await fillLogIn(page, PEOPLE.staff);
  await expect(page).toHaveURL(wanted);
  await expect(page.getByRole("searchbox", { name: "Search agents" })).toHaveValue("dental");
});

test("log-in never leads to another site", async ({ page, demo }) => {
  // H2.
  for (const next of ["https://example.com/", "//example.com/", "/\\example.com"]) {
    await page.goto(`/log-in?next=${encodeURIComponent(next)}`);
    await expect(page.getByLabel("Email")).toBeVisible();
  }
  await fillLogIn(page, PEOPLE.admin);
  await expect(page).toHaveURL(PAGES.overview);
  expect(new URL(page.url()).origin).toBe(demo.url);
});

test("log-out ends the session, and Back does not return into it", async ({ page }) => {
  // H2.
  await logIn(page, PEOPLE.admin, PAGES.keys);
  const cookie = (await page.context().cookies()).find(({ httpOnly }) => httpOnly);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Agents" }).click();
  await expect(page).toHaveURL(PAGES.agents);
  await page.getByRole("button", { name: /Account menu/ }).click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await expect(page).toHaveURL("/log-in");
  await expect(page.getByRole("heading", { level: 1, name: "Log in" })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(/\/log-in\?next=/);
  await expect(page.getByLabel("Email")).toBeVisible();
  // The cookie that was is worth nothing any more.
  if (cookie) await page.context().addCookies([cookie]);
  await page.goto(PAGES.keys);
  await expect(page).toHaveURL(/\/log-in\?next=/);
});

test("log-out everywhere asks first and ends the session of the other browser at once", async ({ page, otherPage }) => {
  // H2; checklist 38.
  await logIn(page, PEOPLE.admin);
  await logIn(otherPage, PEOPLE.admin, PAGES.agents);
  await page.getByRole("button", { name: /Account menu/ }).click();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  const dialog = openDialog(page);
  await expect(dialog).toContainText("in every browser and on every device");
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await page.getByRole("button", { name: /Account menu/ }).click();
  await page.getByRole("button", { name: "Log out everywhere" }).click();
  await dialog.getByRole("button", { name: "Log out everywhere" }).click();
  await expect(page).toHaveURL(/\/log-in/);
  await expect(page.getByRole("status").filter({ hasText: "Logged out of 2 sessions." })).toBeVisible();

  // The open page learns it with its next question.
  await otherPage.getByRole("button", { name: "Inactive" }).click();
  await expect(otherPage).toHaveURL(`/log-in?next=${encodeURIComponent(`${PAGES.agents}?status=inactive`)}`);
  await fillLogIn(otherPage, PEOPLE.admin);
  await expect(otherPage).toHaveURL(`${PAGES.agents}?status=inactive`);
});

test("a page that watches a sync notices by itself that its session was ended", async ({ page, otherPage, demo }) => {
  // H2, H3.
  await connect(demo);
  await demo.sandbox.setPageDelay(60_000);
  await logIn(otherPage, PEOPLE.owner, PAGES.keys);
  const card = new Card(otherPage);
  await card.button("Sync now").click();
  await expect(card.progress).toBeVisible();
  const script = await Script.as(demo, PEOPLE.owner);
  await script.send("mutation { logOutEverywhere { endedCount } }");
  await script.close();
  await expect(otherPage).toHaveURL(`/log-in?next=${encodeURIComponent(PAGES.keys)}`);
  await page.goto("/");
  await expect(page).toHaveURL("/log-in");
});

base.describe("on a new installation", () => {
  base("the printed link makes the first owner, once", async ({ browser }) => {
    // H2, E6; checklist 1, 10.
    const server = await FreshServer.start();
    const watch = new Watch();
    const context = await browser.newContext({ baseURL: server.url });
    await watch.attach(context);
    const page = await context.newPage();
    try {
      await page.goto("/");
      await expect(page).toHaveURL("/set-up");
      await expect(page.getByLabel("Set-up token")).toHaveValue("");

      await page.goto(server.setUpLink);
      await expect(page).toHaveURL("/set-up");
      await expect(page.getByLabel("Set-up token")).toHaveValue(new URL(server.setUpLink).searchParams.get("token") ?? "");
      await page.getByRole("button", { name: "Make agency and owner" }).click();
      await expect(page.getByLabel("Agency name")).toBeFocused();
      await expect(page.getByLabel("Agency name")).toHaveAttribute("aria-invalid", "true");
      await page.getByLabel("Agency name").fill("Harbour Voice");
      await page.getByLabel("Your name").fill("Noor Vance");
      await page.getByLabel("Email").fill("noor@harbour.test");
      await page.getByLabel("Password").fill("too short");
      await page.getByRole("button", { name: "Make agency and owner" }).click();
      await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/at least 12 characters/);
      await page.getByLabel("Password").fill("a sentence of a few words");
      await page.getByRole("button", { name: "Make agency and owner" }).click();
      await expect(page).toHaveURL("/a/harbour-voice");
      await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();

      const other = await browser.newContext({ baseURL: server.url });
      await watch.attach(other);
      const stranger = await other.newPage();
      await stranger.goto(server.setUpLink);
      await expect(stranger.getByText("Ringfence is set up already")).toBeVisible();
      await expect(stranger).toHaveURL("/set-up");
      await stranger.goto("/log-in");
      await fillLogIn(stranger, { name: "", email: "noor@harbour.test", password: "a sentence of a few words" });
      await expect(stranger).toHaveURL("/a/harbour-voice");
      await expect(stranger.getByRole("button", { name: /Account menu/ })).toContainText("Owner");
      expect(watch.unexpected()).toEqual([]);
    } finally {
      await context.close();
      await server.stop();
    }
  });

  base("a token that is wrong opens nothing", async ({ browser }) => {
    // H2.
    const server = await FreshServer.start();
    const page = await browser.newPage({ baseURL: server.url });
    try {
      await page.goto("/set-up?token=not-the-token");
      await page.getByLabel("Agency name").fill("Harbour Voice");
      await page.getByLabel("Your name").fill("Noor Vance");
      await page.getByLabel("Email").fill("noor@harbour.test");
      await page.getByLabel("Password").fill("a sentence of a few words");
      await page.getByRole("button", { name: "Make agency and owner" }).click();
      await expect(page.getByRole("alert")).toContainText("This token does not open the set-up");
      await expect(page.getByLabel("Agency name")).toHaveValue("Harbour Voice");
    } finally {
      await page.close();
      await server.stop();
    }
  });
});

test("the demo's log-ins are one click each", async ({ page }) => {
  await page.goto("/log-in");
  await page.getByRole("button", { name: "Log in as staff" }).click();
  await expect(page).toHaveURL(`/a/${AGENCY}`);
  await expect(page.getByRole("button", { name: /Account menu/ })).toContainText("Staff");
});
