// Numbers whose last two digits tell the sandbox how a call goes, and answers in the server's form for lists and charts that
// no test could wait for.

import type { Page, Route } from "@playwright/test";
import { route } from "./traffic";

export const NUMBERS = {
  answered: "+14155550100",
  busy: "+14155550101",
  noAnswer: "+14155550102",
  failed: "+14155550103",
  neverEnds: "+14155550104",
  voicemail: "+14155550105",
  noFunds: "+14155550106",
} as const;

/** A number as the pages write it. */
export function written(number: string): string {
  return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1 $2 $3");
}

async function answer(route: Route, data: unknown): Promise<void> {
  await route.fulfill({ contentType: "application/json", body: JSON.stringify({ data }) });
}

const STATUSES = ["COMPLETED", "COMPLETED", "COMPLETED", "BUSY", "NO_ANSWER", "FAILED", "COMPLETED", "UNCONFIRMED", "IN_PROGRESS"];

/** Two hundred calls of all kinds, some with names that are longer than anybody wants. */
export async function answerLargeList(page: Page): Promise<void> {
  await route(page, "ListCalls", async (asked) => {
    const nodes = Array.from({ length: 50 }, (_, index) => {
      const status = STATUSES[index % STATUSES.length] ?? "COMPLETED";
      const isOver = status !== "IN_PROGRESS";
      const wasAnswered = status === "COMPLETED" || status === "IN_PROGRESS";
      const at = (seconds: number) => new Date(Date.now() - index * 420_000 - 60_000 + seconds * 1_000).toISOString();
      const isLong = index % 7 === 3;
      return {
        id: `019a0000-0000-7000-8000-${String(index).padStart(12, "0")}`,
        status,
        provider: ["VAPI", "RETELL", "BLAND"][index % 3],
        payer: index % 4 === 0 ? "CLIENT" : "AGENCY",
        origin: index % 5 === 0 ? "TEST" : "API",
        direction: index % 6 === 2 ? "INBOUND" : index === 11 ? "WEB" : "OUTBOUND",
        toNumber: index === 11 ? null : `+1415555${String(1000 + index)}`,
        fromNumber: index === 11 ? null : `+44207946${String(1000 + index)}`,
        agentName: isLong ? "Appointment reminders and insurance questions, evenings and weekends (second line)" : "Front desk",
        clientName: isLong ? "Donaudampfschifffahrtsgesellschaft für Zahnheilkunde und Kieferorthopädie mbH" : index % 4 === 0 ? "Northside Dental" : null,
        endCause: { COMPLETED: "AGENT_HUNG_UP", BUSY: "BUSY", NO_ANSWER: "NO_ANSWER", FAILED: "CARRIER_FAILURE" }[status] ?? null,
        failure: null,
        createdAt: at(0),
        startedAt: wasAnswered ? at(8) : null,
        endedAt: isOver ? at(8 + index * 3) : null,
        durationMs: status === "COMPLETED" ? 20_000 + index * 7_000 : null,
        cost: wasAnswered && isOver ? { amount: (0.021 * (index + 1)).toFixed(4), currency: "USD" } : null,
      };
    });
    const pageInfo = { hasNextPage: true, hasPreviousPage: false, startCursor: "a", endCursor: "b" };
    await answer(asked, { calls: { nodes, pageInfo, totalCount: 200 } });
  });
}

/** A month of calls, with a weekend and a holiday without any. */
export async function answerMonthOfFigures(page: Page): Promise<void> {
  await route(page, "GetCallStats", async (asked) => {
    const days = Array.from({ length: 30 }, (_, back) => {
      const date = new Date(Date.now() - (29 - back) * 86_400_000);
      const isQuiet = [0, 6].includes(date.getUTCDay()) || back === 12;
      const counts = { COMPLETED: 18 + ((back * 7) % 23), NO_ANSWER: 3 + ((back * 5) % 6), BUSY: (back * 3) % 4, FAILED: back === 20 ? 14 : back % 3, UNCONFIRMED: back === 20 ? 2 : 0 };
      const statuses = Object.entries(counts).flatMap(([status, count]) => (count > 0 ? [{ status, count }] : []));
      const count = statuses.reduce((sum, { count }) => sum + count, 0);
      return { date: date.toISOString().slice(0, 10), count, statuses, minutes: counts.COMPLETED * 2.3, cost: { amount: (counts.COMPLETED * 0.28).toFixed(4) }, isQuiet };
    })
      .filter(({ isQuiet }) => !isQuiet)
      .map(({ isQuiet: _, ...day }) => day);
    const sums = new Map<string, number>();
    for (const { statuses } of days) for (const { status, count } of statuses) sums.set(status, (sums.get(status) ?? 0) + count);
    const payer = (clientName: string | null, payer: string, count: number, minutes: number, amount: string) => ({
      clientName, payer, count, minutes, cost: { amount },
    });
    await answer(asked, {
      callStats: {
        count: days.reduce((sum, { count }) => sum + count, 0),
        minutes: 1408.6,
        cost: { amount: "171.924", currency: "USD" },
        statuses: [...sums].map(([status, count]) => ({ status, count })),
        days,
        payers: [
          payer("Northside Dental", "CLIENT", 214, 601.2, "72.1440"),
          payer("Harbor Veterinary", "AGENCY", 160, 420.4, "51.9300"),
          payer(null, "AGENCY", 121, 240.0, "31.0500"),
          payer("Donaudampfschifffahrtsgesellschaft für Zahnheilkunde und Kieferorthopädie mbH", "AGENCY", 61, 118.5, "14.2000"),
          payer("Harbor Veterinary", "CLIENT", 9, 28.5, "2.6"),
        ],
        failures: [
          { endCause: "NO_ANSWER", code: null, count: 96 },
          { endCause: "BUSY", code: null, count: 31 },
          { endCause: "CARRIER_FAILURE", code: null, count: 12 },
          { endCause: null, code: "NO_FUNDS", count: 8 },
          { endCause: null, code: null, count: 4 },
          { endCause: null, code: "NO_OUTBOUND_NUMBER", count: 2 },
        ],
      },
    });
  });
}
