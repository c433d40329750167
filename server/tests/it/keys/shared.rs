//! Two keys of one account: the agency's and a client's, of which one may see less than the other. Each import judges the
//! agents whose calls go over its own key, and what one key lists the other one takes from nobody.

use ringfence::{
    access::Role,
    sandbox::{NewAccount, NewKey},
};
use serde_json::{Value, json};

use super::save;
use crate::{
    clients::{assign, create},
    harness::{TestApp, TestClient, keys},
    sync::{agents, newest, statuses, sync},
};

const WIDE: &str = "key-that-sees-everything-2Gh6";
const NARROW: &str = "key-that-sees-the-newest-9Kd4";

struct Shared {
    app: TestApp,
    admin: TestClient,
    client: Value,
}

impl Shared {
    /// An account of twenty agents that two keys open: the agency's, and a client's with the import that its save started.
    async fn new(agencys: &str, clients: &str, visible: usize) -> Self {
        let app = TestApp::new().await;
        let admin = app.user(Role::Admin).await;
        let control = app.sandbox.control();
        let account = NewAccount::vapi(WIDE, 20).phone_numbers(4);
        control.add_account(&account).unwrap();
        let narrow = NewKey {
            key: NARROW.to_owned(),
            same_account_as: WIDE.to_owned(),
            visible_agents: Some(visible),
            forbidden: Vec::new(),
        };
        control.add_key(&narrow).unwrap();
        admin.save_key(agencys, None).await.ok();
        app.settle().await;
        let client = create(&admin, "Bayview").await;
        let input = json!({ "provider": "VAPI", "apiKey": clients, "clientId": client });
        save(&admin, input).await.ok();
        app.settle().await;
        Self { app, admin, client }
    }

    /// "Sync now" with the agency's key, to its end.
    async fn sync_agencys(&self) -> Value {
        sync(&self.app, &self.admin).await
    }

    /// The same with the client's key.
    async fn sync_clients(&self) -> Value {
        let query = "mutation($client: ID) { startSync(input: { provider: VAPI, clientId: $client }) { hasJoined } }";
        let client = json!({ "client": self.client });
        self.admin.graphql(query, client).await.ok();
        self.app.settle().await;
        newest(&self.admin).await
    }

    /// The ids of the agents that the narrow key does not see, and of those that it sees.
    async fn hidden_and_seen(&self) -> (Vec<Value>, Vec<Value>) {
        let ids = self.app.sandbox.control().agent_ids(WIDE).unwrap();
        let seen = &ids[..18];
        let (seen, hidden): (Vec<Value>, Vec<Value>) =
            agents(&self.admin).await.into_iter().partition(|agent| {
                let remote = agent["placements"][0]["remoteId"].as_str().unwrap();
                seen.iter().any(|id| id == remote)
            });
        let ids = |agents: Vec<Value>| agents.into_iter().map(|it| it["id"].clone()).collect();
        (ids(hidden), ids(seen))
    }

    async fn give(&self, agents: &[Value]) {
        let input = json!({ "agentIds": agents, "clientId": self.client });
        assign(&self.admin, input).await.ok();
    }
}

fn gone_and_returned(run: &Value) -> (&Value, &Value, &Value) {
    (&run["state"], &run["goneCount"], &run["returnedCount"])
}

/// S3, R5: what a client's narrower key does not see of the agency's account stays as it is; the agency's agents keep their
/// route, and no import undoes another one's work.
#[tokio::test]
async fn a_clients_narrower_key_marks_nothing_of_the_agencys() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    let (quiet, none) = (json!("SUCCEEDED"), json!(0));
    for _ in 0..2 {
        let run = newest(&shared.admin).await;
        assert_eq!(gone_and_returned(&run), (&quiet, &none, &none));
        assert_eq!(statuses(&shared.admin).await, (20, 0));
        let run = shared.sync_agencys().await;
        assert_eq!(gone_and_returned(&run), (&quiet, &none, &none));
        shared.sync_clients().await;
    }
    let (hidden, _) = shared.hidden_and_seen().await;
    for agent in hidden {
        let route = crate::routing::explain(&shared.admin, &agent).await;
        assert_eq!(route["state"], "READY", "{route:#}");
    }
}

