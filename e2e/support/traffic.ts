// The page's GraphQL requests, one operation of them: handled by the test, refused by the network, or held back for a while.
// `page.unrouteAll` ends it.

import type { Page, Route } from "@playwright/test";

/** Handles the requests of one operation. */
export async function route(page: Page, operation: string, handle: (route: Route) => Promise<void>): Promise<void> {
  await page.route("**/graphql", async (route) => {
    const body = route.request().postDataJSON() as { operationName?: string } | null;
    await (body?.operationName === operation ? handle(route) : route.fallback());
  });
}

/** Lets no request of an operation through; the browser reports each, which the test's watch must expect. */
export async function cutOff(page: Page, operation: string): Promise<void> {
  await route(page, operation, (route) => route.abort());
}

/** Holds the requests of an operation back until the answer is called. */
export async function hold(page: Page, operation: string): Promise<() => void> {
  let answer = (): void => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await route(page, operation, async (route) => {
    await held;
    await route.continue();
  });
  return answer;
}
