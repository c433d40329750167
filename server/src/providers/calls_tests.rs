//! C4, C5, C6: what holds for calls at every provider, whatever its words: the sandbox plays them, and the clients place,
//! read, list, find and end them.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::bench::{Bench, KEY, Played, walk};
use super::bland::Bland;
use super::retell::Retell;
use super::vapi::Vapi;
use super::{
    CallDirection, CallFilter, CallSearch, CallStatus, EndCause, FromNumber, NotPlaced, Page,
    PlaceCall, PlacedCall, ProviderError, RemoteCall, SoughtCall, Target, Unavailable, find_call,
};
use crate::clock::{Clock, Timestamp};
use crate::sandbox::{CallSettings, CallStep, EchoStyle, Effect, Fault, ForeignCall, NewAccount};

const OURS: &str = "01930f5e-6c00-7a10-8000-5a1e7b2c9d01";
const ANSWERED: &str = "+15035550100";
const START: i64 = 1_795_190_400_000;

/// A number of the seeded account, under both names.
async fn number<P: Played>(bench: &Bench<P>) -> (String, String) {
    let page = bench.numbers(KEY, None).await.unwrap();
    let number = page.items.into_iter().next().unwrap();
    (number.remote_id, number.number.unwrap())
}

async fn place<P: Played>(bench: &Bench<P>, to: &str) -> Result<PlacedCall, NotPlaced> {
    let (remote_id, number) = number(bench).await;
    let agent = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    bench.sandbox.control().clear_requests();
    let variables = BTreeMap::from([("name".to_owned(), "Ann".to_owned())]);
    bench
        .ask(KEY, async |target: &Target<'_>| {
            let call = PlaceCall {
                call_id: OURS,
                remote_agent_id: &agent,
                from: Some(FromNumber {
                    remote_id: &remote_id,
                    number: &number,
                }),
                to,
                webhook: None,
                variables: &variables,
            };
            P::CLIENT.place_call(target, &call).await
        })
        .await
}

/// Places a call at an address that is not the sandbox's.
async fn place_at<P: Played>(bench: &Bench<P>, address: &str) -> Result<PlacedCall, NotPlaced> {
    let address: Url = address.parse().unwrap();
    let variables = BTreeMap::new();
    bench
        .ask_at(&address, KEY, async |target: &Target<'_>| {
            let call = PlaceCall {
                call_id: OURS,
                remote_agent_id: "agent",
                from: Some(FromNumber {
                    remote_id: "number",
                    number: "+15035550142",
                }),
                to: ANSWERED,
                webhook: None,
                variables: &variables,
            };
            P::CLIENT.place_call(target, &call).await
        })
        .await
}

async fn read<P: Played>(bench: &Bench<P>, id: &str) -> Result<RemoteCall, ProviderError> {
    bench
        .ask(KEY, async |target: &Target<'_>| {
            P::CLIENT.get_call(target, id).await
        })
        .await
}

async fn page<P: Played>(
    bench: &Bench<P>,
    since_ms: i64,
    cursor: Option<&str>,
) -> Result<Page<RemoteCall>, ProviderError> {
    let filter = CallFilter {
        since_ms,
        call_id: None,
    };
    bench
        .ask(KEY, async |target: &Target<'_>| {
            P::CLIENT.list_calls(target, &filter, cursor).await
        })
        .await
}

async fn search<P: Played>(bench: &Bench<P>, to: &str) -> CallSearch {
    let sought = SoughtCall {
        call_id: OURS,
        to,
        since_ms: START - 60_000,
    };
    bench
        .ask(KEY, async |target: &Target<'_>| {
            find_call(&P::CLIENT, target, &sought).await
        })
        .await
        .unwrap()
}