/// S3: in an account of two keys an agent that is gone is still found out, by the import of the key that its calls go over.
#[tokio::test]
async fn what_is_gone_is_found_out_by_the_key_of_its_calls() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    let control = shared.app.sandbox.control();
    let ids = control.agent_ids(WIDE).unwrap();
    control.remove_agents(WIDE, &ids[..2]).unwrap();
    assert_eq!(shared.sync_clients().await["goneCount"], 0);
    assert_eq!(statuses(&shared.admin).await, (20, 0));
    assert_eq!(shared.sync_agencys().await["goneCount"], 2);
    assert_eq!(statuses(&shared.admin).await, (18, 2));
    assert_eq!(shared.sync_clients().await["returnedCount"], 0);
}

/// S3, R5: a client's agent that the client's own key may not see is out of its calls' reach, though the agency's key sees it;
/// the agency's import does not bring it back, and does so once its calls go over the agency's key.
#[tokio::test]
async fn a_clients_agents_are_judged_by_the_clients_key() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    let (hidden, seen) = shared.hidden_and_seen().await;
    shared.give(&hidden[..1]).await;
    shared.give(&seen[..9]).await;
    let run = shared.sync_clients().await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    for _ in 0..2 {
        let run = shared.sync_agencys().await;
        assert_eq!(
            (&run["goneCount"], &run["returnedCount"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(statuses(&shared.admin).await, (19, 1));
        assert_eq!(shared.sync_clients().await["goneCount"], 0);
    }
    let route = crate::routing::explain(&shared.admin, &hidden[0]).await;
    assert_eq!(route["block"]["code"], "AGENT_INACTIVE", "{route:#}");
    let input = json!({ "agentIds": [hidden[0]], "clientId": null });
    assign(&shared.admin, input).await.ok();
    assert_eq!(shared.sync_agencys().await["returnedCount"], 1);
    assert_eq!(statuses(&shared.admin).await, (20, 0));
}

/// S3: the share that needs a decision is one of the agents that the import judges: half of a client's agents are many,
/// however few they are of the account's. Those that the decision is about are listed, and no others.
#[tokio::test]
async fn the_share_of_a_shared_account_is_taken_of_the_keys_own_agents() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    let (hidden, seen) = shared.hidden_and_seen().await;
    shared.give(&hidden[..1]).await;
    shared.give(&seen[..1]).await;
    let run = shared.sync_clients().await;
    assert_eq!(
        (&run["state"], &run["pendingRemovalCount"]),
        (&json!("NEEDS_CONFIRMATION"), &json!(1))
    );
    let query = "query($run: ID) { agents(filter: { missingFromSyncRun: $run }) { nodes { id } } }";
    let missing = shared
        .admin
        .graphql(query, json!({ "run": run["id"] }))
        .await;
    assert_eq!(
        missing.ok()["agents"]["nodes"],
        json!([{ "id": hidden[0] }])
    );
    assert_eq!(statuses(&shared.admin).await, (20, 0));
}

/// S3: where the agency's key is the narrower one, it judges the agency's agents and none of the client's.
#[tokio::test]
async fn the_agencys_narrower_key_marks_nothing_of_a_clients() {
    let shared = Shared::new(NARROW, WIDE, 18).await;
    let (hidden, _) = shared.hidden_and_seen().await;
    assert_eq!(hidden.len(), 2, "the client's key brought them in");
    shared.give(&hidden[..1]).await;
    let run = shared.sync_agencys().await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(1))
    );
    let route = crate::routing::explain(&shared.admin, &hidden[0]).await;
    assert_eq!(route["state"], "READY", "{route:#}");
    let run = shared.sync_clients().await;
    assert_eq!(
        (&run["goneCount"], &run["returnedCount"]),
        (&json!(0), &json!(0))
    );
}

