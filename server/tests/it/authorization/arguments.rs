//! The arguments with which each root field of the walk is asked: those of the world as it is at that moment, so that whoever
//! may gets data, and whoever may not is refused for that reason alone.

use serde_json::{Value, json};

use super::{
    expected::Who,
    world::{EMPTY_RETELL, World},
};
use crate::harness::{PASSWORD, keys};

impl World {
    async fn endpoint(&self) -> Value {
        let found = self
            .ask_owner("{ webhookEndpoints { nodes { id } } }")
            .await;
        found["webhookEndpoints"]["nodes"][0]["id"].clone()
    }

    /// A key in use, which is made when the sample before has used it up.
    async fn api_key_in_use(&self) -> Value {
        loop {
            let found = self.ask_owner("{ apiKeys { id state } }").await;
            let keys = found["apiKeys"].as_array().unwrap();
            if let Some(key) = keys.iter().find(|key| key["state"] == "ACTIVE") {
                return key["id"].clone();
            }
            let query = "mutation { generateApiKey(input: { name: \"Walk\" }) { apiKey { id } } }";
            let owner = &self.person(Who::Owner).client;
            owner.query(query).await.ok();
        }
    }

    pub(super) async fn standing_key(&self) -> Value {
        let query = "{ providerKeys { nodes { id version clearImpact { acknowledgement } } } }";
        self.ask_owner(query).await["providerKeys"]["nodes"][0].clone()
    }

    /// The same for alerts, webhooks and API keys.
    async fn arguments_of_news(&self, root: &str) -> (String, String, Value) {
        match root {
            "generateApiKey" => input(
                "GenerateApiKeyInput",
                json!({ "name": "Walk", "scopes": ["READ"] }),
            ),
            "rotateApiKey" | "revokeApiKey" => {
                let kind = format!("{}{}Input", root[..1].to_uppercase(), &root[1..]);
                input(&kind, json!({ "apiKeyId": self.api_key_in_use().await }))
            }
            "updateApiAccess" => input("UpdateApiAccessInput", json!({ "isOn": true })),
            "dismissAlert" => input(
                "DismissAlertInput",
                json!({ "alertId": "an-alert-of-ours" }),
            ),
            "webhookDeliveries" => {
                let endpoint = self.endpoint().await;
                (
                    "($id: ID!)".to_owned(),
                    "(webhookEndpointId: $id)".to_owned(),
                    json!({ "id": endpoint }),
                )
            }
            "createWebhookEndpoint" => input("CreateWebhookEndpointInput", self.endpoint_input()),
            "updateWebhookEndpoint"
            | "rotateWebhookSecret"
            | "deleteWebhookEndpoint"
            | "testWebhookEndpoint" => {
                let kind = format!("{}{}Input", root[..1].to_uppercase(), &root[1..]);
                input(&kind, json!({ "webhookEndpointId": self.endpoint().await }))
            }
            "redeliverWebhook" => {
                let rows = self.app.sql("SELECT max(id) FROM webhook_deliveries").await;
                let id = rows[0].get::<String>(0);
                input("RedeliverWebhookInput", json!({ "webhookDeliveryId": id }))
            }
            _ => (String::new(), String::new(), json!({})),
        }
    }