/// An account with two agents and two numbers, whose calls go on only when they are told to, and a clock for them.
async fn account<P: Played>() -> (Bench<P>, Clock) {
    let bench = Bench::<P>::new().await;
    let account = NewAccount::of(Bench::<P>::kind(), KEY, 2).phone_numbers(2);
    let control = bench.sandbox.control();
    control.add_account(&account).unwrap();
    control.hold_calls();
    let clock = Clock::manual(Timestamp::from_millis(START));
    control.set_call_clock(clock.clone());
    (bench, clock)
}

async fn goes_from_queued_to_completed<P: Played>() {
    let (bench, clock) = account::<P>().await;
    let control = bench.sandbox.control();
    let placed = place(&bench, ANSWERED).await.unwrap();
    assert_eq!(placed.status, CallStatus::Queued);
    let call = read(&bench, &placed.remote_id).await.unwrap();
    assert_eq!((call.status, call.is_over), (CallStatus::Queued, false));
    assert_eq!(call.call_id.as_deref(), Some(OURS));
    assert_eq!(call.direction, Some(CallDirection::Outbound));
    assert_eq!(call.to.as_deref(), Some(ANSWERED));
    control.advance_call(&placed.remote_id, 2).unwrap();
    let call = read(&bench, &placed.remote_id).await.unwrap();
    assert_eq!((call.status, call.cost), (CallStatus::InProgress, None));
    clock.advance(Duration::from_secs(90));
    control.advance_call(&placed.remote_id, 1).unwrap();
    let call = read(&bench, &placed.remote_id).await.unwrap();
    assert_eq!(
        (call.status, call.end_cause, call.duration_ms),
        (
            CallStatus::Completed,
            Some(EndCause::CustomerHungUp),
            Some(90_000)
        )
    );
    assert!(call.is_over && call.cost.unwrap().micros > 0);
    assert_eq!(control.dialled()[ANSWERED], 1);
    let gone = read(&bench, "nobody").await;
    assert_eq!(gone, Err(ProviderError::NotFound));
}

/// C4, C5: a call keeps our id, and its status is what happens to it.
#[tokio::test]
async fn a_call_goes_from_queued_to_completed() {
    goes_from_queued_to_completed::<Vapi>().await;
    goes_from_queued_to_completed::<Retell>().await;
    goes_from_queued_to_completed::<Bland>().await;
}

async fn ends_as_the_number_tells<P: Played>() {
    let (bench, _) = account::<P>().await;
    for (to, status, cause) in [
        ("+15035550101", CallStatus::Busy, EndCause::Busy),
        ("+15035550102", CallStatus::NoAnswer, EndCause::NoAnswer),
        ("+15035550103", CallStatus::Failed, EndCause::CarrierFailure),
        ("+15035550105", CallStatus::Completed, EndCause::Voicemail),
        ("+15035550106", CallStatus::Failed, EndCause::NoFunds),
    ] {
        let foreign = ForeignCall::outbound(KEY, to);
        let ids = bench.sandbox.control().add_calls(&foreign).unwrap();
        let id = ids.into_iter().next().unwrap();
        let call = read(&bench, &id).await.unwrap();
        assert_eq!((call.status, call.end_cause), (status, Some(cause)), "{to}");
        assert!(call.is_over);
    }
}

/// C5: every way to end has the same status at every provider.
#[tokio::test]
async fn calls_end_alike_everywhere() {
    ends_as_the_number_tells::<Vapi>().await;
    ends_as_the_number_tells::<Retell>().await;
    ends_as_the_number_tells::<Bland>().await;
}

