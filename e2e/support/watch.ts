// Watches each page of a context for what nobody may see: console errors and warnings, uncaught errors, violations of the
// content security policy (H4). A test says beforehand which ones it provokes.

import type { BrowserContext } from "@playwright/test";

/** Chromium checks the integrity of a preloaded module when it is used, and says at each load that it does so. */
const INTEGRITY_OF_PRELOADS = /`integrity` attribute is currently ignored for preload destinations/;

export class Watch {
  private readonly problems: string[] = [];
  private readonly expected: RegExp[] = [INTEGRITY_OF_PRELOADS];

  async attach(context: BrowserContext): Promise<void> {
    await context.exposeFunction("reportViolation", (text: string) => this.note(`policy violation: ${text}`));
    // Scripts of the test driver are not subject to the policy.
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const { reportViolation } = window as unknown as { reportViolation: (text: string) => void };
        reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    context.on("console", (message) => {
      if (["error", "warning", "assert"].includes(message.type())) this.note(`console ${message.type()}: ${message.text()}`);
    });
    context.on("weberror", (error) => this.note(`uncaught: ${error.error().stack ?? error.error().message}`));
  }

  private note(problem: string): void {
    this.problems.push(problem);
  }

  /** What the test provokes itself, such as the console's line about a request that the test cut off. */
  expect(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  /** All that was seen and not expected. */
  unexpected(): string[] {
    return this.problems.filter((problem) => !this.expected.some((pattern) => pattern.test(problem)));
  }
}
