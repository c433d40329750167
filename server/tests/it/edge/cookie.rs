//! H2: the session cookie and the token in it.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use ringfence::{access::Role, vault::SessionSecret};
use serde_json::{Value, json};

use crate::harness::{PASSWORD, START, Settings, TestApp, TestClient};

/// Name, value and attributes of the cookie that an answer sets.
async fn set_by_log_in(app: &TestApp, email: &str) -> (String, String, Vec<String>) {
    let query =
        "mutation($input: LogInInput!) { logIn(input: $input) { viewer { person { id } } } }";
    let input = json!({ "input": { "email": email, "password": PASSWORD } });
    cookie_of(&app.nobody(), query, input).await
}

async fn cookie_of(
    client: &TestClient,
    query: &str,
    variables: Value,
) -> (String, String, Vec<String>) {
    let sent = client
        .request(Method::POST, "/graphql")
        .json(&json!({ "query": query, "variables": variables }))
        .send()
        .await
        .unwrap();
    let header = sent.headers()["set-cookie"].to_str().unwrap().to_owned();
    let mut parts = header.split("; ").map(str::to_owned);
    let pair = parts.next().unwrap();
    let (name, value) = pair.split_once('=').unwrap();
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    (name.to_owned(), value.to_owned(), attributes)
}

async fn email_of(client: &TestClient) -> String {
    let told = client.query("{ viewer { person { email } } }").await.ok();
    told["viewer"]["person"]["email"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// H2: the cookie is `HttpOnly` and `SameSite`; the token in it holds session id, expiry and audience and nothing else.
#[tokio::test]
async fn the_cookie_is_for_http_alone_and_holds_nothing_else() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let (name, token, attributes) = set_by_log_in(&app, &email_of(&staff).await).await;
    assert_eq!(name, "ringfence");
    assert_eq!(
        attributes,
        ["HttpOnly", "Max-Age=1209600", "Path=/", "SameSite=Lax"]
    );
    let part = |index: usize| -> HashMap<String, Value> {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let text = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(part(0)["alg"], "HS256");
    let claims = part(1);
    let mut names: Vec<&str> = claims.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "exp", "sid"]);
    let (name, value, attributes) =
        cookie_of(&staff, "mutation { logOut { isLoggedOut } }", json!({})).await;
    assert_eq!((name.as_str(), value.as_str()), ("ringfence", ""));
    assert!(
        attributes.contains(&"Max-Age=0".to_owned()),
        "{attributes:?}"
    );
}

/// H2: on https the cookie is `Secure` under a name whose prefix makes browsers insist on that, and the name for http
/// is not taken.
#[tokio::test]
async fn the_cookie_is_secure_on_https() {
    let app = TestApp::with(Settings {
        public_url: Some("https://keys.example.com"),
        ..Settings::default()
    })
    .await;
    let staff = app.user(Role::Staff).await;
    let (name, token, attributes) = set_by_log_in(&app, &email_of(&staff).await).await;
    assert_eq!(name, "__Host-ringfence");
    assert_eq!(
        attributes,
        [
            "HttpOnly",
            "Max-Age=1209600",
            "Path=/",
            "SameSite=Lax",
            "Secure"
        ]
    );
    staff.set_cookie(Some(format!("ringfence={token}")));
    assert!(staff.query("{ viewer { person { id } } }").await.ok()["viewer"].is_null());
    let page = staff.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(
        page.headers()["strict-transport-security"],
        "max-age=31536000"
    );
}

/// A token with these claims, signed as told with the server's own secret.
fn forged(app: &TestApp, algorithm: Algorithm, claims: &Value) -> String {
    let secret = SessionSecret::read(&app.folder.join("session.secret")).unwrap();
    let key = EncodingKey::from_secret(secret.expose());
    encode(&Header::new(algorithm), claims, &key).unwrap()
}

/// H2: a token counts only as the server itself signs it: HS256, its audience, its expiry, unchanged.
#[tokio::test]
async fn a_forged_token_is_nobody() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let sessions = staff.query("{ viewer { sessions { id } } }").await.ok();
    let session = sessions["viewer"]["sessions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let later = START / 1000 + 3600;
    let claims =
        |audience: &str, expiry: i64| json!({ "sid": session, "exp": expiry, "aud": audience });
    let good = forged(&app, Algorithm::HS256, &claims("ringfence-web", later));
    let is_somebody = async |token: &str| {
        let client = app.nobody();
        client.set_cookie(Some(format!("ringfence={token}")));
        let sent = client
            .request(Method::POST, "/graphql")
            .json(&json!({ "query": "{ viewer { person { id } } }" }))
            .send()
            .await
            .unwrap();
        let body: Value = sent.json().await.unwrap();
        assert!(body["errors"].is_null(), "{body}");
        !body["data"]["viewer"].is_null()
    };
    assert!(is_somebody(&good).await);
    let parts: Vec<&str> = good.split('.').collect();
    let encoded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encoded(json!({ "alg": "none", "typ": "JWT" }));
    let other = encoded(json!({ "sid": "another", "exp": later, "aud": "ringfence-web" }));
    let mut torn = good.clone();
    torn.truncate(good.len() - 2);
    let another_secret = EncodingKey::from_secret(b"another secret of thirty-two by.");
    let elsewhere = encode(
        &Header::new(Algorithm::HS256),
        &claims("ringfence-web", later),
        &another_secret,
    );
    for (what, token) in [
        ("no signature", format!("{none}.{}.", parts[1])),
        (
            "no signature, old one kept",
            format!("{none}.{}.{}", parts[1], parts[2]),
        ),
        (
            "HS512",
            forged(&app, Algorithm::HS512, &claims("ringfence-web", later)),
        ),
        (
            "HS384",
            forged(&app, Algorithm::HS384, &claims("ringfence-web", later)),
        ),
        (
            "another audience",
            forged(&app, Algorithm::HS256, &claims("ringfence-api", later)),
        ),
        (
            "no audience",
            forged(
                &app,
                Algorithm::HS256,
                &json!({ "sid": session, "exp": later }),
            ),
        ),
        (
            "no expiry",
            forged(
                &app,
                Algorithm::HS256,
                &json!({ "sid": session, "aud": "ringfence-web" }),
            ),
        ),
        (
            "over",
            forged(
                &app,
                Algorithm::HS256,
                &claims("ringfence-web", START / 1000),
            ),
        ),
        (
            "another session",
            format!("{}.{other}.{}", parts[0], parts[2]),
        ),
        ("another secret", elsewhere.unwrap()),
        ("cut", torn),
        ("empty", String::new()),
        ("no token", "x".repeat(5000)),
    ] {
        assert!(!is_somebody(&token).await, "{what}");
    }
}
