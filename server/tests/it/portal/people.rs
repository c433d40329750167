//! How a client's people get in: by a link that works once, and into no agency that they have not joined themselves.

use ringfence::access::Role;
use serde_json::{Value, json};

use super::{make, redeem, scene};
use crate::{
    clients::create,
    harness::{PASSWORD, TestClient},
};

/// P2: a link works once and for seven days, and staff make none.
#[tokio::test]
async fn a_log_in_link_works_once() {
    let scene = scene().await;
    let input = json!({ "clientId": scene.bayview, "name": "Pia", "email": "pia@example.com" });
    let made = make(&scene.admin, input.clone()).await.ok()["createPortalUser"].clone();
    assert_eq!(
        make(&scene.admin, input).await.error()["extensions"]["field"],
        "email"
    );
    let link = &made["logInLink"]["url"];
    let nobody = scene.app.nobody();
    assert_eq!(
        redeem(&nobody, link, "short").await.error()["extensions"]["field"],
        "password"
    );
    redeem(&nobody, link, PASSWORD).await.ok();
    assert_eq!(
        redeem(&scene.app.nobody(), link, PASSWORD).await.error()["extensions"]["field"],
        "token"
    );
    scene.app.nobody().log_in("pia@example.com", PASSWORD).await;
    let renew = "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }";
    let who = json!({ "input": { "clientId": scene.bayview, "userId": made["portalUser"]["id"] } });
    let fresh = scene.admin.graphql(renew, who.clone()).await.ok()["createLogInLink"]["logInLink"]
        ["url"]
        .clone();
    scene
        .app
        .advance(std::time::Duration::from_secs(7 * 24 * 3600 + 1));
    assert_eq!(
        redeem(&scene.app.nobody(), &fresh, PASSWORD).await.error()["extensions"]["field"],
        "token"
    );
    scene.app.settle().await;
    let staff = scene.app.user(Role::Staff).await;
    let input = json!({ "clientId": scene.bayview, "name": "X", "email": "x@example.com" });
    assert_eq!(make(&staff, input).await.code(), "FORBIDDEN");
}

/// The person that the agency of this admin makes: their id, and their link.
async fn invite(admin: &TestClient, client: &Value, email: &str) -> (Value, Value) {
    let input = json!({ "clientId": client, "name": "Vic", "email": email });
    let made = make(admin, input).await.ok()["createPortalUser"].clone();
    let link = made["logInLink"]["url"].clone();
    (made["portalUser"]["id"].clone(), link)
}

async fn slugs(person: &TestClient) -> Vec<String> {
    let viewer = person
        .query("{ viewer { memberships { agency { slug } } } }")
        .await
        .ok();
    let found = viewer["viewer"]["memberships"].as_array().unwrap().clone();
    found
        .iter()
        .map(|it| it["agency"]["slug"].as_str().unwrap().to_owned())
        .collect()
}