async fn is_found_after_a_lost_answer<P: Played>() {
    for effect in [
        Effect::HangAfter,
        Effect::CutAfter,
        Effect::CutBody,
        Effect::StatusAfter { status: 500 },
    ] {
        let (mut bench, _) = account::<P>().await;
        bench.wait = Duration::from_secs(2);
        bench.inject(
            Fault::new(effect.clone())
                .on(place_path::<P>())
                .method("POST"),
        );
        let lost = place(&bench, ANSWERED).await.unwrap_err();
        assert!(lost.may_have_dialled, "{effect:?} {lost:?}");
        assert!(
            matches!(lost.error, ProviderError::Unavailable { .. }),
            "{effect:?}"
        );
        let posts = bench.asked();
        let posts = posts
            .iter()
            .filter(|asked| asked.starts_with("POST"))
            .count();
        assert_eq!(posts, 1, "{effect:?}");
        bench.sandbox.control().clear_faults();
        bench.wait = Duration::from_secs(20);
        assert_eq!(bench.sandbox.control().dialled()[ANSWERED], 1);
        let CallSearch::Found(call) = search(&bench, ANSWERED).await else {
            panic!("not found after {effect:?}");
        };
        assert_eq!(call.call_id.as_deref(), Some(OURS));
        assert_eq!(call.status, CallStatus::Queued);
    }
}

fn place_path<P: Played>() -> &'static str {
    match P::CLIENT.call_info().kind {
        super::ProviderKind::Vapi => "/vapi/call",
        super::ProviderKind::Retell => "/retell/v2/create-phone-call",
        super::ProviderKind::Bland => "/bland/v1/calls",
    }
}

/// C4: a call that was dialled and not heard of is unknown, is not dialled again, and is found by our id.
#[tokio::test]
async fn a_lost_answer_is_found_and_not_dialled_again() {
    is_found_after_a_lost_answer::<Vapi>().await;
    is_found_after_a_lost_answer::<Retell>().await;
    is_found_after_a_lost_answer::<Bland>().await;
}

async fn says_what_was_not_dialled<P: Played>() {
    let (bench, _) = account::<P>().await;
    for status in [400, 401, 402, 403, 404, 422, 429] {
        bench.inject(Fault::status(status).on(place_path::<P>()).method("POST"));
        let refused = place(&bench, ANSWERED).await.unwrap_err();
        assert!(!refused.may_have_dialled, "{status} {refused:?}");
        bench.sandbox.control().clear_faults();
    }
    for effect in [
        Effect::NotJson,
        Effect::Redirect {
            location: "https://example.com/".to_owned(),
        },
    ] {
        bench.inject(Fault::new(effect).on(place_path::<P>()).method("POST"));
        assert!(place(&bench, ANSWERED).await.unwrap_err().may_have_dialled);
        bench.sandbox.control().clear_faults();
    }
    bench.inject(Fault::status(500).on(place_path::<P>()).method("POST"));
    let unknown = place(&bench, ANSWERED).await.unwrap_err();
    assert_eq!(
        unknown.error.message().is_some(),
        matches!(
            unknown.error,
            ProviderError::Unavailable {
                reason: Unavailable::Status(500),
                ..
            }
        )
    );
    assert!(unknown.may_have_dialled);
    bench.sandbox.control().clear_faults();
    assert!(bench.sandbox.control().dialled().is_empty());
    assert_eq!(search(&bench, ANSWERED).await, CallSearch::Absent);
    let nowhere = place_at(&bench, "http://127.0.0.1:9/").await.unwrap_err();
    assert!(!nowhere.may_have_dialled, "{nowhere:?}");
}

/// C4: only a definite refusal says that nobody was called.
#[tokio::test]
async fn a_refusal_is_told_from_not_knowing() {
    says_what_was_not_dialled::<Vapi>().await;
    says_what_was_not_dialled::<Retell>().await;
    says_what_was_not_dialled::<Bland>().await;
}

async fn needs_a_number_or_not<P: Played>() {
    let (bench, _) = account::<P>().await;
    let agent = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    let variables = BTreeMap::new();
    bench.sandbox.control().clear_requests();
    let placed = bench
        .ask(KEY, async |target: &Target<'_>| {
            let call = PlaceCall {
                call_id: OURS,
                remote_agent_id: &agent,
                from: None,
                to: ANSWERED,
                webhook: None,
                variables: &variables,
            };
            P::CLIENT.place_call(target, &call).await
        })
        .await;
    if P::CLIENT.call_info().needs_from_number {
        assert!(!placed.unwrap_err().may_have_dialled);
        assert_eq!(bench.asked(), Vec::<String>::new());
    } else {
        placed.unwrap();
    }
}