/// S3: a number that another key in use listed in its newest import is not gone; one that neither lists any more is.
#[tokio::test]
async fn a_number_that_another_key_lists_is_not_gone() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    shared.sync_agencys().await;
    // As if only the agency's key had listed it: at the provider nobody has it any more.
    let alter = "UPDATE phone_numbers SET remote_id = 'a-number-of-the-agency' \
        WHERE sort_key = (SELECT min(sort_key) FROM phone_numbers WHERE status = 'active')";
    shared.app.sql(alter).await;
    let inactive = async || {
        let query = "{ phoneNumbers(filter: { status: [INACTIVE] }) { totalCount } }";
        shared.admin.query(query).await.ok()["phoneNumbers"]["totalCount"].clone()
    };
    shared.sync_clients().await;
    assert_eq!(inactive().await, 0);
    shared.sync_agencys().await;
    assert_eq!(inactive().await, 1, "neither key lists it");
}

/// P2, S1: an agent that is new in an account which the agency's key opens too is the agency's until somebody gives it to a
/// client; where the client's key alone opens the account, it works for that client.
#[tokio::test]
async fn new_agents_of_a_shared_account_are_given_to_nobody() {
    let shared = Shared::new(WIDE, NARROW, 18).await;
    let control = shared.app.sandbox.control();
    control.add_agents(WIDE, 2, "New").unwrap();
    let other = NewKey {
        key: "another-key-of-that-account-7Wq2".to_owned(),
        same_account_as: WIDE.to_owned(),
        visible_agents: None,
        forbidden: Vec::new(),
    };
    control.add_key(&other).unwrap();
    let input = json!({ "provider": "VAPI", "apiKey": other.key, "clientId": shared.client, "expectedVersion": 1 });
    save(&shared.admin, input).await.ok();
    shared.app.settle().await;
    assert_eq!(newest(&shared.admin).await["addedCount"], 2);
    let owned = "SELECT count(*) FROM agents WHERE client_id IS NOT NULL";
    assert_eq!(shared.app.sql(owned).await[0].get::<i64>(0), 0);
    let second = create(&shared.admin, "Northside Dental").await;
    let input = json!({ "provider": "VAPI", "apiKey": keys::SECOND, "clientId": second });
    save(&shared.admin, input).await.ok();
    shared.app.settle().await;
    assert_eq!(shared.app.sql(owned).await[0].get::<i64>(0), 12);
}

/// K8: where another key opens the account too, the numbers of the agents that stop are counted and told all the same, for
/// the provider goes on answering them; those of agents that go on are left out.
#[tokio::test]
async fn the_numbers_of_agents_that_stop_are_told_whoever_else_opens_the_account() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let client = create(&admin, "Bayview").await;
    let numbers = "{ phoneNumbers(first: 50) { nodes { agent { id } } } }";
    let numbers = admin.query(numbers).await.ok()["phoneNumbers"]["nodes"].clone();
    let answering: Vec<&Value> = numbers.as_array().unwrap().iter().collect();
    let agent = answering.iter().find_map(|it| it["agent"]["id"].as_str());
    let agent = agent.unwrap();
    let of_agent = |number: &&&Value| number["agent"]["id"] == agent;
    let of_agent = i64::try_from(answering.iter().filter(of_agent).count()).unwrap();
    let input = json!({ "agentIds": [agent], "clientId": client });
    assign(&admin, input).await.ok();
    let input = json!({ "provider": "VAPI", "apiKey": keys::GOOD, "clientId": client });
    save(&admin, input).await.ok();
    app.settle().await;
    let counts = async |client: &Value| {
        let query = "query($id: ID) { providerKeys(clientId: $id) { nodes { clearImpact { agentCount movingAgentCount \
            phoneNumberCount answeringNumberCount } } } }";
        let data = admin.graphql(query, json!({ "id": client })).await.ok();
        let impact = &data["providerKeys"]["nodes"][0]["clearImpact"];
        [
            "agentCount",
            "movingAgentCount",
            "phoneNumberCount",
            "answeringNumberCount",
        ]
        .map(|count| impact[count].as_i64().unwrap())
    };
    assert_eq!(
        counts(&Value::Null).await,
        [39, 0, 12 - of_agent, 11 - of_agent]
    );
    assert_eq!(
        counts(&client).await,
        [0, 1, 0, 0],
        "the agency's key goes on"
    );
    let key = admin.key().await;
    let more = json!({ "detachNumbers": true });
    let cleared = admin.clear_key(&key, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 11 - of_agent);
    // Now the client's key alone opens the account: nobody follows, and all of its numbers are lost with it.
    assert_eq!(counts(&client).await, [1, 0, 12, of_agent]);
}
