//! R5, S5: `kill -9` at random points of a run that places agents, twenty times.

use std::{collections::HashMap, time::Duration};

use ringfence::{
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};

use super::{counts, items, newest, start};
use crate::{
    process::{Installation, Server},
    sync::{Dice, end_lease, until as until_synced},
};

const FIRST: &str = "key-of-the-account-before-3Kd9";
const SECOND: &str = "key-of-the-account-behind-6Wn2";
const KILLS: usize = 20;
const AGENTS: usize = 600;
/// Agents that the second account holds before anything is placed in it.
const OTHERS: usize = 5;

/// How often each mark of Ringfence's stands in the second account, as the provider itself lists it.
async fn marks(installation: &Installation) -> HashMap<String, usize> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = installation.sandbox.base_url(ProviderKind::Vapi);
    let request = client.get(format!("{base}/assistant?limit=1000"));
    let list: Value = request
        .bearer_auth(SECOND)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut marks = HashMap::new();
    for assistant in list.as_array().unwrap() {
        if let Some(mark) = assistant["metadata"]["ringfence_placement"].as_str() {
            *marks.entry(mark.to_owned()).or_default() += 1;
        }
    }
    marks
}

/// Whatever the point of the kill: no agent was made twice, and none has two places in one account.
async fn assert_sound(installation: &Installation, seed: u64) {
    let twice: Vec<String> = marks(installation)
        .await
        .into_iter()
        .filter_map(|(mark, count)| (count > 1).then_some(mark))
        .collect();
    assert_eq!(twice, [] as [&str; 0], "seed {seed}");
    let places = "SELECT count(*) - count(DISTINCT agent_id || '/' || account_id) FROM placements";
    assert_eq!(installation.number(places).await, 0, "seed {seed}");
    let agents = "SELECT count(*) FROM agents";
    let expected = i64::try_from(AGENTS + OTHERS).unwrap();
    assert_eq!(installation.number(agents).await, expected, "seed {seed}");
}

/// As if the server had been away for so long that the provider cannot be at work on a request of its any more.
async fn let_time_pass(installation: &Installation) {
    let sql =
        "UPDATE placement_items SET intended_at = intended_at - 100000 WHERE state = 'creating';
        UPDATE jobs SET run_at = 0 WHERE state = 'queued'";
    installation.database.sql(sql).await;
}

async fn is_over(installation: &Installation) -> bool {
    let open = "SELECT count(*) FROM placement_runs WHERE finished_at IS NULL";
    installation.number(open).await == 0
}

/// Waits until the newest run has ended.
async fn ended(installation: &Installation, server: &Server) -> Value {
    for _ in 0..6000 {
        if is_over(installation).await {
            return newest(&server.admin).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the run did not end: {:#}", newest(&server.admin).await);
}

/// Both accounts imported, and every agent of the first one without a place in the second one, whose key is in use.
async fn begun(installation: &Installation) -> Server {
    let control = installation.sandbox.control();
    control
        .add_account(&NewAccount::vapi(FIRST, AGENTS))
        .unwrap();
    control
        .add_account(&NewAccount::vapi(SECOND, OTHERS))
        .unwrap();
    let server = installation.start().await;
    server.admin.save_key(FIRST, None).await.ok();
    until_synced(&server.admin, "SUCCEEDED").await;
    server.admin.save_key(SECOND, Some(1)).await.ok();
    until_synced(&server.admin, "SUCCEEDED").await;
    let pause = Effect::Delay { ms: 20 };
    control.inject(Fault::new(pause).on("/vapi/assistant").method("POST"));
    let started = start(&server.admin, "VAPI").await;
    assert_eq!(started["placementRun"]["total"], AGENTS);
    server
}

/// R5, S5: killed at twenty random points of a run of six hundred agents: no agent is made twice, whatever the point. What
/// ends unconfirmed is not in the account, and is made when somebody asks again: in the end everyone is there once.
#[tokio::test]
async fn twenty_kills_at_random_points_place_every_agent_once() {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let installation = Installation::new().await;
    let mut server = begun(&installation).await;
    let mut kills = 0;
    while kills < KILLS && !is_over(&installation).await {
        tokio::time::sleep(Duration::from_millis(dice.roll(400))).await;
        server.kill_nine().await;
        kills += 1;
        assert_sound(&installation, seed).await;
        end_lease(&installation).await;
        let_time_pass(&installation).await;
        server = installation.spawn().await;
    }
    assert!(kills >= KILLS / 2, "the run ended after {kills} kills");
    server.log_in().await;
    let_time_pass(&installation).await;
    let run = ended(&installation, &server).await;
    assert_sound(&installation, seed).await;
    let [created, failed, skipped, unconfirmed] = counts(&run);
    assert_eq!((failed, skipped), (0, 0), "seed {seed} {run:#}");
    assert_eq!(created + unconfirmed, i64::try_from(AGENTS).unwrap());
    let there = marks(&installation).await;
    assert_eq!(
        there.len(),
        usize::try_from(created).unwrap(),
        "seed {seed}"
    );
    if unconfirmed > 0 {
        assert!(!items(&server.admin, "UNCONFIRMED").await.is_empty());
        let again = start(&server.admin, "VAPI").await;
        assert_eq!(again["placementRun"]["total"], json!(unconfirmed));
        let run = ended(&installation, &server).await;
        assert_eq!(counts(&run), [unconfirmed, 0, 0, 0], "seed {seed}");
    }
    assert_sound(&installation, seed).await;
    assert_eq!(marks(&installation).await.len(), AGENTS, "seed {seed}");
    let placed = "SELECT count(*) FROM agents a WHERE a.status = 'active' AND (SELECT count(*) FROM placements p \
        WHERE p.agent_id = a.id AND p.status = 'active' AND p.placed_hash IS NOT NULL) = 1";
    let expected = i64::try_from(AGENTS).unwrap();
    assert_eq!(installation.number(placed).await, expected, "seed {seed}");
    let live = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
    assert_eq!(installation.number(live).await, 0, "seed {seed}");
    server.admin.start_sync().await.ok();
    let synced = until_synced(&server.admin, "SUCCEEDED").await;
    assert_eq!(synced["addedCount"], 0, "seed {seed}: none is a new one");
}
