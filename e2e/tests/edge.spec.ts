// What the browser itself is told: the content security policy and the cache, and that this suite would notice a breach.

import { PEOPLE, logIn } from "../support/app";
import { expect, test } from "../support/test";

test("the second load comes from the cache, and its policy still holds", async ({ page }) => {
  // H4.
  await logIn(page, PEOPLE.admin);
  const response = await page.goto(page.url());
  await expect(page.getByRole("heading", { level: 1, name: "Overview" })).toBeVisible();
  const files = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((entry) => entry as PerformanceResourceTiming)
      .filter(({ name }) => /\.(css|js|wasm)$/.test(name))
      .map(({ name, transferSize }) => ({ path: new URL(name).pathname, transferSize })),
  );
  expect(files.map(({ path }) => path.split(".").pop())).toEqual(expect.arrayContaining(["css", "js", "wasm"]));
  expect(files.filter(({ transferSize }) => transferSize > 0)).toEqual([]);

  const policy = response?.headers()["content-security-policy"] ?? "";
  const scripts = policy.split(";").find((part) => part.trim().startsWith("script-src")) ?? "";
  expect(scripts).toContain("'wasm-unsafe-eval'");
  expect(scripts).toContain("'sha256-");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|nonce-/);
});

test("an inline script and an inline style are stopped, and this suite notices", async ({ page, watch }) => {
  // H4.
  await page.goto("/log-in");
  await expect(page.getByLabel("Email")).toBeVisible();
  expect(watch.unexpected()).toEqual([]);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'broken in'";
    document.body.append(script);
    document.body.insertAdjacentHTML("beforeend", '<p style="color: red">styled</p>');
  });
  await expect.poll(() => watch.unexpected().join("\n")).toMatch(/policy violation: script-src/);
  await expect.poll(() => watch.unexpected().join("\n")).toMatch(/policy violation: style-src/);
  await expect(page).not.toHaveTitle("broken in");
  watch.expect(/policy violation|Content Security Policy/);
});

test("a file that is not there is no page", async ({ page, watch }) => {
  // H4: a missing asset must not be answered with the page, which would run after an upgrade.
  watch.expect(/status of 404/);
  await page.goto("/log-in");
  const missing = await page.request.get("/web-0000000000000000.js");
  expect(missing.status()).toBe(404);
  expect(missing.headers()["content-type"]).not.toContain("text/html");
  expect(missing.headers()["x-content-type-options"]).toBe("nosniff");
});
