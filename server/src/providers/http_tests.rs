//! The transport: what is refused, what is cut, what is waited for, and what is never sent or logged.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;
use url::Url;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Answer, ApiRequest, Authorization, BaseUrlError, HttpClient, Shape, check_base_url};
use crate::providers::{ProviderError, ProviderKind, Target, Unavailable};

const KEY: &str = "planted-key-0123456789";

async fn ask(client: &HttpClient, base_url: &str, wait: Duration) -> Result<Answer, ProviderError> {
    let base_url = Url::parse(base_url).unwrap();
    let key = SecretString::from(KEY);
    let target = Target {
        http: client,
        base_url: &base_url,
        key: &key,
        deadline: Instant::now() + wait,
    };
    let request = ApiRequest {
        provider: ProviderKind::Vapi,
        authorization: Authorization::Bearer,
        method: Method::GET,
        route: "/things",
        segments: &["things"],
        query: &[("limit", "1")],
        body: None,
    };
    client.send(&target, &request).await
}

async fn ask_soon(base_url: &str) -> Result<Answer, ProviderError> {
    ask(
        &HttpClient::new().unwrap(),
        base_url,
        Duration::from_secs(5),
    )
    .await
}

fn reason(result: Result<Answer, ProviderError>) -> Unavailable {
    match result {
        Err(ProviderError::Unavailable { reason, .. }) => reason,
        Err(error) => panic!("another error: {error:?}"),
        Ok(answer) => panic!("an answer: {}", answer.status),
    }
}

fn malformed(result: Result<Answer, ProviderError>) -> String {
    match result {
        Err(ProviderError::Malformed { what }) => what,
        Err(error) => panic!("another error: {error:?}"),
        Ok(answer) => panic!("an answer: {}", answer.status),
    }
}

/// A server that answers each connection with these bytes and closes it.
async fn raw_server(answer: &'static str) -> (String, JoinSet<io::Result<()>>) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await?;
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
        }
    });
    (format!("http://{address}"), tasks)
}

/// K14
#[test]
fn a_key_goes_to_https_or_loopback_only() {
    let check = |text: &str| check_base_url(&Url::parse(text).unwrap());
    for good in [
        "https://api.vapi.ai",
        "https://api.eu.vapi.ai/",
        "http://127.0.0.1:8090/vapi",
        "http://localhost:8090/vapi",
        "http://[::1]:8090",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for (bad, error) in [
        ("http://api.vapi.ai", BaseUrlError::Scheme),
        ("http://localhost.example.com", BaseUrlError::Scheme),
        ("http://10.0.0.1", BaseUrlError::Scheme),
        ("ftp://127.0.0.1", BaseUrlError::Scheme),
        ("file:///etc/passwd", BaseUrlError::Scheme),
        ("https://user:secret@api.vapi.ai", BaseUrlError::Credentials),
        ("https://api.vapi.ai/?debug=1", BaseUrlError::Query),
    ] {
        assert_eq!(check(bad), Err(error), "{bad}");
    }
}

/// K14
#[tokio::test]
async fn a_forbidden_address_is_never_asked() {
    assert_eq!(
        reason(ask_soon("http://192.0.2.1/").await),
        Unavailable::ForbiddenAddress
    );
}

/// K14
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri().as_str());
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    assert_eq!(
        malformed(ask_soon(&server.uri()).await),
        "it is a redirect (307), and redirects are not followed"
    );
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

/// E2: the key is sent as a bearer token, and the header that carries it hides it from every formatter.
#[tokio::test]
async fn the_key_is_sent_and_its_header_is_sensitive() {
    let server = MockServer::start().await;
    Mock::given(path("/base/things"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_string("[]"))
        .mount(&server)
        .await;
    let base_url = format!("{}/base/", server.uri());
    assert_eq!(ask_soon(&base_url).await.unwrap().status.as_u16(), 200);
    for (form, text) in [
        (Authorization::Bearer, format!("Bearer {KEY}")),
        (Authorization::Bare, KEY.to_owned()),
    ] {
        let value = super::authorization(form, &SecretString::from(KEY)).unwrap();
        assert_eq!(value.as_bytes(), text.as_bytes());
        assert!(value.is_sensitive());
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}

/// K2, K3
#[tokio::test]
async fn a_key_that_no_header_can_carry_is_an_invalid_key() {
    assert!(matches!(
        super::authorization(Authorization::Bearer, &SecretString::from("two\nlines")),
        Err(ProviderError::InvalidKey { message: Some(_) })
    ));
}

/// K3
#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        reason(ask_soon(&format!("http://{address}")).await),
        Unavailable::Connect
    );
}

/// K3
#[tokio::test]
async fn a_hanging_provider_is_given_up_at_the_deadline() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_mins(1)))
        .mount(&server)
        .await;
    let started = Instant::now();
    let result = ask(
        &HttpClient::new().unwrap(),
        &server.uri(),
        Duration::from_millis(200),
    )
    .await;
    assert_eq!(reason(result), Unavailable::Timeout);
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// K3
#[tokio::test]
async fn a_connection_that_closes_without_an_answer_is_lost() {
    let (url, _server) = raw_server("").await;
    assert_eq!(reason(ask_soon(&url).await), Unavailable::ConnectionLost);
}

