//! C4: a call of which no answer came is unknown, is looked for, is never dialled again, and ends as found or unconfirmed.

use std::time::Duration;

use ringfence::sandbox::{Effect, Fault};

use super::{
    ANSWERS, agent, call, calls, dialled, end_all, holds, leases, place, ready, script_key,
    to_the_end, trigger, until,
};
use crate::harness::TestApp;

fn on_dialling(app: &TestApp, effect: Effect) {
    let fault = Fault::new(effect).on("/vapi/call").method("POST").times(1);
    app.sandbox.control().inject(fault);
}

/// C4: the provider dialled and the connection broke: the script is told that nobody knows yet, and the call is found by our
/// id of it.
#[tokio::test]
async fn a_lost_answer_is_found_again() {
    let (app, admin) = ready().await;
    let secret = script_key(&admin).await;
    on_dialling(&app, Effect::CutAfter);
    let heard = place(&app, &secret, &agent(&admin).await, ANSWERS).await;
    assert_eq!(heard.status, 202, "{}", heard.text);
    assert_eq!(heard.body["status"], "unknown");
    assert_eq!(heard.body["success"], true);
    let found = until(&app, &admin, &heard.body["call_id"], "QUEUED").await;
    assert!(found["remoteId"].is_string());
    assert_eq!(dialled(&app, ANSWERS), 1);
    end_all(&app);
    to_the_end(&app).await;
    assert_eq!(
        call(&admin, &heard.body["call_id"]).await["status"],
        "COMPLETED"
    );
    assert_eq!((dialled(&app, ANSWERS), holds(&app).await), (1, 0));
}

/// C4: the provider never took it: it is looked for until its list would show it, and ends unconfirmed; nothing is dialled, and
/// its place is free.
#[tokio::test]
async fn a_request_that_was_lost_ends_unconfirmed() {
    let (app, admin) = ready().await;
    let gone = Effect::Status {
        status: 502,
        message: None,
        retry_after: None,
    };
    on_dialling(&app, gone);
    let placed = trigger(&admin, ANSWERS).await;
    assert_eq!(placed["status"], "UNKNOWN");
    assert_eq!(leases(&app).await, 1);
    app.rest().await;
    app.advance(Duration::from_mins(2));
    app.rest().await;
    // Two minutes are too early: a provider may list a call later than it takes it.
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "UNKNOWN");
    let ended = until(&app, &admin, &placed["callId"], "UNCONFIRMED").await;
    assert!(ended["endedAt"].is_string());
    to_the_end(&app).await;
    assert_eq!(
        (
            dialled(&app, ANSWERS),
            holds(&app).await,
            leases(&app).await
        ),
        (0, 0, 0)
    );
}

/// C4, A6: while the provider's list cannot be read, the call stays unknown; after a day it ends unconfirmed all the same.
#[tokio::test]
async fn a_search_ends_after_a_day() {
    let (app, admin) = ready().await;
    on_dialling(&app, Effect::CutAfter);
    let down = Effect::Status {
        status: 500,
        message: None,
        retry_after: None,
    };
    app.sandbox
        .control()
        .inject(Fault::new(down).on("/vapi/call").method("GET"));
    let placed = trigger(&admin, ANSWERS).await;
    for _ in 0..12 {
        app.rest().await;
        app.advance(Duration::from_mins(30));
    }
    app.rest().await;
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "UNKNOWN");
    assert_eq!(leases(&app).await, 0);
    app.advance(Duration::from_hours(19));
    to_the_end(&app).await;
    assert_eq!(
        call(&admin, &placed["callId"]).await["status"],
        "UNCONFIRMED"
    );
    assert_eq!((dialled(&app, ANSWERS), holds(&app).await), (1, 0));
    assert_eq!(calls(&admin).await.len(), 1);
}