    /// The arguments of a root field as they are now: declared, used, and their values.
    pub(crate) async fn arguments(&self, who: Who, root: &str) -> Arguments {
        let is_of_keys = root.ends_with("ProviderKey") && root != "handInProviderKey";
        if is_of_keys || root == "explainRoute" || root == "providerKeyVersions" {
            return self.key_arguments(who, root).await;
        }
        if root.contains("Portal")
            || root.contains("HandIn")
            || root.contains("LogInLink")
            || root == "portalUsers"
            || root == "handInProviderKey"
        {
            return self.portal_arguments(root).await;
        }
        if root == "call" || root == "triggerCall" {
            return self.call_arguments(who, root).await;
        }
        if root == "agent" && who == Who::Portal {
            return id(&self.called_agent().await);
        }
        if root == "client" || root.ends_with("Client") || root == "assignAgents" {
            return self.client_arguments(root).await;
        }
        match root {
            "agent" => {
                let found = self.ask_owner("{ agents { nodes { id } } }").await;
                id(&found["agents"]["nodes"][0]["id"])
            }
            "syncRun" => {
                let found = self.ask_owner("{ syncRuns { nodes { id } } }").await;
                id(&found["syncRuns"]["nodes"][0]["id"])
            }
            "phoneNumber" => {
                let found = self.ask_owner("{ phoneNumbers { nodes { id } } }").await;
                id(&found["phoneNumbers"]["nodes"][0]["id"])
            }
            "syncChanges" => {
                // The first import added everything.
                let found = self
                    .ask_owner("{ syncRuns(last: 1) { nodes { id } } }")
                    .await;
                (
                    "($id: ID!)".to_owned(),
                    "(syncRunId: $id)".to_owned(),
                    json!({ "id": found["syncRuns"]["nodes"][0]["id"] }),
                )
            }
            "startSync" => input("StartSyncInput", json!({ "provider": "VAPI" })),
            "placementPlan" => (
                "($provider: Provider!)".to_owned(),
                "(provider: $provider)".to_owned(),
                json!({ "provider": "VAPI" }),
            ),
            "placementRun" => id(&json!("a-placement-run-of-ours")),
            "startPlacementRun" => input("StartPlacementRunInput", json!({ "provider": "VAPI" })),
            // One name for all: the first one makes the agent, and the others are answered with it.
            "createAgent" => input(
                "CreateAgentInput",
                json!({ "provider": "VAPI", "name": "Night desk", "prompt": "Be brief.", "clientMutationId": "walk",
                    "model": { "vendor": "openai", "name": "gpt-4.1" } }),
            ),
            "updateAgent" => input(
                "UpdateAgentInput",
                json!({ "agentId": self.called_agent().await, "firstMessage": "Hello." }),
            ),
            "confirmSync" => {
                self.app
                    .sql(
                        "UPDATE sync_runs SET state = 'needs_confirmation', finished_at = NULL \
                          WHERE id = (SELECT max(id) FROM sync_runs)",
                    )
                    .await;
                let query =
                    "{ syncRuns(filter: { state: [NEEDS_CONFIRMATION] }) { nodes { id } } }";
                let run = self.ask_owner(query).await["syncRuns"]["nodes"][0]["id"].clone();
                input(
                    "ConfirmSyncInput",
                    json!({ "syncRunId": run, "decision": "KEEP_ACTIVE" }),
                )
            }
            "logIn" => {
                let who = if who == Who::Nobody { Who::Owner } else { who };
                let email = &self.person(who).email;
                input(
                    "LogInInput",
                    json!({ "email": email, "password": PASSWORD }),
                )
            }
            "setUp" => input(
                "SetUpInput",
                json!({
                    "token": "a guess",
                    "agencyName": "Eastside",
                    "name": "Eve",
                    "email": "eve@example.com",
                    "password": PASSWORD,
                }),
            ),
            _ => self.arguments_of_news(root).await,
        }
    }

    /// A new person of Cedar's; with the token of their link.
    async fn spare_person(&self) -> (Value, String) {
        let document = "mutation($input: CreatePortalUserInput!) { createPortalUser(input: $input) { \
            portalUser { id } logInLink { url } } }";
        let (_, _, variables) = Box::pin(self.portal_arguments("createPortalUser")).await;
        let owner = &self.person(Who::Owner).client;
        let made = owner.graphql(document, variables).await.ok()["createPortalUser"].clone();
        let url = made["logInLink"]["url"].as_str().unwrap();
        let token = url.split('#').nth(1).unwrap().to_owned();
        (made["portalUser"]["id"].clone(), token)
    }

    /// A key that waits.
    async fn waiting_hand_in(&self) -> Value {
        let document = "mutation($input: HandInProviderKeyInput!) { handInProviderKey(input: $input) { \
            integration { state } } }";
        let input = json!({ "provider": "RETELL", "apiKey": EMPTY_RETELL });
        let person = &self.person(Who::Portal).client;
        let answer = person.graphql(document, json!({ "input": input })).await;
        answer.ok();
        let found = self.ask_owner("{ keyHandIns { id state } }").await;
        found["keyHandIns"][0]["id"].clone()
    }

    async fn portal_arguments(&self, root: &str) -> Arguments {
        let cedar = self.client_named("Cedar").await;
        match root {
            "portalUsers" => (
                "($id: ID!)".to_owned(),
                "(clientId: $id)".to_owned(),
                json!({ "id": cedar }),
            ),
            "createPortalUser" => {
                let email = format!("{}@example.com", uuid::Uuid::now_v7());
                let person = json!({ "clientId": cedar, "name": "Pia", "email": email });
                input("CreatePortalUserInput", person)
            }
            "updatePortalUser" => {
                let (user, _) = self.spare_person().await;
                let change =
                    json!({ "clientId": cedar, "userId": user, "permissions": ["VIEW_AGENTS"] });
                input("UpdatePortalUserInput", change)
            }
            "removePortalUser" | "createLogInLink" => {
                let kind = format!("{}{}Input", root[..1].to_uppercase(), &root[1..]);
                let (user, _) = self.spare_person().await;
                input(&kind, json!({ "clientId": cedar, "userId": user }))
            }
            "redeemLogInLink" => {
                let (_, token) = self.spare_person().await;
                let link = json!({ "token": token, "password": PASSWORD });
                input("RedeemLogInLinkInput", link)
            }
            "handInProviderKey" => input(
                "HandInProviderKeyInput",
                json!({ "provider": "VAPI", "apiKey": keys::GOOD }),
            ),
            "acceptKeyHandIn" => {
                let hand_in = self.waiting_hand_in().await;
                input("AcceptKeyHandInInput", json!({ "keyHandInId": hand_in }))
            }
            "declineKeyHandIn" => {
                let hand_in = self.waiting_hand_in().await;
                input("DeclineKeyHandInInput", json!({ "keyHandInId": hand_in }))
            }
            "updateHandIns" => input("UpdateHandInsInput", json!({ "isOpen": true })),
            "keyHandIns" => (String::new(), String::new(), json!({})),
            _ => unreachable!("{root} has no sample"),
        }
    }

