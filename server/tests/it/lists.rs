//! Lists: pages by cursor in either direction, filters, search, totals, and what a page costs.

use std::{collections::HashMap, time::Duration};

use ringfence::{access::Role, sandbox::NewAccount};
use serde_json::{Value, json};

use crate::{
    harness::{Answer, TestApp, TestClient, keys},
    sync,
};

const KEY: &str = "key-of-a-listed-account-6Dm4";

/// 250 imported agents and 40 numbers, with equal names, times and statuses among the agents, so that ties are broken too.
async fn listed() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let account = NewAccount::vapi(KEY, 250).phone_numbers(40);
    app.sandbox.control().add_account(&account).unwrap();
    sync::import(&app, &admin, KEY).await;
    for sql in [
        "UPDATE agents SET created_at = created_at / 1200000 * 1200000, updated_at = created_at / 3000000 * 3000000",
        "UPDATE agents SET name = 'Same name', name_key = 'same name' WHERE name LIKE '%7'",
        "UPDATE agents SET status = 'inactive' WHERE name LIKE '%3'",
    ] {
        app.sql(sql).await;
    }
    (app, admin)
}

/// A page of agents.
async fn page(client: &TestClient, arguments: &Value) -> Answer {
    let query = "query($first: Int, $after: String, $last: Int, $before: String, $sort: AgentSort, $filter: AgentFilter, \
        $search: String) { agents(first: $first, after: $after, last: $last, before: $before, sort: $sort, \
        filter: $filter, search: $search) { totalCount nodes { id name status createdAt updatedAt } edges { cursor } \
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    client.graphql(query, arguments.clone()).await
}

/// How many agents are found.
async fn count(client: &TestClient, arguments: Value) -> i64 {
    let data = page(client, &arguments).await.ok();
    let agents = &data["agents"];
    let shown = i64::try_from(agents["nodes"].as_array().unwrap().len()).unwrap();
    let total = agents["totalCount"].as_i64().unwrap();
    assert_eq!(shown, total.min(50), "{arguments}");
    total
}

