// How the browser tests run: one installed Chromium, no downloads, no server of our own here. Each test starts the
// real binary through the fixtures in support/; `make e2e` names it in RINGFENCE_BIN.

import { defineConfig, devices } from "@playwright/test";

const isRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // Each test has a server and a browser context of its own, so that any two can run at the same time.
  workers: 2,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A machine of continuous integration may stall; a test that needs its second try is still counted, as flaky.
  retries: process.env.CI ? 1 : 0,
  // A test plays minutes of somebody's work with a server of its own, two at a time on whatever machine this is.
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    locale: "en-US",
    timezoneId: "UTC",
    // Tracing doubles the time of the run; ARGS="--trace retain-on-failure" asks for it.
    trace: "off",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: [
        // Chromium's sandbox refuses to run as root, which is what containers and CI run as.
        ...(isRoot ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        // Nothing but the server under test is reached.
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    {
      name: "desktop",
      use: { ...devices["Desktop Chrome"], viewport: { width: 1280, height: 800 } },
    },
  ],
});