    async fn client_arguments(&self, root: &str) -> Arguments {
        let of_client = |kind: &str, client: Value, more: Value| {
            let mut value = more;
            value["clientId"] = client;
            input(kind, value)
        };
        match root {
            "client" => id(&self.client_named("Cedar").await),
            "createClient" => {
                let name = format!("Client {}", uuid::Uuid::now_v7());
                input("CreateClientInput", json!({ "name": name }))
            }
            "updateClient" => {
                let client = self.client_named("Easel").await;
                of_client("UpdateClientInput", client, json!({ "name": "Easel" }))
            }
            "archiveClient" => {
                let client = self.client_named("Easel").await;
                of_client("ArchiveClientInput", client, json!({}))
            }
            "restoreClient" => {
                let client = self.client_named("Easel").await;
                of_client("RestoreClientInput", client, json!({}))
            }
            "assignAgents" => {
                let found =
                    self.ask_owner("{ agents(filter: { isAssigned: false }) { nodes { id } } }");
                let agent = found.await["agents"]["nodes"][0]["id"].clone();
                input("AssignAgentsInput", json!({ "agentIds": [agent] }))
            }
            _ => unreachable!("{root} has no sample"),
        }
    }

    async fn call_arguments(&self, who: Who, root: &str) -> Arguments {
        if root == "call" {
            return id(&json!("a-call-of-ours"));
        }
        // A call that the route does not stop; whoever is refused anyway leaves the rows as they are.
        if matches!(who, Who::Owner | Who::Admin | Who::Staff | Who::Portal) {
            self.app
                .sql(
                    "UPDATE provider_keys SET breaker = 'closed';
                     UPDATE placements SET status = 'active', inactive_reason = NULL",
                )
                .await;
        }
        let call = json!({ "agentId": self.called_agent().await, "phoneNumber": "+15551230000" });
        input("TriggerCallInput", call)
    }

    async fn key_arguments(&self, who: Who, root: &str) -> Arguments {
        let key = self.standing_key().await;
        match root {
            "explainRoute" => (
                "($id: ID!)".to_owned(),
                "(agentId: $id)".to_owned(),
                json!({ "id": self.called_agent().await }),
            ),
            "providerKeyVersions" => (String::new(), "(provider: VAPI)".to_owned(), json!({})),
            "previewProviderKey" => input(
                "PreviewProviderKeyInput",
                json!({ "provider": "VAPI", "apiKey": keys::SECOND }),
            ),
            "rollBackProviderKey" => {
                // The clock runs ahead by an hour at each mending, and a retired version lives for a day.
                if matches!(who, Who::Owner | Who::Admin) {
                    let owner = &self.person(Who::Owner).client;
                    let version = key["version"].as_i64();
                    owner.save_key(keys::GOOD, version).await.ok();
                }
                let now = self.standing_key().await["version"].clone();
                let before = now.as_i64().unwrap_or(1) - 1;
                let input_value =
                    json!({ "provider": "VAPI", "version": before, "expectedVersion": now });
                input("RollBackProviderKeyInput", input_value)
            }
            // The stranger's agency has no key, and none is saved for it: its rows would be a copy of the first one's.
            "saveProviderKey" if who == Who::Stranger => {
                input("SaveProviderKeyInput", json!({ "provider": "VAPI" }))
            }
            "saveProviderKey" => input(
                "SaveProviderKeyInput",
                json!({ "provider": "VAPI", "apiKey": keys::GOOD, "expectedVersion": key["version"] }),
            ),
            "clearProviderKey" => input(
                "ClearProviderKeyInput",
                json!({
                    "providerKeyId": key["id"],
                    "expectedVersion": key["version"],
                    "acknowledgement": key["clearImpact"]["acknowledgement"],
                }),
            ),
            "testProviderKey" => input(
                "TestProviderKeyInput",
                json!({ "providerKeyId": key["id"] }),
            ),
            _ => unreachable!("{root} has no sample"),
        }
    }
}

/// Arguments as they are declared and used, and their values.
type Arguments = (String, String, Value);

/// One input of this type.
fn input(kind: &str, value: Value) -> Arguments {
    let variables = json!({ "input": value });
    (
        format!("($input: {kind}!)"),
        "(input: $input)".to_owned(),
        variables,
    )
}

/// One id.
fn id(value: &Value) -> Arguments {
    (
        "($id: ID!)".to_owned(),
        "(id: $id)".to_owned(),
        json!({ "id": value }),
    )
}
