//! C3: a request that names itself is carried out once, whoever sends it again and however often.

use ringfence::sandbox::{Effect, Fault};
use serde_json::{Value, json};

use super::{
    ANSWERS, agent, calls, dialled, end_all, post, ready, script_key, to_the_end, try_to_trigger,
};
use crate::{
    api_keys::{Heard, generate, rotate, send},
    harness::TestApp,
};

const NAME: &str = "0d7c5c54-2f4e-4d6c-8d9d-2b0c1f3e7a11";

async fn named(app: &TestApp, secret: &str, body: &Value) -> Heard {
    send(post(app, secret, body).header("idempotency-key", NAME)).await
}

/// C3: the repetition of a request is answered as it was, says that it is one, and dials nothing, even with the key that came
/// in the place of the first one; after a day the name is new.
#[tokio::test]
async fn a_repetition_is_answered_as_the_first() {
    let (app, admin) = ready().await;
    let (key, secret) = generate(&admin, "Caller", &["CALLS_TRIGGER"]).await;
    let body = json!({ "agent_id": agent(&admin).await, "phone_number": ANSWERS });
    let first = named(&app, &secret, &body).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(first.headers.get("idempotent-replayed").is_none());
    // The call goes on meanwhile, and the answer stays what it was.
    end_all(&app);
    to_the_end(&app).await;
    let (_, next, _) = rotate(&admin, &key, 0).await;
    let again = named(&app, &next, &body).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    // The same call in another spelling is the same request.
    let spelled = json!({ "agent_id": body["agent_id"], "phone_number": "+1 (555) 123-0000" });
    assert_eq!(named(&app, &next, &spelled).await.body, first.body);
    assert_eq!(dialled(&app, ANSWERS), 1);
    assert_eq!(calls(&admin).await.len(), 1);
    app.advance(std::time::Duration::from_hours(25));
    let later = named(&app, &next, &body).await;
    assert_ne!(later.body["call_id"], first.body["call_id"]);
    assert_eq!(dialled(&app, ANSWERS), 2);
    end_all(&app);
    to_the_end(&app).await;
}

/// C3: another request under the name of an earlier one gets 409, and so does one while the first is under way.
#[tokio::test]
async fn a_name_is_for_one_request() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    let body = json!({ "agent_id": id, "phone_number": ANSWERS });
    let pause = Fault::new(Effect::Delay { ms: 400 }).on("/vapi/call");
    app.sandbox.control().inject(pause);
    let (one, other) = tokio::join!(named(&app, &secret, &body), async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        named(&app, &secret, &body).await
    });
    assert_eq!((one.status, other.status), (200, 409), "{}", other.text);
    assert_eq!(other.code(), "CONFLICT");
    let another = json!({ "agent_id": id, "phone_number": "+15551230001" });
    let heard = named(&app, &secret, &another).await;
    assert_eq!((heard.status, heard.code()), (409, "CONFLICT"));
    assert_eq!(app.sandbox.control().dialled().len(), 1);
    assert_eq!(dialled(&app, ANSWERS), 1);
    end_all(&app);
    to_the_end(&app).await;
}

/// C3: ten at once with one name dial once.
#[tokio::test]
async fn ten_at_once_dial_once() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let body = json!({ "agent_id": agent(&admin).await, "phone_number": ANSWERS });
    let heard = futures_util::future::join_all((0..10).map(|_| named(&app, &secret, &body))).await;
    for one in &heard {
        assert!([200, 409].contains(&one.status), "{}", one.text);
    }
    assert!(heard.iter().any(|one| one.status == 200));
    assert_eq!(dialled(&app, ANSWERS), 1);
    assert_eq!(calls(&admin).await.len(), 1);
    end_all(&app);
    to_the_end(&app).await;
}

/// C3: a refusal of the provider is an answer like any other; what never became a call is judged anew.
#[tokio::test]
async fn a_refusal_is_repeated_and_a_mistake_is_not() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    let id = agent(&admin).await;
    let wrong = json!({ "agent_id": id, "phone_number": "12" });
    assert_eq!(named(&app, &secret, &wrong).await.status, 400);
    let body = json!({ "agent_id": id, "phone_number": ANSWERS });
    let effect = Effect::Status {
        status: 402,
        message: None,
        retry_after: None,
    };
    let fault = Fault::new(effect).on("/vapi/call").method("POST").times(1);
    app.sandbox.control().inject(fault);
    let first = named(&app, &secret, &body).await;
    assert_eq!(first.status, 402, "{}", first.text);
    let again = named(&app, &secret, &body).await;
    assert_eq!((again.status, &again.body), (402, &first.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(dialled(&app, ANSWERS), 0);
}

/// C1, C3: a name is the same on GraphQL and REST, because both do the same thing.
#[tokio::test]
async fn graphql_knows_the_same_names() {
    let (app, admin) = ready().await;
    let id = agent(&admin).await;
    let input = json!({ "agentId": id, "phoneNumber": ANSWERS, "idempotencyKey": NAME });
    let first = try_to_trigger(&admin, input.clone()).await.ok();
    let again = try_to_trigger(&admin, input.clone()).await.ok();
    assert_eq!(first["triggerCall"]["isReplay"], false);
    assert_eq!(again["triggerCall"]["isReplay"], true);
    assert_eq!(
        again["triggerCall"]["callId"],
        first["triggerCall"]["callId"]
    );
    let other = json!({ "agentId": id, "phoneNumber": "+15551230001", "idempotencyKey": NAME });
    assert_eq!(try_to_trigger(&admin, other).await.code(), "CONFLICT");
    let long = json!({ "agentId": id, "phoneNumber": ANSWERS, "idempotencyKey": "x".repeat(256) });
    let refused = try_to_trigger(&admin, long).await;
    assert_eq!(refused.error()["extensions"]["field"], "idempotencyKey");
    assert_eq!(dialled(&app, ANSWERS), 1);
    end_all(&app);
    to_the_end(&app).await;
}