/// P5: an agency that made a log-in for somebody's address, and knows its password, gets into no other agency that invites
/// the same address: not when it is invited, not after it was removed and invited again, and not with a link of its own.
#[tokio::test]
async fn no_agency_gets_in_under_a_name_that_another_invited() {
    const THEIRS: &str = "the attacker chose this one";
    let scene = scene().await;
    let attacker = scene.app.stranger(Role::Owner).await;
    let theirs = create(&attacker, "Front").await;
    let (id, link) = invite(&attacker, &theirs, "vic@example.com").await;
    redeem(&scene.app.nobody(), &link, THEIRS).await.ok();

    let (invited, link) = invite(&scene.admin, &scene.bayview, "vic@example.com").await;
    let inside = TestClient::new(&scene.app, None);
    inside.log_in("vic@example.com", THEIRS).await;
    assert_eq!(slugs(&inside).await.len(), 1);
    let here = TestClient::new(&scene.app, Some(&scene.app.agency));
    here.set_cookie(inside.cookie());
    assert_eq!(
        here.query("{ agents { totalCount } }").await.code(),
        "NOT_FOUND"
    );
    // The invited one chooses no password over the one that is there.
    let refused = redeem(&scene.app.nobody(), &link, PASSWORD).await;
    assert_eq!(refused.error()["extensions"]["field"], "password");
    // Nor does the other agency's next link lead here.
    let renew = "mutation($input: CreateLogInLinkInput!) { createLogInLink(input: $input) { logInLink { url } } }";
    let who = json!({ "input": { "clientId": theirs, "userId": id } });
    let next =
        attacker.graphql(renew, who).await.ok()["createLogInLink"]["logInLink"]["url"].clone();
    let person = scene.app.nobody();
    redeem(&person, &next, "another of the attacker").await.ok();
    assert_eq!(slugs(&person).await.len(), 1);
    // Removed and invited again, the old link is dead and the new one asks for the password that is there.
    let remove = "mutation($input: RemovePortalUserInput!) { removePortalUser(input: $input) { removedId } }";
    let who = json!({ "input": { "clientId": scene.bayview, "userId": invited } });
    scene.admin.graphql(remove, who).await.ok();
    let (_, again) = invite(&scene.admin, &scene.bayview, "vic@example.com").await;
    assert_eq!(
        redeem(&scene.app.nobody(), &link, "another of the attacker")
            .await
            .error()["extensions"]["field"],
        "token"
    );
    let joined = scene.app.nobody();
    redeem(&joined, &again, "another of the attacker")
        .await
        .ok();
    assert_eq!(slugs(&joined).await.len(), 2, "who proves the log-in joins");
}

/// P5: inviting an address tells nothing of a log-in that is here already: the same answer, the own name, and no time at
/// which its owner was seen elsewhere.
#[tokio::test]
async fn an_invitation_tells_nothing_of_other_agencies() {
    let scene = scene().await;
    let other = scene.app.stranger(Role::Owner).await;
    let email =
        other.query("{ viewer { person { email } } }").await.ok()["viewer"]["person"]["email"]
            .clone();
    let people = "query($id: ID!) { portalUsers(clientId: $id) { name lastSeenAt } }";
    let mut told = Vec::new();
    for email in [email.as_str().unwrap(), "nobody-yet@example.com"] {
        let client = create(&scene.admin, email).await;
        let (_, link) = invite(&scene.admin, &client, email).await;
        assert!(link.as_str().unwrap().contains("/welcome#"));
        let listed = scene.admin.graphql(people, json!({ "id": client })).await;
        told.push(listed.ok());
    }
    assert_eq!(told[0], told[1]);
    let expected = json!([{ "name": "Vic", "lastSeenAt": null }]);
    assert_eq!(told[0]["portalUsers"], expected);
}

/// P2: a link that another agency's invitation came after still works, and whoever is removed before it is used stays out.
#[tokio::test]
async fn a_link_outlives_another_agencys_invitation() {
    let scene = scene().await;
    let other = scene.app.stranger(Role::Owner).await;
    let theirs = create(&other, "Front").await;
    let (_, first) = invite(&scene.admin, &scene.bayview, "pia@example.com").await;
    let (_, second) = invite(&other, &theirs, "pia@example.com").await;
    let pia = scene.app.nobody();
    redeem(&pia, &first, PASSWORD).await.ok();
    assert_eq!(slugs(&pia).await.len(), 1);
    let refused = redeem(&scene.app.nobody(), &second, "some other password").await;
    assert_eq!(refused.error()["extensions"]["field"], "password");
    redeem(&pia, &second, PASSWORD).await.ok();
    assert_eq!(slugs(&pia).await.len(), 2);

    let (id, link) = invite(&scene.admin, &scene.luma, "otto@example.com").await;
    let remove = "mutation($input: RemovePortalUserInput!) { removePortalUser(input: $input) { removedId } }";
    let who = json!({ "input": { "clientId": scene.luma, "userId": id } });
    scene.admin.graphql(remove, who).await.ok();
    let refused = redeem(&scene.app.nobody(), &link, PASSWORD).await;
    assert_eq!(refused.error()["extensions"]["field"], "token");
}
