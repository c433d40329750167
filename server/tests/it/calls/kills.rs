//! C4: `kill -9` at each point of placing a call, and at random ones: never two calls, never a lost one, and what is unsure is
//! looked for.

use std::time::Duration;

use ringfence::sandbox::{CallOutcome, Effect, Fault};
use serde_json::{Value, json};

use super::agent;
use crate::{
    harness::{TestClient, keys},
    process::{Installation, Server},
    sync::{Dice, end_lease, until as until_synced},
};

/// Kills at random times of one call each.
const KILLS: usize = 12;

/// An installation with the agents of an account, whose calls go on when they are told to.
async fn installed() -> (Installation, Server, Value) {
    let installation = Installation::new().await;
    let server = installation.start().await;
    server.admin.save_key(keys::GOOD, None).await.ok();
    until_synced(&server.admin, "SUCCEEDED").await;
    let agent = agent(&server.admin).await;
    installation.sandbox.control().hold_calls();
    (installation, server, agent)
}

/// Asks for a call, by a name, and does not care for the answer: the server may be gone before it.
async fn ask(client: &TestClient, agent: &Value, to: &str) {
    let query =
        "mutation($input: TriggerCallInput!) { triggerCall(input: $input) { callId status } }";
    let input = json!({ "agentId": agent, "phoneNumber": to, "idempotencyKey": to });
    let body = json!({ "query": query, "variables": { "input": input } });
    let request = client
        .request(reqwest::Method::POST, "/graphql")
        .json(&body);
    drop(request.send().await);
}

/// As if the server had been away for ten minutes.
async fn let_time_pass(installation: &Installation) {
    let sql =
        "UPDATE calls SET created_at = created_at - 600000 WHERE state IN ('placing', 'unknown');
        UPDATE jobs SET run_at = 0 WHERE state = 'queued' AND kind = 'look_at_call'";
    installation.database.sql(sql).await;
}

fn dialled(installation: &Installation, to: &str) -> u64 {
    let counts = installation.sandbox.control().dialled();
    counts.get(to).copied().unwrap_or(0)
}

/// Starts a new server, lets it look, and checks what became of the call: it was dialled at most once, and then it is found;
/// where it is written down and was not dialled, it ends unconfirmed. The same request once more dials only where nothing
/// was written down.
async fn check(installation: &Installation, agent: &Value, to: &str, point: &str) -> Server {
    end_lease(installation).await;
    let server = installation.start().await;
    let open = format!(
        "SELECT count(*) FROM calls WHERE to_number = '{to}' AND state IN ('placing', 'unknown')"
    );
    for round in 0.. {
        let_time_pass(installation).await;
        if installation.number(&open).await == 0 {
            break;
        }
        assert!(round < 200, "{point}: the call is still unknown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let count = format!("SELECT count(*) FROM calls WHERE to_number = '{to}'");
    let found = format!("{count} AND remote_id IS NOT NULL AND state = 'queued'");
    let lost = format!("{count} AND remote_id IS NULL AND state = 'unconfirmed'");
    let before = dialled(installation, to);
    let rows = installation.number(&count).await;
    match before {
        0 => assert_eq!(installation.number(&lost).await, rows, "{point}"),
        1 => assert_eq!((rows, installation.number(&found).await), (1, 1), "{point}"),
        more => panic!("{point}: dialled {more} times"),
    }
    ask(&server.admin, agent, to).await;
    let expected = if rows == 0 { 1 } else { before };
    assert_eq!(dialled(installation, to), expected, "{point}");
    assert_eq!(installation.number(&count).await, 1, "{point}");
    // Over, so that the next point begins with nothing under way.
    let control = installation.sandbox.control();
    for call in control.calls() {
        control.end_call(&call.id, CallOutcome::Answered).ok();
    }
    let held = "SELECT count(*) FROM provider_key_holds";
    for round in 0.. {
        let_time_pass(installation).await;
        if installation.number(held).await == 0 {
            break;
        }
        assert!(round < 200, "{point}: the version is still held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let leases = "SELECT count(*) FROM calls WHERE lease_until IS NOT NULL";
    assert_eq!(installation.number(leases).await, 0, "{point}");
    server
}

/// Kills the server once this holds, while a call is being placed.
async fn kill_when(server: Server, agent: &Value, to: &str, holds: impl AsyncFn() -> bool) {
    let asking = ask(&server.admin, agent, to);
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Where the answer comes before the point does, the point is behind us.
    tokio::select! {
        () = asking => {}
        () = waiting => {}
    }
    server.kill_nine().await;
}

/// C4: killed when the intent is written and nothing is sent yet; when the provider has the request and has not dialled; when
/// it has dialled and no answer came; when its answer is on the way; and when the answer is written.
#[tokio::test]
async fn a_call_survives_a_kill_at_each_point() {
    let (installation, mut server, agent) = installed().await;
    let control = installation.sandbox.control().clone();
    let on = |effect| Fault::new(effect).on("/vapi/call").method("POST");
    let rows = |to: &'static str, more: &'static str| {
        let sql = format!("SELECT count(*) FROM calls WHERE to_number = '{to}' {more}");
        let installation = &installation;
        async move { installation.number(&sql).await == 1 }
    };
    let asked = || {
        let counts = control.request_counts();
        counts.get("POST /vapi/call").copied().unwrap_or(0) > 0
    };

    let to = "+15557770104";
    control.inject(on(Effect::Delay { ms: 300 }));
    kill_when(server, &agent, to, async || rows(to, "").await).await;
    control.clear_faults();
    server = check(&installation, &agent, to, "written down").await;

    let to = "+15557770204";
    control.clear_requests();
    control.inject(on(Effect::Hang));
    kill_when(server, &agent, to, async || asked()).await;
    control.clear_faults();
    server = check(&installation, &agent, to, "asked").await;

    let to = "+15557770304";
    control.inject(on(Effect::HangAfter));
    kill_when(server, &agent, to, async || dialled(&installation, to) == 1).await;
    control.clear_faults();
    server = check(&installation, &agent, to, "dialled").await;

    let to = "+15557770404";
    kill_when(server, &agent, to, async || dialled(&installation, to) == 1).await;
    server = check(&installation, &agent, to, "answered").await;

    let to = "+15557770504";
    kill_when(server, &agent, to, async || {
        rows(to, "AND remote_id IS NOT NULL").await
    })
    .await;
    server = check(&installation, &agent, to, "written").await;
    server.stop().await;
}

/// C4: killed at twelve random moments of a request each.
#[tokio::test]
async fn a_call_survives_kills_at_random_points() {
    let mut dice = Dice::new();
    let (installation, mut server, agent) = installed().await;
    let control = installation.sandbox.control().clone();
    control.inject(
        Fault::new(Effect::Delay { ms: 5 })
            .on("/vapi/call")
            .method("POST"),
    );
    for number in 0..KILLS {
        let to = format!("+1555888{number:02}04");
        let wait = Duration::from_millis(dice.roll(45));
        let after = async || {
            tokio::time::sleep(wait).await;
            true
        };
        kill_when(server, &agent, &to, after).await;
        let point = format!("seed {}, {wait:?}", dice.seed);
        server = check(&installation, &agent, &to, &point).await;
    }
    server.stop().await;
}
