//! What Ringfence adds to a call that a script places (C1, C4): the same request sent straight to the provider, against
//! `POST /api/v1/calls/trigger`, durable writes included. The server and the provider sandbox run as processes of their own, over
//! SQLite on disk. `make bench` runs it; `RINGFENCE_BENCH_CALLS` chooses how many calls each figure is made of.

#[path = "support/mod.rs"]
mod support;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Admin, Outcome, Process, ringfence, set_up, setting};
use tempfile::TempDir;

/// Opens the sandbox's account of an agency.
const SAMPLE_KEY: &str = "sandbox-vapi-good-agency-k7Qd";
const CALLS: &str = "2000";
/// Before anything is measured: connections are opened, caches filled.
const WARM_UP: usize = 200;

/// How long requests took.
struct Figures {
    p50: Duration,
    p99: Duration,
    per_second: f64,
}

impl Figures {
    fn of(mut times: Vec<Duration>, took: Duration) -> Self {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let count = times.len() as f64;
        Self {
            p50: at(50),
            p99: at(99),
            per_second: count / took.as_secs_f64(),
        }
    }
}

/// Sends so many requests, so many at a time.
async fn measure(
    count: usize,
    concurrency: usize,
    request: impl Fn(usize) -> reqwest::RequestBuilder,
) -> Outcome<Figures> {
    let began = Instant::now();
    let answers = stream::iter(0..count).map(|number| {
        let request = request(number);
        async move {
            let began = Instant::now();
            let answer = request.send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            let took = began.elapsed();
            if status.is_success() {
                Ok::<_, Box<dyn std::error::Error>>(took)
            } else {
                Err(format!("{status}: {text}").into())
            }
        }
    });
    let mut times = Vec::with_capacity(count);
    let mut answers = answers.buffer_unordered(concurrency);
    while let Some(took) = answers.next().await {
        times.push(took?);
    }
    Ok(Figures::of(times, began.elapsed()))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bench())
}

/// An agent that answers a number, by both of its ids.
async fn agent_with_number(admin: &Admin<'_>) -> Outcome<Value> {
    let query =
        "{ agents(first: 100) { nodes { id status phoneNumberCount placements { remoteId } } } }";
    let agents = admin.ask(query, json!({})).await?;
    let agents = agents["agents"]["nodes"].as_array();
    let mut fit = agents
        .into_iter()
        .flatten()
        .filter(|agent| agent["phoneNumberCount"] != 0 && agent["status"] == "ACTIVE");
    Ok(fit.next().ok_or("no agent has a number")?.clone())
}

async fn bench() -> Outcome<()> {
    let calls = setting("RINGFENCE_BENCH_CALLS", CALLS).parse()?;
    let folder = TempDir::new()?;
    let sandbox =
        Process::start(ringfence(folder.path()).args(["sandbox", "--listen", "127.0.0.1:0"]))?;
    set_up(folder.path())?;
    let limit = "agency=1000000";
    let server = Process::start(
        ringfence(folder.path())
            .arg("serve")
            .env("VAPI_BASE_URL", format!("{}/vapi", sandbox.address))
            .env("RINGFENCE_API_REQUESTS_PER_KEY", limit)
            .env("RINGFENCE_API_REQUESTS_PER_AGENCY", limit)
            .env("RINGFENCE_API_CALLS_PER_KEY", limit)
            .env("RINGFENCE_CALLS_PER_AGENCY", limit),
    )?;
    #[expect(clippy::disallowed_methods, reason = "the bench's own client")]
    let http = reqwest::Client::builder().no_proxy().build()?;
    // Calls end at once, so that what is measured is placing them.
    let settings = format!("{}/__control/calls/settings", sandbox.address);
    http.put(settings)
        .json(&json!({ "stepMs": 1 }))
        .send()
        .await?;
    let admin = Admin::log_in(&http, &server.address).await?;
    admin.save_key(SAMPLE_KEY).await?;
    let newest = "{ syncRuns(first: 1) { nodes { state } } }";
    while admin.ask(newest, json!({})).await?["syncRuns"]["nodes"][0]["state"] != "SUCCEEDED" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let made = "mutation { generateApiKey(input: { name: \"Bench\", scopes: [CALLS_TRIGGER] }) { secret } }";
    let made = admin.ask(made, json!({})).await?;
    let secret = made["generateApiKey"]["secret"].as_str().ok_or("no key")?;
    let agent = agent_with_number(&admin).await?;
    let number: Value = http
        .get(format!("{}/vapi/phone-number", sandbox.address))
        .bearer_auth(SAMPLE_KEY)
        .send()
        .await?
        .json()
        .await?;
    let straight = json!({
        "assistantId": agent["placements"][0]["remoteId"],
        "phoneNumberId": number[0]["id"],
        "customer": { "number": "+15551230000" },
        "metadata": { "ringfence_call": "a call of the bench" },
    });
    let through = json!({ "agent_id": agent["id"], "phone_number": "+15551230000" });
    let direct = |_| {
        http.request(Method::POST, format!("{}/vapi/call", sandbox.address))
            .bearer_auth(SAMPLE_KEY)
            .json(&straight)
    };
    let ours = |number: usize| {
        http.request(
            Method::POST,
            format!("{}/api/v1/calls/trigger", server.address),
        )
        .bearer_auth(secret)
        .header("idempotency-key", format!("{number} {:?}", Instant::now()))
        .json(&through)
    };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Placing calls: {calls} for each figure, SQLite on disk (WAL, synchronous=NORMAL), each with an Idempotency-Key."
    )?;
    writeln!(
        out,
        "The intent is committed before the provider is asked, its answer after: two transactions for each call."
    )?;
    for concurrency in [1, 16] {
        measure(WARM_UP, concurrency, direct).await?;
        let direct = measure(calls, concurrency, direct).await?;
        measure(WARM_UP, concurrency, ours).await?;
        let ours = measure(calls, concurrency, ours).await?;
        writeln!(
            out,
            "concurrency {concurrency:>2}: p50 {:.2} ms, straight {:.2} ms, added {:.2} ms; p99 {:.2} ms, straight {:.2} ms, \
             added {:.2} ms; {:.0} calls a second, straight {:.0}",
            millis(ours.p50),
            millis(direct.p50),
            millis(ours.p50) - millis(direct.p50),
            millis(ours.p99),
            millis(direct.p99),
            millis(ours.p99) - millis(direct.p99),
            ours.per_second,
            direct.per_second,
        )?;
    }
    let peak = server.memory_mib("VmHWM:")?;
    writeln!(out, "the server's memory at its peak: {peak:.0} MiB")?;
    Ok(())
}
