//! X4, S3, S4, S5: each fault of the sandbox in the agents' list of each provider, and what a sync makes of it.

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{EchoStyle, Effect, Fault, NewAccount},
};
use serde_json::json;

use super::{statuses, to_the_end};
use crate::{
    harness::{TestApp, TestClient},
    keys::save,
};

const AGENTS: usize = 12;

/// Where each provider lists its agents first.
const LISTS: [(ProviderKind, &str, &str); 3] = [
    (ProviderKind::Vapi, "VAPI", "/vapi/assistant"),
    (ProviderKind::Retell, "RETELL", "/retell/v2/list-agents"),
    (ProviderKind::Bland, "BLAND", "/bland/v1/personas"),
];

fn status(status: u16) -> Effect {
    Effect::Status {
        status,
        message: None,
        retry_after: None,
    }
}

/// What is wrong with the list, the code with which the run ends, and the key's health after it.
fn outcomes() -> Vec<(Effect, &'static str, &'static str)> {
    let redirect = Effect::Redirect {
        location: "https://example.com/".to_owned(),
    };
    let echo = Effect::EchoKey {
        style: EchoStyle::Plain,
    };
    vec![
        (status(500), "PROVIDER_UNREACHABLE", "VALID"),
        (status(503), "PROVIDER_UNREACHABLE", "VALID"),
        (status(429), "PROVIDER_RATE_LIMITED", "VALID"),
        (status(403), "MISSING_PERMISSION", "VALID"),
        (Effect::CutBody, "PROVIDER_UNREACHABLE", "VALID"),
        (Effect::NotJson, "PROVIDER_ANSWER_MALFORMED", "VALID"),
        (Effect::WrongShape, "PROVIDER_ANSWER_MALFORMED", "VALID"),
        (redirect, "PROVIDER_ANSWER_MALFORMED", "VALID"),
        (status(402), "NO_FUNDS", "NO_FUNDS"),
        (status(401), "KEY_REJECTED", "INVALID"),
        (echo, "KEY_REJECTED", "INVALID"),
    ]
}

async fn health(client: &TestClient) -> String {
    let data = client.query("{ providerKeys { nodes { health } } }").await;
    let data = data.ok();
    let health = &data["providerKeys"]["nodes"][0]["health"];
    health.as_str().unwrap().to_owned()
}

/// S3, S4, S5, X4: whatever is wrong with the list of agents, the run ends with the code that says so, no agent is marked,
/// the key is judged by definite answers alone, and no answer holds a piece of it.
#[tokio::test]
async fn each_fault_of_a_list_has_its_outcome_at_each_provider() {
    for (provider, name, path) in LISTS {
        let key = format!("test-key-for-faults-{name}-Wc6j");
        let app = TestApp::new().await;
        let control = app.sandbox.control();
        let account = NewAccount::of(provider, &key, AGENTS);
        control.add_account(&account).unwrap();
        let admin = app.user(Role::Admin).await;
        let input = json!({ "provider": name, "apiKey": key });
        save(&admin, input).await.ok();
        app.settle().await;
        assert_eq!(statuses(&admin).await, (12, 0), "{name}");
        for (effect, code, expected) in outcomes() {
            let fault = control.inject(Fault::new(effect.clone()).on(path));
            let start =
                format!("mutation {{ startSync(input: {{ provider: {name} }}) {{ hasJoined }} }}");
            admin.query(&start).await.ok();
            let run = to_the_end(&app, &admin).await;
            assert_eq!(
                (&run["state"], &run["error"]["code"]),
                (&json!("FAILED"), &json!(code)),
                "{name}: {effect:?}: {run}"
            );
            assert!(!run.to_string().contains(&key), "{name}: {effect:?}");
            assert_eq!(statuses(&admin).await, (12, 0), "{name}: {effect:?}");
            assert_eq!(health(&admin).await, expected, "{name}: {effect:?}");
            control.remove_fault(fault).unwrap();
            let test = "query { providerKeys { nodes { id } } }";
            let id = admin.query(test).await.ok()["providerKeys"]["nodes"][0]["id"].clone();
            app.advance(std::time::Duration::from_secs(3600));
            let again = "mutation($input: TestProviderKeyInput!) { testProviderKey(input: $input) { providerKey { health } } }";
            let input = json!({ "input": { "providerKeyId": id } });
            admin.graphql(again, input).await.ok();
            assert_eq!(health(&admin).await, "VALID", "{name}: {effect:?}");
        }
        app.settle().await;
    }
}