/// C4: without a number nothing is sent where the provider needs one.
#[tokio::test]
async fn a_call_needs_a_number_where_the_provider_says_so() {
    needs_a_number_or_not::<Vapi>().await;
    needs_a_number_or_not::<Retell>().await;
    needs_a_number_or_not::<Bland>().await;
}

async fn lists_each_call_once<P: Played>() {
    let (bench, clock) = account::<P>().await;
    let control = bench.sandbox.control();
    let (_, own) = number(&bench).await;
    let mut expected = HashSet::new();
    for at in 0..230 {
        clock.advance(Duration::from_secs(1));
        let foreign = if at % 2 == 0 {
            ForeignCall::inbound(KEY, &own, "+15035550177")
        } else {
            ForeignCall::outbound(KEY, ANSWERED)
        };
        expected.extend(control.add_calls(&foreign).unwrap());
    }
    let (calls, is_complete) =
        walk(async |cursor| page(&bench, START, cursor).await.unwrap()).await;
    let ids: HashSet<String> = calls.iter().map(|call| call.remote_id.clone()).collect();
    assert_eq!((calls.len(), is_complete), (230, true));
    assert_eq!(ids, expected);
    assert!(
        calls
            .iter()
            .all(|call| call.call_id.is_none() && call.is_over)
    );
    let is_thin = P::CLIENT.call_info().has_thin_list;
    assert!(calls.iter().all(|call| call.is_whole != is_thin));
    let (recent, _) =
        walk(async |cursor| page(&bench, START + 200_000, cursor).await.unwrap()).await;
    assert_eq!(recent.len(), 31);
    let inbound = calls
        .iter()
        .map(|call| call.remote_id.clone())
        .next()
        .unwrap();
    let one = read(&bench, &inbound).await.unwrap();
    assert!(one.is_whole && one.direction.is_some());
}

/// C6: foreign and inbound calls are in the list, each once, and a watermark asks for the later ones.
#[tokio::test]
async fn every_call_is_listed_once() {
    lists_each_call_once::<Vapi>().await;
    lists_each_call_once::<Retell>().await;
    lists_each_call_once::<Bland>().await;
}

async fn is_ended_from_here<P: Played>() {
    let (bench, _) = account::<P>().await;
    let Some(stopping) = P::CLIENT.stopping() else {
        return;
    };
    let placed = place(&bench, "+15035550104").await.unwrap();
    let control = bench.sandbox.control();
    let step = control.advance_call(&placed.remote_id, 9).unwrap();
    assert_eq!(step, CallStep::InProgress);
    bench
        .ask(KEY, async |target: &Target<'_>| {
            stopping.stop_call(target, &placed.remote_id).await
        })
        .await
        .unwrap();
    let call = read(&bench, &placed.remote_id).await.unwrap();
    assert_eq!((call.status, call.is_over), (CallStatus::Canceled, true));
    let unknown = bench
        .ask(KEY, async |target: &Target<'_>| {
            stopping.stop_call(target, "nobody").await
        })
        .await;
    assert_eq!(unknown, Err(ProviderError::NotFound));
}

/// C5: a live call is ended where the provider has a way to.
#[tokio::test]
async fn a_live_call_is_ended() {
    is_ended_from_here::<Retell>().await;
    is_ended_from_here::<Bland>().await;
    assert!(
        super::call_provider(super::ProviderKind::Vapi)
            .stopping()
            .is_none()
    );
}