/// K3
#[tokio::test]
async fn a_body_that_breaks_off_is_cut() {
    let (url, _server) =
        raw_server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\":").await;
    assert_eq!(reason(ask_soon(&url).await), Unavailable::BodyCut);
}

/// K3, S7
#[tokio::test]
async fn an_endless_body_is_refused() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("x".repeat(2_000)))
        .mount(&server)
        .await;
    let client = HttpClient::new().unwrap().with_max_body_bytes(1_000);
    let result = ask(&client, &server.uri(), Duration::from_secs(5)).await;
    assert_eq!(malformed(result), "it is longer than 1000 bytes");
}

/// K3
#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_is_named() {
    for (body, expected) in [
        ("", "the list of things is empty"),
        ("<html>", "the list of things is not JSON"),
        (
            "{\"data\":[]}",
            "the list of things is an object where a list belongs",
        ),
        ("[1,", "the list of things ends in the middle"),
        (
            "[1, nonsense]",
            "the list of things is not JSON (line 1, column 6)",
        ),
        (
            "[\"planted-secret\"]",
            "the list of things has another shape than it should (line 1, column 17)",
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let answer = ask_soon(&server.uri()).await.unwrap();
        let error = answer
            .json::<Vec<u64>>(Shape::List, "the list of things")
            .unwrap_err();
        assert_eq!(
            error,
            ProviderError::Malformed {
                what: expected.to_owned()
            }
        );
    }
}

/// S1, X1: no text of a provider's holds a zero character, which PostgreSQL does not store; an escaped backslash before the
/// same letters is none.
#[tokio::test]
async fn a_zero_character_is_replaced_wherever_it_stands() {
    let server = MockServer::start().await;
    let body = r#"{"id":"a\u0000b","list":["\u0000\u0000","c:\\u0000","\\\u0000"],"tail":"\\"}"#;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string(body))
        .mount(&server)
        .await;
    let answer = ask_soon(&server.uri()).await.unwrap();
    let value: serde_json::Value = answer.json(Shape::Object, "the item").unwrap();
    let expected = serde_json::json!({
        "id": "a\u{fffd}b",
        "list": ["\u{fffd}\u{fffd}", r"c:\u0000", "\\\u{fffd}"],
        "tail": "\\",
    });
    assert_eq!(value, expected);
    assert_eq!(answer.json_if_any(), Some(expected));
}

/// S4: seconds and dates are understood, dates against the provider's own clock, and nonsense is no wait.
#[tokio::test]
async fn retry_after_is_read_in_both_forms_and_kept_within_bounds() {
    const NOW: &str = "Sat, 21 Nov 2026 09:15:00 GMT";
    for (retry_after, date, expected) in [
        ("24", NOW, Some(24)),
        ("1.5", NOW, Some(1)),
        ("0", NOW, Some(1)),
        ("86400", NOW, Some(3_600)),
        ("Sat, 21 Nov 2026 09:16:30 GMT", NOW, Some(90)),
        ("Sat, 21 Nov 2026 09:00:00 GMT", NOW, Some(1)),
        ("Sat, 21 Nov 2026 09:16:30 GMT", "yesterday", None),
        ("-5", NOW, None),
        ("soon", NOW, None),
        ("NaN", NOW, None),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(429)
            .insert_header("Retry-After", retry_after)
            .insert_header("Date", date);
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let answer = ask_soon(&server.uri()).await.unwrap();
        assert_eq!(
            answer.retry_after.map(|wait| wait.as_secs()),
            expected,
            "for {retry_after}"
        );
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Sink {
    type Writer = Sink;

    fn make_writer(&self) -> Sink {
        self.clone()
    }
}

/// E2, K13: at the most talkative level of our own code neither key nor body gets into the log, and the fields do.
#[tokio::test]
async fn the_log_has_the_status_and_neither_key_nor_body() {
    let server = MockServer::start().await;
    let body = format!("{{\"echo\":\"{KEY}\",\"secret\":\"planted-body\"}}");
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(418).set_body_string(body))
        .mount(&server)
        .await;
    let sink = Sink::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(sink.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    // Tests run in parallel, and a log statement that another thread met first is off for everyone: so all of them are
    // met once, and then asked again.
    ask_soon(&server.uri()).await.unwrap();
    tracing::callsite::rebuild_interest_cache();
    ask_soon(&server.uri()).await.unwrap();
    drop(guard);
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    for field in [
        "\"provider.kind\":\"vapi\"",
        "\"http.status\":418",
        "\"http.route\":\"/things\"",
        "\"duration_ms\":",
    ] {
        assert!(log.contains(field), "{field} is missing in {log}");
    }
    assert!(!log.contains(KEY) && !log.contains("planted-body"), "{log}");
}