/// Walks from one end to the other, and answers with the agents in the list's order.
async fn walk(client: &TestClient, sort: &Value, size: i64, is_backward: bool) -> Vec<Value> {
    let (number, cursor, more, next) = if is_backward {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let mut all: Vec<Value> = Vec::new();
    let mut arguments = json!({ "sort": sort, number: size });
    loop {
        let data = page(client, &arguments).await.ok();
        let agents = &data["agents"];
        assert_eq!(agents["totalCount"], 250);
        let nodes = agents["nodes"].as_array().unwrap();
        let edges = agents["edges"].as_array().unwrap();
        assert_eq!(edges.len(), nodes.len());
        let info = &agents["pageInfo"];
        assert_eq!(edges[0]["cursor"], info["startCursor"]);
        assert_eq!(edges[edges.len() - 1]["cursor"], info["endCursor"]);
        let turned = if is_backward {
            "hasNextPage"
        } else {
            "hasPreviousPage"
        };
        assert_eq!(info[turned], !all.is_empty());
        if is_backward {
            all.splice(0..0, nodes.iter().cloned());
        } else {
            all.extend(nodes.iter().cloned());
        }
        if info[more] == false {
            return all;
        }
        arguments[cursor] = info[next].clone();
    }
}

/// What the list sorts by, as the rows show it.
fn sort_key(agent: &Value, field: &str) -> (String, String) {
    let text = |name: &str| agent[name].as_str().unwrap().to_owned();
    let key = match field {
        "NAME" => text("name").to_lowercase(),
        "STATUS" => text("status"),
        "CREATED_AT" => text("createdAt"),
        "UPDATED_AT" => text("updatedAt"),
        other => panic!("{other}"),
    };
    (key, text("id"))
}

/// Forward and backward, by every field, up and down: each agent once, in order, ties broken the same way.
#[tokio::test]
async fn every_walk_has_each_agent_once_in_order() {
    let (_app, admin) = listed().await;
    for field in ["NAME", "STATUS", "CREATED_AT", "UPDATED_AT"] {
        for direction in ["ASC", "DESC"] {
            let sort = json!({ "field": field, "direction": direction });
            let forward = walk(&admin, &sort, 60, false).await;
            let keys: Vec<_> = forward.iter().map(|agent| sort_key(agent, field)).collect();
            let mut expected = keys.clone();
            expected.sort();
            expected.dedup();
            if direction == "DESC" {
                expected.reverse();
            }
            assert_eq!(keys.len(), 250, "{field} {direction}");
            assert!(keys == expected, "{field} {direction} is out of order");
            let backward = walk(&admin, &sort, 100, true).await;
            assert!(backward == forward, "{field} {direction} backward");
        }
    }
    let usual = walk(&admin, &Value::Null, 100, false).await;
    let by_name = json!({ "field": "NAME" });
    assert!(usual == walk(&admin, &by_name, 99, false).await);
}

/// A walk loses nobody and repeats nobody while a sync adds agents, before and behind where it stands.
#[tokio::test]
async fn a_walk_is_steady_while_agents_are_added() {
    let (app, admin) = listed().await;
    let before = sync::agents(&admin).await;
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut arguments = json!({ "first": 40 });
    for number in 0.. {
        let data = page(&admin, &arguments).await.ok();
        for agent in data["agents"]["nodes"].as_array().unwrap() {
            let id = agent["id"].as_str().unwrap().to_owned();
            *seen.entry(id).or_default() += 1;
        }
        if data["agents"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        arguments["after"] = data["agents"]["pageInfo"]["endCursor"].clone();
        let control = app.sandbox.control();
        for prefix in ["Aaa", "Zzz"] {
            control
                .add_agents(KEY, 2, &format!("{prefix} {number}"))
                .unwrap();
        }
        sync::sync(&app, &admin).await;
    }
    for agent in before {
        let id = agent["id"].as_str().unwrap();
        assert_eq!(seen.get(id), Some(&1), "{agent}");
    }
    assert!(seen.values().all(|count| *count == 1));
    assert!(
        seen.len() > 250,
        "those that were added behind were seen too"
    );
}

/// Filters hold together, and the total is that of the narrowed list.
#[tokio::test]
async fn filters_narrow_a_list_together() {
    let (app, admin) = listed().await;
    for (filter, expected) in [
        (json!({}), 250),
        (json!({ "status": ["ACTIVE"] }), 225),
        (json!({ "status": ["INACTIVE"] }), 25),
        (json!({ "status": ["ACTIVE", "INACTIVE"] }), 250),
        (json!({ "status": [] }), 250),
        (json!({ "provider": ["VAPI"] }), 250),
        (json!({ "provider": ["RETELL", "BLAND"] }), 0),
        (json!({ "isReachable": true }), 250),
        (json!({ "isReachable": false }), 0),
        (
            json!({ "isReachable": true, "status": ["INACTIVE"], "provider": ["VAPI"] }),
            25,
        ),
    ] {
        assert_eq!(
            count(&admin, json!({ "filter": filter })).await,
            expected,
            "{filter}"
        );
    }
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    assert_eq!(
        count(&admin, json!({ "filter": { "isReachable": true } })).await,
        0
    );
    drop(app);
}

/// Search finds part of a name in any case, takes wildcards as they are written, and finds a whole remote id.
#[tokio::test]
async fn search_finds_names_and_remote_ids() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.add_account(&NewAccount::vapi(KEY, 12)).unwrap();
    let ids = control.agent_ids(KEY).unwrap();
    for (id, name) in ids.iter().zip([
        "Rabatt 100% Hotline",
        "under_scored name",
        "ÄRZTEHAUS Empfang",
        "back\\slash",
    ]) {
        control.rename_agent(KEY, id, name).unwrap();
    }
    sync::import(&app, &admin, KEY).await;
    for (search, expected) in [
        ("", 12),
        ("   ", 12),
        ("Seeded", 8),
        ("SEEDED AGENT 0000", 8),
        (" hotline ", 1),
        ("100%", 1),
        ("%", 1),
        ("_", 1),
        ("under_", 1),
        ("ärztehaus", 1),
        ("\\", 1),
        ("'; DROP TABLE agents; --", 0),
        (ids[5].as_str(), 1),
        (&ids[5][..8], 0),
    ] {
        assert_eq!(
            count(&admin, json!({ "search": search })).await,
            expected,
            "{search:?}"
        );
    }
    let both = json!({ "search": "seeded", "filter": { "status": ["INACTIVE"] } });
    assert_eq!(count(&admin, both).await, 0);
}

/// A page has 1 to 100 rows; the field that asks for another number, and one of two pairs, is named; so is a cursor that
/// is none, or one of another order or list.
#[tokio::test]
async fn a_page_that_cannot_be_is_refused_at_its_field() {
    let (_app, admin) = listed().await;
    for (arguments, field) in [
        (json!({ "first": 0 }), "first"),
        (json!({ "first": -1 }), "first"),
        (json!({ "first": 101 }), "first"),
        (json!({ "last": 0 }), "last"),
        (json!({ "last": 101 }), "last"),
        (json!({ "first": 1, "last": 1 }), "first"),
        (json!({ "after": "bm90aGluZw" }), "after"),
        (json!({ "before": "%%%" }), "before"),
    ] {
        let refused = page(&admin, &arguments).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{arguments}");
        assert_eq!(refused.error()["extensions"]["field"], field, "{arguments}");
    }
    let by_name = page(&admin, &json!({ "first": 1 })).await.ok();
    let cursor = &by_name["agents"]["pageInfo"]["endCursor"];
    let by_time = json!({ "after": cursor, "sort": { "field": "CREATED_AT" } });
    let refused = page(&admin, &by_time).await;
    assert_eq!(refused.error()["extensions"]["field"], "after");
    assert!(refused.message().contains("by name"));
    let voices = format!("{{ voices(after: {cursor}) {{ totalCount }} }}");
    assert_eq!(admin.query(&voices).await.code(), "INVALID_INPUT");
    let all = page(&admin, &json!({ "first": 100 })).await.ok();
    assert_eq!(all["agents"]["nodes"].as_array().unwrap().len(), 100);
    let usual = page(&admin, &json!({})).await.ok();
    assert_eq!(usual["agents"]["nodes"].as_array().unwrap().len(), 50);
}

/// Numbers are listed by number or by time, narrowed by agent and search.
#[tokio::test]
async fn numbers_are_found_by_agent_and_text() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    sync::import(&app, &admin, keys::GOOD).await;
    let numbers = async |arguments: Value| -> Vec<String> {
        let query = "query($filter: PhoneNumberFilter, $search: String, $sort: PhoneNumberSort) { \
            phoneNumbers(filter: $filter, search: $search, sort: $sort) { totalCount nodes { name number createdAt } } }";
        let data = admin.graphql(query, arguments).await.ok();
        let nodes = data["phoneNumbers"]["nodes"].as_array().unwrap().clone();
        assert_eq!(data["phoneNumbers"]["totalCount"], nodes.len());
        nodes
            .iter()
            .map(|node| node["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let agent = "{ agents(search: \"Cedar Heating & Air – After hours\") { nodes { id } } }";
    let agent = admin.query(agent).await.ok()["agents"]["nodes"][0]["id"].clone();
    let filter = |filter: Value| json!({ "filter": filter });
    assert_eq!(
        numbers(filter(json!({ "agentId": agent }))).await,
        ["Cedar night line"]
    );
    assert_eq!(
        numbers(filter(json!({ "agentId": "nobody" }))).await.len(),
        0
    );
    assert_eq!(numbers(filter(json!({ "hasAgent": true }))).await.len(), 11);
    assert_eq!(
        numbers(filter(json!({ "hasAgent": false }))).await,
        ["Spare line"]
    );
    assert_eq!(
        numbers(filter(json!({ "status": ["ACTIVATING"] }))).await,
        ["Summit front desk (SIP)"]
    );
    app.sql("UPDATE phone_numbers SET name = 'ÉTÉ Élégant', name_key = 'été élégant' WHERE name = 'Spare line'")
        .await;
    for (search, expected) in [
        ("ÉLÉGANT", 1),
        ("cedar", 2),
        ("+1720555", 2),
        ("summit-insurance", 1),
        ("FRONT DESK", 1),
        ("%", 0),
        ("_", 0),
    ] {
        let found = numbers(json!({ "search": search })).await;
        assert_eq!(found.len(), expected, "{search}: {found:?}");
    }
    let up = numbers(json!({ "sort": { "field": "CREATED_AT" } })).await;
    let mut down = numbers(json!({ "sort": { "field": "CREATED_AT", "direction": "DESC" } })).await;
    down.reverse();
    assert_eq!(up, down);
    let by_number = numbers(json!({ "sort": { "field": "NUMBER", "direction": "DESC" } })).await;
    assert_eq!(by_number[0], "Summit front desk (SIP)");
    assert_eq!(by_number[11], "Harborline listings");
}

/// Imports, voices and the audit log are walked the same way.
#[tokio::test]
async fn the_other_lists_are_walked_too() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    sync::import(&app, &admin, keys::GOOD).await;
    for _ in 0..4 {
        app.advance(Duration::from_millis(1));
        sync::sync(&app, &admin).await;
    }
    for (list, field) in [
        ("syncRuns", "id"),
        ("voices", "voiceId"),
        ("auditEntries", "sequence"),
        ("agencies", "slug"),
    ] {
        let whole = format!("{{ {list}(first: 100) {{ totalCount nodes {{ {field} }} }} }}");
        let whole = admin.query(&whole).await.ok()[list].clone();
        let total = whole["totalCount"].as_i64().unwrap();
        for (number, cursor, more, next) in [
            ("first", "after", "hasNextPage", "endCursor"),
            ("last", "before", "hasPreviousPage", "startCursor"),
        ] {
            let query = format!(
                "query($cursor: String) {{ {list}({number}: 2, {cursor}: $cursor) {{ nodes {{ {field} }} \
                 pageInfo {{ {more} {next} }} }} }}"
            );
            let mut all: Vec<Value> = Vec::new();
            let mut at = Value::Null;
            loop {
                let data = admin.graphql(&query, json!({ "cursor": at })).await.ok();
                let nodes = data[list]["nodes"].as_array().unwrap().clone();
                let place = if number == "last" { 0 } else { all.len() };
                all.splice(place..place, nodes);
                if data[list]["pageInfo"][more] == false {
                    break;
                }
                at = data[list]["pageInfo"][next].clone();
            }
            assert_eq!(i64::try_from(all.len()).unwrap(), total, "{list}");
            assert_eq!(Value::from(all), whole["nodes"], "{list} by {number}");
        }
    }
}

/// A page of a hundred agents with their placements, accounts and numbers costs as many statements as one of three.
#[tokio::test]
async fn a_page_costs_the_same_whatever_its_length() {
    let (app, admin) = listed().await;
    let cost = async |query: &str| -> u64 {
        let mut least = u64::MAX;
        // The workers look at the queue now and then; the least of a few is the page's own.
        for _ in 0..4 {
            let before = app.app.db.statement_count();
            admin.query(query).await.ok();
            least = least.min(app.app.db.statement_count() - before);
        }
        least
    };
    let agents = |size: u32| {
        format!(
            "{{ agents(first: {size}) {{ totalCount nodes {{ name phoneNumbers {{ number }} \
             placements {{ remoteId account {{ name }} }} }} }} }}"
        )
    };
    let few = cost(&agents(3)).await;
    assert_eq!(few, cost(&agents(100)).await);
    assert!(few <= 8, "{few} statements");
    let numbers = |size: u32| {
        format!(
            "{{ phoneNumbers(first: {size}) {{ nodes {{ number agent {{ name placements {{ remoteId }} }} }} }} }}"
        )
    };
    let few = cost(&numbers(3)).await;
    assert_eq!(few, cost(&numbers(40)).await);
    assert!(few <= 6, "{few} statements");
}

/// S7: a name of any length is cut to what a name can be, and pages are walked by cursors that stay small.
#[tokio::test]
async fn names_of_any_length_are_paged() {
    const KEY: &str = "key-of-endless-names-Hx7q";
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.add_account(&NewAccount::vapi(KEY, 5)).unwrap();
    for id in control.agent_ids(KEY).unwrap() {
        let name = format!("Front Desk Ä {}", "é".repeat(300_000));
        control.rename_agent(KEY, &id, &name).unwrap();
    }
    admin.save_key(KEY, None).await.ok();
    app.settle().await;
    let query = "query($after: String) { agents(first: 2, after: $after, search: \"desk ä\") { totalCount \
        nodes { id name } pageInfo { hasNextPage endCursor } } }";
    let (mut ids, mut after) = (std::collections::BTreeSet::new(), Value::Null);
    loop {
        let variables = json!({ "after": after });
        let page = admin.graphql(query, variables).await.ok()["agents"].clone();
        assert_eq!(page["totalCount"], 5);
        for node in page["nodes"].as_array().unwrap() {
            let name = node["name"].as_str().unwrap();
            assert_eq!(name.chars().count(), 1_000);
            assert!(name.ends_with('…'));
            assert!(ids.insert(node["id"].to_string()));
        }
        after = page["pageInfo"]["endCursor"].clone();
        assert!(after.as_str().unwrap().len() < 1_000);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(ids.len(), 5);
    let run = admin.key().await["latestSyncRun"]["id"].clone();
    let query = "query($run: ID!) { syncChanges(syncRunId: $run, first: 2) { nodes { name } pageInfo { endCursor } } }";
    let changes = admin.graphql(query, json!({ "run": run })).await.ok()["syncChanges"].clone();
    assert!(changes["pageInfo"]["endCursor"].as_str().unwrap().len() < 1_000);
}

/// H3: a search longer than what is searched is refused with its field, at each list that can be searched.
#[tokio::test]
async fn a_search_has_two_hundred_characters_at_most() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    for list in ["agents", "phoneNumbers", "clients"] {
        let query =
            format!("query($search: String) {{ {list}(search: $search) {{ totalCount }} }}");
        let longest = json!({ "search": format!(" {} ", "Ä".repeat(200)) });
        staff.graphql(&query, longest).await.ok();
        for length in [201, 50_001] {
            let search = json!({ "search": "a".repeat(length) });
            let refused = staff.graphql(&query, search).await;
            assert_eq!(refused.code(), "INVALID_INPUT", "{list}");
            assert_eq!(refused.errors[0]["extensions"]["field"], "search");
        }
    }
    let assign =
        "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }";
    let input = json!({ "input": { "search": "a".repeat(201) } });
    let refused = staff.graphql(assign, input).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.errors[0]["extensions"]["field"], "search");
}