async fn is_placed_by_its_id<P: Played>(body: &str, is_placed: bool) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(201).set_body_raw(body.to_owned(), "application/json");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let bench = Bench::<P>::new().await;
    let placed = place_at(&bench, &server.uri()).await;
    match placed {
        Ok(placed) => assert!(is_placed && placed.remote_id == "x-1", "{body}"),
        Err(error) => assert!(!is_placed && error.may_have_dialled, "{body} {error:?}"),
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// C4: an answer that names a call is one, whatever else it says; one that does not may be one all the same.
#[tokio::test]
async fn an_answer_that_names_a_call_is_a_call() {
    for rest in [
        r#""status":"moon""#,
        r#""status":7,"call_status":[],"endedReason":{"a":1}"#,
        r#""status":null,"createdAt":1e308,"customer":"x","metadata":[]"#,
        r#""assistantOverrides":{"metadata":"x"},"start_timestamp":"soon","duration_ms":-1"#,
    ] {
        is_placed_by_its_id::<Vapi>(&format!(r#"{{"id":"x-1",{rest}}}"#), true).await;
        is_placed_by_its_id::<Retell>(&format!(r#"{{"call_id":"x-1",{rest}}}"#), true).await;
        is_placed_by_its_id::<Bland>(&format!(r#"{{"call_id":"x-1",{rest}}}"#), true).await;
    }
    for nameless in [
        "{}",
        "[]",
        "",
        "null",
        r#"{"id":7,"call_id":7}"#,
        r#"{"id":"x-1","call_id":"x-1"#,
    ] {
        is_placed_by_its_id::<Vapi>(nameless, false).await;
        is_placed_by_its_id::<Retell>(nameless, false).await;
        is_placed_by_its_id::<Bland>(nameless, false).await;
    }
}

/// X4: an account has so many calls at once; that is over by itself, and no word about money.
#[tokio::test]
async fn too_many_calls_at_once_are_refused_for_a_while() {
    let (bench, _) = account::<Bland>().await;
    bench.sandbox.control().set_calls(CallSettings {
        concurrency_limit: Some(1),
        ..Default::default()
    });
    place(&bench, ANSWERED).await.unwrap();
    let refused = place(&bench, ANSWERED).await.unwrap_err();
    assert!(matches!(refused.error, ProviderError::RateLimited { .. }));
    let (bench, _) = account::<Vapi>().await;
    bench.sandbox.control().set_calls(CallSettings {
        concurrency_limit: Some(1),
        ..Default::default()
    });
    place(&bench, ANSWERED).await.unwrap();
    let refused = place(&bench, ANSWERED).await.unwrap_err();
    assert!(matches!(refused.error, ProviderError::RateLimited { .. }));
    assert_eq!(bench.sandbox.control().dialled()[ANSWERED], 1);
}

/// C4: Retell takes the same key for the same call, for an hour.
#[tokio::test]
async fn retell_dials_once_for_one_key() {
    let (bench, clock) = account::<Retell>().await;
    let first = place(&bench, ANSWERED).await.unwrap();
    let again = place(&bench, ANSWERED).await.unwrap();
    assert_eq!(first.remote_id, again.remote_id);
    assert_eq!(bench.sandbox.control().dialled()[ANSWERED], 1);
    clock.advance(Duration::from_secs(3_600));
    assert_ne!(
        place(&bench, ANSWERED).await.unwrap().remote_id,
        first.remote_id
    );
}

async fn keeps_the_key_to_itself<P: Played>() {
    let (bench, _) = account::<P>().await;
    for style in [EchoStyle::Plain, EchoStyle::Masked, EchoStyle::Base64] {
        let fault = Fault::new(Effect::EchoKey { style });
        bench.inject(fault.on(place_path::<P>()).method("POST"));
        let refused = place(&bench, ANSWERED).await.unwrap_err();
        assert!(matches!(refused.error, ProviderError::InvalidKey { .. }));
        let text = format!("{refused:?}");
        assert!(
            !text.contains("Zq3x") && !text.contains("bench-key"),
            "{text}"
        );
        bench.sandbox.control().clear_faults();
    }
}

/// K13, K14
#[tokio::test]
async fn a_refused_call_keeps_the_key_to_itself() {
    keeps_the_key_to_itself::<Vapi>().await;
    keeps_the_key_to_itself::<Retell>().await;
    keeps_the_key_to_itself::<Bland>().await;
}
